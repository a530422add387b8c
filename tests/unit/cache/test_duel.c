/* Whether recency is preferred where it pays, and only there. */
#include <criterion/criterion.h>
#include <math.h>
#include "broker/cache/duel.h"
#include "common/rng.h"

static uint32_t hash_of(uint32_t number)
{
	return (number * UINT32_C(2654435761)) ^ number << 7;
}

static struct duel make(enum cache_policy_kind kind)
{
	struct duel duel;

	duel_init(&duel, kind);
	duel_fit(&duel, 2000, 2000 * 100);
	return duel;
}

static void steady(struct duel *duel, struct rng *rng, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		duel_look(duel, hash_of((uint32_t)exp(rng_unit(rng) * log(40000))), 100);
}

static void drift(struct duel *duel, struct rng *rng, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		duel_look(duel, hash_of(100000 + i / 12 + (uint32_t)exp(rng_unit(rng) * log(8000))),
			  100);
}

Test(duel, prefers_recency_where_popularity_moves_on)
{
	for (int kind = CACHE_GDSF; kind <= CACHE_S3FIFO; kind++) {
		struct duel duel = make(kind);
		struct rng rng;

		rng_init(&rng, 23);
		steady(&duel, &rng, 100000);
		cr_assert_not(duel.prefers_recency);
		drift(&duel, &rng, 100000);
		cr_assert(duel.prefers_recency);
		steady(&duel, &rng, 100000);
		cr_assert_not(duel.prefers_recency);
	}
}

/* The miniatures keep within their entries and bytes, whatever comes. */
Test(duel, stays_within_its_bounds)
{
	for (int kind = CACHE_GDSF; kind <= CACHE_S3FIFO; kind++) {
		struct duel duel;
		struct rng rng;

		rng_init(&rng, 29);
		duel_init(&duel, kind);
		for (uint32_t i = 0; i < 200000; i++) {
			if (i % 1000 == 0)
				duel_fit(&duel, rng_below(&rng, 3000), rng_below(&rng, 1000000));
			duel_look(&duel, (uint32_t)rng_next(&rng) & 0x80000fff,
				  1 + rng_below(&rng, rng_below(&rng, 100) ? 1000 : 1u << 31));
			cr_assert_leq(duel.recent.count, DUEL_ENTRIES);
			cr_assert_leq(duel.policy.count, DUEL_ENTRIES);
			cr_assert_leq(duel.policy.proven_count, duel.policy.count);
			cr_assert_leq(duel.policy.proven_bytes, duel.policy.bytes);
		}
	}
}
