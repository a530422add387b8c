#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include "broker/tool/workload.h"

#define DRAWS 400000

/* Pearson's statistic over keys drawn, against the formula itself; those beyond the listed ones are
 * one cell. Its mean is the number of cells less one, its variance twice that: six deviations are
 * allowed. */
static void expect_zipf(uint64_t count, double exponent, uint64_t seed)
{
	uint64_t listed = count < 200 ? count : 200;
	uint64_t *seen = calloc(listed + 1, sizeof(*seen));
	double total = 0, rest = 0, statistic = 0,
	       freedom = (double)(count > listed ? listed : listed - 1);
	struct key_space space;
	struct rng rng;

	rng_init(&rng, seed);
	key_space_init(&space, count, exponent);
	for (uint64_t key = 1; key <= count; key++)
		total += pow((double)key, -exponent);
	for (int i = 0; i < DRAWS; i++) {
		uint64_t key = key_space_draw(&space, &rng);

		cr_assert(key >= 1 && key <= count, "%lu of %lu", key, count);
		seen[key <= listed ? key - 1 : listed]++;
	}
	rest = total;
	for (uint64_t i = 0; i <= listed; i++) {
		double weight = i < listed ? pow((double)(i + 1), -exponent) : rest;
		double wanted = DRAWS * weight / total;

		if (i < listed)
			rest -= weight;
		if (i == listed && count == listed)
			break;
		statistic += ((double)seen[i] - wanted) * ((double)seen[i] - wanted) / wanted;
	}
	cr_expect_lt(statistic, freedom + 6 * sqrt(2 * freedom) + 6, "count %lu exponent %f: %f",
		     count, exponent, statistic);
	free(seen);
}

Test(workload, keys_follow_the_formula)
{
	static const double exponents[] = {0, 0.5, 0.99, 1.0, 1.01, 1.5, 2.0, 3.0};

	for (size_t i = 0; i < sizeof(exponents) / sizeof(exponents[0]); i++) {
		expect_zipf(2, exponents[i], 1 + i);
		expect_zipf(100, exponents[i], 100 + i);
		if (exponents[i] < 1.5)
			expect_zipf(10000, exponents[i], 1000 + i);
	}
}

Test(workload, one_key_is_always_the_first)
{
	static const double exponents[] = {0, 0.5, 1.0, 2.0, 10.0};
	struct key_space space;
	struct rng rng;

	rng_init(&rng, 7);
	for (size_t i = 0; i < sizeof(exponents) / sizeof(exponents[0]); i++) {
		key_space_init(&space, 1, exponents[i]);
		for (int draw = 0; draw < 1000; draw++)
			cr_assert_eq(key_space_draw(&space, &rng), 1);
	}
}

Test(workload, the_widest_space_stays_in_bounds)
{
	static const double exponents[] = {0, 0.01, 1.0, 10.0};
	struct key_space space;
	struct rng rng;

	rng_init(&rng, 8);
	for (size_t i = 0; i < sizeof(exponents) / sizeof(exponents[0]); i++) {
		key_space_init(&space, UINT64_C(1000000000000000), exponents[i]);
		for (int draw = 0; draw < 10000; draw++) {
			uint64_t key = key_space_draw(&space, &rng);

			cr_assert(key >= 1 && key <= UINT64_C(1000000000000000));
		}
	}
}

Test(workload, the_same_seed_gives_the_same_keys)
{
	struct key_space space;
	struct rng a, b;

	rng_init(&a, 9);
	rng_init(&b, 9);
	key_space_init(&space, 1000, 1.0);
	for (int i = 0; i < 1000; i++)
		cr_assert_eq(key_space_draw(&space, &a), key_space_draw(&space, &b));
}

static void expect_expanded(const char *text, uint64_t key, const char *wanted)
{
	struct strbuf out;

	strbuf_init(&out);
	template_expand(span_text(text), key, &out);
	cr_expect(span_is(strbuf_span(&out), wanted), "%s: %s", text, out.text);
	strbuf_fini(&out);
}

Test(workload, templates)
{
	expect_expanded("", 1, "");
	expect_expanded("[1]", 1, "[1]");
	expect_expanded("{key}", 42, "42");
	expect_expanded("{\"id\": {key}}", 7, "{\"id\": 7}");
	expect_expanded("{key}{key}", 1, "11");
	expect_expanded("{key", 1, "{key");
	expect_expanded("{ke{key}}", 5, "{ke5}");
	expect_expanded("{KEY}", 5, "{KEY}");
	expect_expanded("<{key}>", UINT64_MAX, "<18446744073709551615>");
}
