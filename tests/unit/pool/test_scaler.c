/* How many connections a load needs. */
#include <criterion/criterion.h>
#include "broker/pool/scaler.h"

#define S  UINT64_C(1000000)
#define MS UINT64_C(1000)

/* Ten requests each, filled to eight: a load of 80 needs ten connections. */
static const struct scaler_bounds bounds = {
	.min = 2, .max = 50, .target = 0.8, .max_in_flight = 10, .cool_down_us = 60 * S};

struct run {
	struct scaler scaler;
	uint64_t now_us;
	uint32_t size;
};

/* One second of this load; what is decided at its end is done. */
static struct scaler_decision second(struct run *run, uint32_t in_flight, size_t queued)
{
	struct scaler_decision decision = {0};
	bool decided = false;

	for (int i = 0; i <= 100 && !decided; i++) {
		scaler_sample(&run->scaler, in_flight, queued, run->now_us);
		decided = scaler_decide(&run->scaler, &bounds, run->size, run->size, run->now_us,
					&decision);
		run->now_us += 10 * MS;
	}
	cr_assert(decided);
	run->size = decision.size;
	return decision;
}

static struct run begin(uint32_t size)
{
	return (struct run){.now_us = S, .size = size};
}

Test(scaler, goes_up_at_once_to_what_is_needed)
{
	static const struct {
		uint32_t size, in_flight;
		size_t queued;
		uint32_t after;
		enum scaler_why why;
	} rows[] = {
		{4, 10, 0, 4, SCALER_STAY},
		{4, 32, 0, 4, SCALER_STAY}, /* the target exactly */
		{4, 33, 0, 5, SCALER_BUSY},
		{4, 40, 0, 5, SCALER_BUSY},
		{4, 40, 10, 7, SCALER_BUSY},
		{4, 40, 500, 8, SCALER_BUSY}, /* twice at most */
		{40, 400, 500, 50, SCALER_BUSY},
		{50, 500, 500, 50, SCALER_STAY},
		{4, 20, 2, 5, SCALER_QUEUE},
		{1, 0, 0, 2, SCALER_BELOW_MIN},
		{60, 0, 0, 50, SCALER_ABOVE_MAX},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct run run = begin(rows[i].size);
		struct scaler_decision decision = second(&run, rows[i].in_flight, rows[i].queued);

		cr_assert_eq(decision.size, rows[i].after, "row %zu: %u", i, decision.size);
		cr_assert_eq(decision.why, rows[i].why, "row %zu: %s", i,
			     scaler_why_name(decision.why));
	}
}

/* Queued requests are no reason while connections are still being opened. */
Test(scaler, waits_for_what_it_has_asked_for)
{
	struct scaler scaler = {0};
	struct scaler_decision decision;

	scaler_sample(&scaler, 20, 5, S);
	cr_assert_not(scaler_decide(&scaler, &bounds, 4, 2, S + 10 * MS, &decision));
	cr_assert(scaler_decide(&scaler, &bounds, 4, 2, 2 * S, &decision));
	cr_assert_eq(decision.why, SCALER_STAY);
}

Test(scaler, goes_down_slowly_and_by_half)
{
	struct run run = begin(40);
	uint32_t sizes[16];
	uint64_t when[16];
	size_t count = 0;

	for (int i = 0; i < 700 && count < 16; i++) {
		uint32_t before = run.size;
		struct scaler_decision decision = second(&run, 36, 0);

		if (run.size == before)
			continue;
		cr_assert_eq(decision.why, SCALER_IDLE);
		sizes[count] = run.size;
		when[count++] = run.now_us;
	}
	/* A load of 36 with a tenth to spare needs 5: 40, 23, 14, 10, 8, 7, 6, 5. */
	cr_assert_eq(count, 7, "%zu", count);
	cr_assert_eq(sizes[0], 23);
	cr_assert_eq(sizes[1], 14);
	cr_assert_eq(sizes[6], 5);
	for (size_t i = 1; i < count; i++)
		cr_assert_geq(when[i] - when[i - 1], 60 * S);
	cr_assert_eq(run.size, 5, "and stays there");
}

Test(scaler, a_busy_second_keeps_the_size)
{
	struct run run = begin(10);

	for (int i = 0; i < 300; i++) {
		second(&run, i % 30 == 0 ? 75 : 5, 0);
		cr_assert_eq(run.size, 10, "second %d: %u", i, run.size);
	}
}

/* Between the two thresholds nothing moves, whatever the size was. */
Test(scaler, does_not_swing)
{
	for (uint32_t load = 20; load <= 400; load += 7) {
		struct run run = begin(10);
		uint32_t settled;

		for (int i = 0; i < 1000; i++)
			second(&run, load, 0);
		settled = run.size;
		for (int i = 0; i < 300; i++) {
			second(&run, load, 0);
			cr_assert_eq(run.size, settled, "load %u: %u, then %u", load, settled,
				     run.size);
		}
		cr_assert(settled == bounds.max || load <= settled * 8);
	}
}

Test(scaler, begins_anew_after_a_change_by_others)
{
	struct run run = begin(20);

	for (int i = 0; i < 59; i++)
		second(&run, 5, 0);
	scaler_reset(&run.scaler, run.now_us);
	for (int i = 0; i < 59; i++) {
		second(&run, 5, 0);
		cr_assert_eq(run.size, 20);
	}
}
