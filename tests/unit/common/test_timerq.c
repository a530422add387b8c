#include <criterion/criterion.h>
#include "common/clock.h"
#include "common/rng.h"
#include "common/timerq.h"

#define START_US UINT64_C(987654321)

Test(timerq, fires_at_its_time_and_not_before)
{
	uint64_t delays[] = {1,		  999,	       1000,	   1001,     255000,
			     256000,	  257000,      65535000,   65536000, 65537000,
			     86400000000, 16777215000, 16777216000};

	for (size_t i = 0; i < sizeof(delays) / sizeof(delays[0]); i++) {
		struct timerq queue;
		struct timer timer;

		timerq_init(&queue, START_US);
		timer_init(&timer);
		timerq_arm(&queue, &timer, START_US + delays[i]);
		cr_assert(timer_is_armed(&timer));
		cr_assert_null(timerq_pop(&queue, START_US + delays[i] - 1), "delay %zu", i);
		cr_assert_eq(timerq_pop(&queue, START_US + delays[i] + 999), &timer);
		cr_assert_not(timer_is_armed(&timer));
		cr_assert_null(timerq_pop(&queue, START_US + delays[i] + 999));
		cr_assert_eq(queue.armed, 0);
	}
}

Test(timerq, a_deadline_gone_by_is_due_at_once)
{
	struct timerq queue;
	struct timer timer;

	timerq_init(&queue, START_US);
	timer_init(&timer);
	timerq_arm(&queue, &timer, 0);
	cr_assert_eq(timerq_pop(&queue, START_US), &timer);
	timerq_arm(&queue, &timer, START_US);
	cr_assert_eq(timerq_pop(&queue, START_US), &timer);
	cr_assert_null(timerq_pop(&queue, START_US + 700));
	timerq_arm(&queue, &timer, START_US + 700);
	cr_assert_eq(timerq_pop(&queue, START_US + 700), &timer);
}

Test(timerq, disarmed_timers_stay_silent)
{
	struct timerq queue;
	struct timer timer;

	timerq_init(&queue, START_US);
	timer_init(&timer);
	timerq_disarm(&queue, &timer);
	timerq_arm(&queue, &timer, START_US + 5000);
	timerq_disarm(&queue, &timer);
	timerq_disarm(&queue, &timer);
	cr_assert_eq(queue.armed, 0);
	cr_assert_null(timerq_pop(&queue, START_US + 10000));
	timerq_arm(&queue, &timer, START_US);
	timerq_disarm(&queue, &timer);
	cr_assert_null(timerq_pop(&queue, START_US + 20000), "disarmed while due");
}

Test(timerq, arming_again_moves_the_deadline)
{
	struct timerq queue;
	struct timer timer;

	timerq_init(&queue, START_US);
	timer_init(&timer);
	timerq_arm(&queue, &timer, START_US + 5000);
	timerq_arm(&queue, &timer, START_US + 500000);
	cr_assert_eq(queue.armed, 1);
	cr_assert_null(timerq_pop(&queue, START_US + 400000));
	timerq_arm(&queue, &timer, START_US + 401000);
	cr_assert_eq(timerq_pop(&queue, START_US + 402000), &timer);
}

Test(timerq, deadlines_beyond_the_span_wait_their_time)
{
	uint64_t day_us = UINT64_C(86400) * US_PER_S;
	struct timerq queue;
	struct timer far, never;
	uint64_t day;

	timerq_init(&queue, START_US);
	timer_init(&far);
	timer_init(&never);
	timerq_arm(&queue, &far, START_US + 200 * day_us);
	timerq_arm(&queue, &never, UINT64_MAX);
	for (day = 1; day < 200; day++)
		cr_assert_null(timerq_pop(&queue, START_US + day * day_us), "day %d", (int)day);
	cr_assert_eq(timerq_pop(&queue, START_US + 200 * day_us + US_PER_MS), &far);
	cr_assert_null(timerq_pop(&queue, UINT64_MAX / 2));
	cr_assert(timer_is_armed(&never));
}

/* Deadlines around the span of each level, from starts around a turn of each wheel. */
Test(timerq, the_seams_between_levels_hold)
{
	for (int shift = 8; shift <= 32; shift += 8) {
		for (uint64_t offset = 0; offset < 5; offset++) {
			for (uint64_t edge = 0; edge < 5; edge++) {
				uint64_t start = (UINT64_C(1) << 33) + offset - 2;
				uint64_t due = start + (UINT64_C(1) << shift) + edge - 2;
				struct timerq queue;
				struct timer timer;

				timerq_init(&queue, start * US_PER_MS);
				timer_init(&timer);
				timerq_arm(&queue, &timer, due * US_PER_MS);
				cr_assert_null(timerq_pop(&queue, due * US_PER_MS - 1));
				cr_assert_eq(timerq_pop(&queue, due * US_PER_MS), &timer);
				timerq_init(&queue, start * US_PER_MS);
				timerq_arm(&queue, &timer, due * US_PER_MS);
				cr_assert_eq(timerq_pop(&queue, due * US_PER_MS), &timer);
			}
		}
	}
}

Test(timerq, a_clock_that_steps_back_is_not_believed)
{
	struct timerq queue;
	struct timer timer;

	timerq_init(&queue, START_US);
	timer_init(&timer);
	timerq_arm(&queue, &timer, START_US + 5000);
	cr_assert_null(timerq_pop(&queue, 0));
	cr_assert_eq(timerq_pop(&queue, START_US + 5999), &timer);
}

#define TIMERS 200

struct model {
	struct timerq queue;
	struct timer timers[TIMERS];
	uint64_t deadline_us[TIMERS]; /* 0: not armed */
	uint64_t now_us;
	struct rng rng;
	uint64_t seed;
};

static uint64_t random_delay_us(struct rng *rng)
{
	return rng_next(rng) >> (20 + rng_below(rng, 44));
}

/* Pops all, and holds each against the model: nobody early, nobody twice, nobody left behind. */
static void pop_all(struct model *model)
{
	struct timer *timer;

	while ((timer = timerq_pop(&model->queue, model->now_us))) {
		size_t i = (size_t)(timer - model->timers);

		cr_assert_neq(model->deadline_us[i], 0, "seed %d", (int)model->seed);
		cr_assert_leq(model->deadline_us[i], model->now_us);
		model->deadline_us[i] = 0;
		if (rng_below(&model->rng, 8) == 0) {
			model->deadline_us[i] = model->now_us - rng_below(&model->rng, 2000);
			timerq_arm(&model->queue, timer, model->deadline_us[i]);
		}
	}
	for (size_t i = 0; i < TIMERS; i++) {
		cr_assert_eq(timer_is_armed(&model->timers[i]), model->deadline_us[i] != 0);
		if (model->deadline_us[i] != 0)
			cr_assert_gt(model->deadline_us[i], model->now_us - 1000, "seed %d is late",
				     (int)model->seed);
	}
}

static void run_against_model(struct model *model, uint64_t seed)
{
	model->seed = seed;
	model->now_us = START_US + seed * 12345;
	rng_init(&model->rng, seed);
	timerq_init(&model->queue, model->now_us);
	for (size_t i = 0; i < TIMERS; i++) {
		timer_init(&model->timers[i]);
		model->deadline_us[i] = 0;
	}
	for (int step = 0; step < 300; step++) {
		for (int k = 0; k < 20; k++) {
			size_t i = rng_below(&model->rng, TIMERS);

			if (rng_below(&model->rng, 4) == 0) {
				timerq_disarm(&model->queue, &model->timers[i]);
				model->deadline_us[i] = 0;
				continue;
			}
			model->deadline_us[i] = model->now_us + random_delay_us(&model->rng);
			timerq_arm(&model->queue, &model->timers[i], model->deadline_us[i]);
		}
		model->now_us += random_delay_us(&model->rng);
		pop_all(model);
	}
}

Test(timerq, agrees_with_a_plain_array_through_any_history)
{
	static struct model model;

	for (uint64_t seed = 0; seed < 100; seed++)
		run_against_model(&model, seed);
}

Test(timerq, a_far_jump_is_cheap, .timeout = 5)
{
	static struct timer timers[1000];
	struct timerq queue;
	uint64_t now_us = START_US;

	timerq_init(&queue, now_us);
	for (size_t i = 0; i < 1000; i++) {
		timer_init(&timers[i]);
		timerq_arm(&queue, &timers[i], UINT64_MAX);
	}
	/* Walking tick by tick, these jumps would be six thousand million steps. */
	for (int jump = 0; jump < 1000; jump++) {
		now_us += 6000 * US_PER_S;
		cr_assert_null(timerq_pop(&queue, now_us));
	}
}
