#include <criterion/criterion.h>
#include "broker/exchange/fairqueue.h"
#include "common/rng.h"

#define PARTIES 7
#define ITEMS	300

struct queue_bench {
	struct fairqueue queue;
	struct fairparty parties[PARTIES];
	struct fairitem items[ITEMS];
};

static void bench_init(struct queue_bench *bench, size_t count_max, size_t bytes_max)
{
	fairqueue_init(&bench->queue, count_max, bytes_max);
	for (size_t i = 0; i < PARTIES; i++)
		fairparty_init(&bench->parties[i]);
	for (size_t i = 0; i < ITEMS; i++)
		fairitem_init(&bench->items[i]);
}

static enum wsb_err push(struct queue_bench *bench, size_t party, size_t item, size_t bytes,
			 uint64_t now_us)
{
	return fairqueue_push(&bench->queue, &bench->parties[party], &bench->items[item], bytes,
			      now_us);
}

Test(fairqueue, serves_the_clients_in_turn)
{
	static const size_t order[] = {0, 4, 6, 1, 5, 2, 3};
	struct queue_bench bench;

	bench_init(&bench, 100, 1000);
	for (size_t i = 0; i < 4; i++)
		cr_assert_eq(push(&bench, 0, i, 1, i), WSB_OK);
	for (size_t i = 4; i < 6; i++)
		cr_assert_eq(push(&bench, 1, i, 1, i), WSB_OK);
	cr_assert_eq(push(&bench, 2, 6, 1, 6), WSB_OK);
	for (size_t i = 0; i < 7; i++)
		cr_assert_eq(fairqueue_pop(&bench.queue), &bench.items[order[i]], "at %zu", i);
	cr_assert_null(fairqueue_pop(&bench.queue));
	cr_assert_eq(bench.queue.count, 0);
	cr_assert_eq(bench.queue.bytes, 0);
}

Test(fairqueue, who_rests_stands_in_nobodys_way_and_comes_first_then)
{
	struct queue_bench bench;

	bench_init(&bench, 100, 1000);
	/* Of those that rest together, the last comes first. */
	fairqueue_rest(&bench.queue, &bench.parties[0], &bench.items[1], 1, 100, 0);
	fairqueue_rest(&bench.queue, &bench.parties[0], &bench.items[0], 1, 100, 0);
	fairqueue_rest(&bench.queue, &bench.parties[0], &bench.items[4], 1, 200, 0);
	fairqueue_rest(&bench.queue, &bench.parties[0], &bench.items[5], 1, 200, 0);
	cr_assert_eq(push(&bench, 0, 2, 1, 5), WSB_OK);
	cr_assert_eq(bench.queue.count, 5);
	cr_assert_eq(fairqueue_oldest_us(&bench.queue, 50), 50);
	fairqueue_wake(&bench.queue, 99);
	cr_assert_eq(fairqueue_pop(&bench.queue), &bench.items[2]);
	cr_assert_null(fairqueue_pop(&bench.queue));
	cr_assert_eq(push(&bench, 0, 3, 1, 60), WSB_OK);
	fairqueue_wake(&bench.queue, 100);
	fairqueue_remove(&bench.queue, &bench.items[5]);
	for (size_t i = 0; i < 4; i += 1 + (i == 1))
		cr_assert_eq(fairqueue_pop(&bench.queue), &bench.items[i], "at %zu", i);
	cr_assert_null(fairqueue_pop(&bench.queue));
	cr_assert_eq(bench.queue.count, 1);
	fairqueue_wake(&bench.queue, UINT64_MAX);
	cr_assert_eq(fairqueue_pop(&bench.queue), &bench.items[4]);
	cr_assert_eq(bench.queue.count, 0);
	cr_assert_eq(bench.queue.bytes, 0);
}

Test(fairqueue, a_party_may_wait_in_a_round_of_its_own)
{
	struct queue_bench bench;
	struct list round;

	list_init(&round);
	bench_init(&bench, 100, 1000);
	fairqueue_place(&bench.queue, &bench.parties[1], &round);
	for (size_t i = 0; i < 6; i++)
		cr_assert_eq(push(&bench, i % 2, i, 1, i), WSB_OK);
	cr_assert_eq(bench.queue.count, 6);
	cr_assert_eq(fairqueue_pop(&bench.queue), &bench.items[0]);
	cr_assert_eq(fairqueue_pop(&bench.queue), &bench.items[2]);
	cr_assert_eq(fairqueue_pop_from(&bench.queue, &round), &bench.items[1]);
	/* With its line, and behind those who wait there already. */
	fairqueue_place(&bench.queue, &bench.parties[0], &round);
	cr_assert_null(fairqueue_pop(&bench.queue));
	cr_assert_eq(round.count, 2);
	cr_assert_eq(fairqueue_pop_from(&bench.queue, &round), &bench.items[3]);
	cr_assert_eq(fairqueue_pop_from(&bench.queue, &round), &bench.items[4]);
	fairqueue_place(&bench.queue, &bench.parties[1], NULL);
	cr_assert_eq(round.count, 0);
	cr_assert_eq(fairqueue_pop(&bench.queue), &bench.items[5]);
	cr_assert_eq(bench.queue.count, 0);
}

Test(fairqueue, a_newcomer_waits_for_one_of_each_at_most)
{
	struct queue_bench bench;
	size_t served = 0;

	bench_init(&bench, 1000, 1000);
	for (size_t i = 0; i < 200; i++)
		cr_assert_eq(push(&bench, i % 4, i, 1, i), WSB_OK);
	cr_assert_eq(push(&bench, 5, 250, 1, 250), WSB_OK);
	while (fairqueue_pop(&bench.queue) != &bench.items[250])
		served++;
	cr_assert_leq(served, 4);
}

Test(fairqueue, is_bounded_in_number_and_bytes)
{
	struct queue_bench bench;

	bench_init(&bench, 3, 100);
	cr_assert_eq(push(&bench, 0, 0, 101, 0), WSB_ELIMIT);
	cr_assert_eq(push(&bench, 0, 0, SIZE_MAX, 0), WSB_ELIMIT);
	cr_assert_null(bench.items[0].party);
	cr_assert_eq(push(&bench, 0, 0, 60, 0), WSB_OK);
	cr_assert_eq(push(&bench, 0, 1, 41, 0), WSB_ELIMIT);
	cr_assert_eq(push(&bench, 0, 1, 40, 0), WSB_OK);
	cr_assert_eq(push(&bench, 0, 2, 0, 0), WSB_OK);
	cr_assert_eq(push(&bench, 1, 3, 0, 0), WSB_ELIMIT);
	fairqueue_remove(&bench.queue, &bench.items[0]);
	cr_assert_eq(push(&bench, 1, 3, 60, 0), WSB_OK);
	cr_assert_eq(bench.queue.bytes, 100);

	bench_init(&bench, 0, 100);
	cr_assert_eq(push(&bench, 0, 0, 0, 0), WSB_ELIMIT);
}

Test(fairqueue, what_must_go_again_goes_first_and_beyond_the_bounds)
{
	struct queue_bench bench;

	bench_init(&bench, 2, 10);
	cr_assert_eq(push(&bench, 0, 0, 5, 0), WSB_OK);
	cr_assert_eq(push(&bench, 0, 1, 5, 1), WSB_OK);
	fairqueue_push_again(&bench.queue, &bench.parties[0], &bench.items[2], 50, 2);
	cr_assert_eq(bench.queue.count, 3);
	cr_assert_eq(bench.queue.bytes, 60);
	cr_assert_eq(push(&bench, 1, 3, 0, 3), WSB_ELIMIT);
	cr_assert_eq(fairqueue_pop(&bench.queue), &bench.items[2]);
	cr_assert_eq(fairqueue_pop(&bench.queue), &bench.items[0]);
	cr_assert_eq(push(&bench, 1, 3, 5, 3), WSB_OK);
}

Test(fairqueue, knows_how_long_the_oldest_has_waited)
{
	struct queue_bench bench;

	bench_init(&bench, 10, 10);
	cr_assert_eq(fairqueue_oldest_us(&bench.queue, 500), 0);
	cr_assert_eq(push(&bench, 0, 0, 1, 100), WSB_OK);
	cr_assert_eq(push(&bench, 1, 1, 1, 150), WSB_OK);
	cr_assert_eq(push(&bench, 0, 2, 1, 200), WSB_OK);
	cr_assert_eq(fairqueue_oldest_us(&bench.queue, 500), 400);
	cr_assert_eq(fairqueue_oldest_us(&bench.queue, 50), 0);
	fairqueue_remove(&bench.queue, &bench.items[0]);
	cr_assert_eq(fairqueue_oldest_us(&bench.queue, 500), 350);
	/* What keeps an older time finds its place among the others. */
	fairqueue_push_again(&bench.queue, &bench.parties[2], &bench.items[3], 1, 120);
	cr_assert_eq(fairqueue_oldest_us(&bench.queue, 500), 380);
	fairqueue_remove(&bench.queue, &bench.items[3]);
	cr_assert_eq(fairqueue_oldest_us(&bench.queue, 500), 350);
}

Test(fairqueue, moves_to_another_line_with_its_age)
{
	struct queue_bench bench;

	bench_init(&bench, 3, 30);
	for (size_t i = 0; i < 3; i++)
		cr_assert_eq(push(&bench, 0, i, 10, i), WSB_OK);
	fairqueue_move(&bench.queue, &bench.parties[1], &bench.items[0]);
	fairqueue_move(&bench.queue, &bench.parties[1], &bench.items[1]);
	cr_assert_eq(bench.queue.count, 3);
	cr_assert_eq(bench.queue.bytes, 30);
	cr_assert_eq(fairqueue_oldest_us(&bench.queue, 100), 100);
	cr_assert_eq(fairqueue_pop(&bench.queue), &bench.items[2]);
	cr_assert_eq(fairqueue_pop(&bench.queue), &bench.items[0]);
	cr_assert_eq(fairqueue_pop(&bench.queue), &bench.items[1]);
	cr_assert_null(fairqueue_pop(&bench.queue));
}

Test(fairqueue, removing_who_does_not_wait_does_no_harm)
{
	struct queue_bench bench;

	bench_init(&bench, 3, 30);
	fairqueue_remove(&bench.queue, &bench.items[0]);
	cr_assert_eq(push(&bench, 0, 0, 1, 0), WSB_OK);
	fairqueue_remove(&bench.queue, &bench.items[0]);
	fairqueue_remove(&bench.queue, &bench.items[0]);
	cr_assert_eq(bench.queue.count, 0);
	cr_assert_null(fairqueue_pop(&bench.queue));
	cr_assert_eq(push(&bench, 0, 0, 1, 0), WSB_OK);
}

/* The same in arrays: a line for each party, and the parties in the order of the round. */
struct model {
	size_t lines[PARTIES][ITEMS];
	size_t lengths[PARTIES];
	size_t round[PARTIES];
	size_t round_length;
	size_t count;
	size_t bytes;
	uint64_t since_us[ITEMS];
	size_t item_bytes[ITEMS];
	bool waits[ITEMS];
};

static void model_join(struct model *model, size_t party, size_t item, size_t at)
{
	size_t *line = model->lines[party];

	if (model->lengths[party] == 0)
		model->round[model->round_length++] = party;
	memmove(&line[at + 1], &line[at], (model->lengths[party] - at) * sizeof(*line));
	line[at] = item;
	model->lengths[party]++;
	model->waits[item] = true;
}

static void model_leave_round(struct model *model, size_t at)
{
	model->round_length--;
	memmove(&model->round[at], &model->round[at + 1],
		(model->round_length - at) * sizeof(model->round[0]));
}

static void model_leave(struct model *model, size_t item)
{
	for (size_t party = 0; party < PARTIES; party++) {
		size_t *line = model->lines[party];

		for (size_t i = 0; i < model->lengths[party]; i++) {
			if (line[i] != item)
				continue;
			model->lengths[party]--;
			memmove(&line[i], &line[i + 1],
				(model->lengths[party] - i) * sizeof(*line));
			model->waits[item] = false;
		}
		if (model->lengths[party] > 0)
			continue;
		for (size_t i = 0; i < model->round_length; i++)
			if (model->round[i] == party)
				model_leave_round(model, i);
	}
}

static void check_oldest(const struct queue_bench *bench, const struct model *model,
			 uint64_t now_us)
{
	uint64_t oldest_us = 0;

	for (size_t i = 0; i < ITEMS; i++)
		if (model->waits[i] && now_us - model->since_us[i] > oldest_us)
			oldest_us = now_us - model->since_us[i];
	cr_assert_eq(fairqueue_oldest_us(&bench->queue, now_us), oldest_us);
}

static void try_push(struct queue_bench *bench, struct model *model, struct rng *rng, size_t item,
		     uint64_t now_us)
{
	size_t party = rng_below(rng, PARTIES);
	size_t bytes = rng_below(rng, 40);
	bool again = rng_below(rng, 8) == 0;
	bool fits = model->count < bench->queue.count_max &&
		    model->bytes + bytes <= bench->queue.bytes_max;

	if (again) {
		now_us -= rng_below(rng, 50);
		fairqueue_push_again(&bench->queue, &bench->parties[party], &bench->items[item],
				     bytes, now_us);
	} else {
		cr_assert_eq(push(bench, party, item, bytes, now_us), fits ? WSB_OK : WSB_ELIMIT);
		if (!fits)
			return;
	}
	model_join(model, party, item, again ? 0 : model->lengths[party]);
	model->count++;
	model->bytes += bytes;
	model->item_bytes[item] = bytes;
	model->since_us[item] = now_us;
}

static void try_pop(struct queue_bench *bench, struct model *model)
{
	struct fairitem *popped = fairqueue_pop(&bench->queue);
	size_t party;
	size_t item;

	if (model->round_length == 0) {
		cr_assert_null(popped);
		return;
	}
	party = model->round[0];
	item = model->lines[party][0];
	cr_assert_eq(popped, &bench->items[item]);
	cr_assert_null(popped->party);
	model_leave(model, item);
	model->count--;
	model->bytes -= model->item_bytes[item];
	if (model->lengths[party] > 0) {
		model_leave_round(model, 0);
		model->round[model->round_length++] = party;
	}
}

static void try_remove(struct queue_bench *bench, struct model *model, size_t item)
{
	fairqueue_remove(&bench->queue, &bench->items[item]);
	model_leave(model, item);
	model->count--;
	model->bytes -= model->item_bytes[item];
}

Test(fairqueue, agrees_with_a_naive_model)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		static struct queue_bench bench;
		static struct model model;
		struct rng rng;

		rng_init(&rng, seed);
		bench_init(&bench, 100, 1500);
		memset(&model, 0, sizeof(model));
		for (uint64_t now_us = 1000; now_us < 6000; now_us++) {
			size_t item = rng_below(&rng, ITEMS);

			if (rng_below(&rng, 100) < 35)
				try_pop(&bench, &model);
			else if (!model.waits[item])
				try_push(&bench, &model, &rng, item, now_us);
			else if (rng_below(&rng, 4) == 0)
				try_remove(&bench, &model, item);
			cr_assert_eq(bench.queue.count, model.count);
			cr_assert_eq(bench.queue.bytes, model.bytes);
			check_oldest(&bench, &model, now_us);
		}
	}
}
