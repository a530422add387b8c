#include <criterion/criterion.h>
#include "broker/cache/ghost.h"
#include "common/rng.h"

#define WINDOW UINT64_C(64000)

static struct budget budget;

static struct ghost make(void)
{
	struct ghost ghost;

	budget = (struct budget){.limit = UINT64_C(1) << 24};
	cr_assert(ghost_init(&ghost, &budget, WINDOW));
	return ghost;
}

/* Spread over all bits, as hashes are. */
static uint32_t hash_of(uint32_t number)
{
	return number * UINT32_C(2654435761);
}

static void note(struct ghost *ghost, uint32_t number, uint64_t bytes)
{
	struct ghost_memory memory = {number % GHOST_FREQUENCY_MAX,
				      (enum ghost_reason)(number % 4)};

	ghost_note(ghost, hash_of(number), memory, bytes);
}

Test(ghost, remembers_how_often_and_why)
{
	struct ghost ghost = make();
	struct ghost_memory memory;

	for (uint32_t i = 1; i < 200; i++)
		note(&ghost, i, 100);
	for (uint32_t i = 1; i < 200; i++) {
		cr_assert(ghost_find(&ghost, hash_of(i), &memory));
		cr_assert_eq(memory.frequency, i % GHOST_FREQUENCY_MAX);
		cr_assert_eq(memory.reason, i % 4);
	}
	cr_assert_not(ghost_find(&ghost, hash_of(200), &memory));
	ghost_forget(&ghost, hash_of(7));
	cr_assert_not(ghost_find(&ghost, hash_of(7), &memory));
	note(&ghost, 8, 100);
	ghost_forget(&ghost, hash_of(8));
	cr_assert_not(ghost_find(&ghost, hash_of(8), &memory), "it is here once");
	ghost_fini(&ghost);
	cr_assert_eq(budget.used, 0);
}

/* Stamps go round after four windows; nothing may come back then. */
Test(ghost, forgets_what_left_before_the_window_for_good)
{
	struct ghost ghost = make();
	struct ghost_memory memory;

	for (uint32_t i = 0; i < 3000; i++) {
		note(&ghost, i, 1000);
		for (uint32_t back = 70; back < 2000 && back < i; back += 7)
			cr_assert_not(ghost_find(&ghost, hash_of(i - back), &memory),
				      "%u back from %u", back, i);
		if (i > 60)
			cr_assert(ghost_find(&ghost, hash_of(i - 60), &memory));
	}
	ghost_fini(&ghost);
}

static uint32_t count_lost(const struct ghost *ghost, uint32_t numbers)
{
	struct ghost_memory memory;
	uint32_t lost = 0;

	for (uint32_t i = 0; i < numbers; i++)
		lost += !ghost_find(ghost, hash_of(i), &memory);
	return lost;
}

/* In slices, at each of which all that was known is known. Returns how many it took. */
static uint32_t fit(struct ghost *ghost, uint64_t keys, uint32_t most_lost)
{
	uint32_t slices = 0;

	for (; !ghost_fits(ghost, keys); slices++) {
		uint32_t lost;

		ghost_fit(ghost, keys, 7);
		lost = count_lost(ghost, 500);
		cr_assert_leq(lost, most_lost, "%u", lost);
	}
	return slices;
}

Test(ghost, keeps_what_it_knows_when_it_grows_and_shrinks)
{
	struct ghost ghost = make();

	for (uint32_t i = 0; i < 500; i++)
		note(&ghost, i, 10);
	cr_assert_geq(fit(&ghost, 5000, 0), 5000 / 16 / 7);
	/* Several sets become one, and some of what they hold stands in each. */
	fit(&ghost, 1200, 150);
	cr_assert(ghost_fits(&ghost, 1200));
	ghost_fini(&ghost);
	cr_assert_eq(budget.used, 0);
}

Test(ghost, takes_in_and_forgets_while_it_is_on_its_way)
{
	struct ghost ghost = make();
	struct ghost_memory memory;
	uint32_t back = 0;

	for (uint32_t i = 0; i < 500; i++)
		note(&ghost, i, 10);
	ghost_fit(&ghost, 5000, 50);
	cr_assert_not(ghost_fits(&ghost, 5000));
	for (uint32_t i = 0; i < 600; i++)
		note(&ghost, i, 1);
	for (uint32_t i = 0; i < 600; i += 2)
		ghost_forget(&ghost, hash_of(i));
	for (uint32_t i = 0; i < 600; i++)
		cr_assert_eq(ghost_find(&ghost, hash_of(i), &memory), i % 2 == 1, "%u", i);
	while (!ghost_fits(&ghost, 5000))
		ghost_fit(&ghost, 5000, 3);
	for (uint32_t i = 0; i < 600; i += 2) {
		cr_assert(ghost_find(&ghost, hash_of(i + 1), &memory));
		back += ghost_find(&ghost, hash_of(i), &memory);
	}
	/* What lay in a neighbour of its set as well. */
	cr_assert_lt(back, 60, "%u", back);
	ghost_fini(&ghost);
	cr_assert_eq(budget.used, 0);
}

Test(ghost, waits_for_memory_in_the_middle)
{
	struct ghost ghost = make();

	for (uint32_t i = 0; i < 500; i++)
		note(&ghost, i, 10);
	budget.limit = budget.used + 3 * 4200;
	for (uint32_t i = 0; i < 100; i++)
		ghost_fit(&ghost, 5000, 50);
	cr_assert_not(ghost_fits(&ghost, 5000));
	cr_assert_eq(count_lost(&ghost, 500), 0);
	budget.limit = UINT64_C(1) << 24;
	cr_assert_gt(fit(&ghost, 5000, 0), 0);
	ghost_fini(&ghost);
	cr_assert_eq(budget.used, 0);
}
