#include <criterion/criterion.h>
#include <stdlib.h>
#include "common/outbox.h"
#include "common/rng.h"
#include "common/wsframe.h"

#define CHUNK_BYTES 16384

static struct outbox_pool pool;
static struct outbox outbox;

static void set_up(void)
{
	outbox_pool_init(&pool, CHUNK_BYTES, 4);
	outbox_init(&outbox, &pool, 1 << 20);
}

static void tear_down(void)
{
	outbox_fini(&outbox);
	cr_assert_eq(pool.bytes, 0);
	outbox_pool_fini(&pool);
}

TestSuite(outbox, .init = set_up, .fini = tear_down);

static void put(struct outbox *box, const void *bytes, size_t len)
{
	char *at;

	cr_assert_eq(outbox_reserve(box, len, &at), WSB_OK);
	memcpy(at, bytes, len);
	outbox_commit(box, len);
}

Test(outbox, an_empty_one_holds_no_memory)
{
	cr_assert_null(outbox.data);
	cr_assert_eq(outbox_pending(&outbox).len, 0);
	cr_assert_not_null(outbox_pending(&outbox).at);
	put(&outbox, "abc", 3);
	cr_assert_eq(pool.bytes, CHUNK_BYTES);
	cr_assert(span_is(outbox_pending(&outbox), "abc"));
	outbox_consume(&outbox, 3);
	cr_assert_null(outbox.data);
	cr_assert_eq(pool.bytes, 0);
	cr_assert_eq(pool.spare_count, 1);
}

Test(outbox, chunks_are_shared_and_the_spare_ones_bounded)
{
	struct outbox boxes[6];

	for (int i = 0; i < 6; i++) {
		outbox_init(&boxes[i], &pool, 100);
		put(&boxes[i], "x", 1);
	}
	cr_assert_eq(pool.bytes, 6 * CHUNK_BYTES);
	for (int i = 0; i < 6; i++)
		outbox_fini(&boxes[i]);
	cr_assert_eq(pool.bytes, 0);
	cr_assert_eq(pool.spare_count, 4);
	put(&outbox, "x", 1);
	cr_assert_eq(pool.spare_count, 3);
}

Test(outbox, the_limit_is_exact_and_control_passes_it)
{
	char *at = NULL;

	outbox.limit = 10;
	cr_assert_eq(outbox_reserve(&outbox, 11, &at), WSB_ELIMIT);
	cr_assert_eq(outbox_reserve(&outbox, SIZE_MAX, &at), WSB_ELIMIT);
	cr_assert_null(at);
	cr_assert_null(outbox.data);
	put(&outbox, "0123456789", 10);
	cr_assert_eq(outbox_reserve(&outbox, 1, &at), WSB_ELIMIT);
	cr_assert_eq(outbox_reserve_beyond(&outbox, 2, &at), WSB_OK);
	memcpy(at, "ab", 2);
	outbox_commit(&outbox, 2);
	cr_assert(span_is(outbox_pending(&outbox), "0123456789ab"));
	cr_assert_eq(outbox_reserve(&outbox, 0, &at), WSB_ELIMIT, "it stands over the limit");
	outbox_consume(&outbox, 3);
	cr_assert_eq(outbox_reserve(&outbox, 1, &at), WSB_OK);
}

Test(outbox, a_length_that_cannot_be_had_is_refused)
{
	char *at = NULL;

	put(&outbox, "x", 1);
	cr_assert_eq(outbox_reserve_beyond(&outbox, SIZE_MAX, &at), WSB_ENOMEM);
	cr_assert_eq(outbox_reserve_beyond(&outbox, SIZE_MAX / 2, &at), WSB_ENOMEM);
	cr_assert_null(at);
	cr_assert(span_is(outbox_pending(&outbox), "x"));
}

Test(outbox, what_is_reserved_may_be_committed_in_part_or_not_at_all)
{
	char *at;

	cr_assert_eq(outbox_reserve(&outbox, 100, &at), WSB_OK);
	outbox_commit(&outbox, 0);
	cr_assert_null(outbox.data);
	cr_assert_eq(outbox_reserve(&outbox, 100, &at), WSB_OK);
	memcpy(at, "abc", 3);
	outbox_commit(&outbox, 3);
	cr_assert(span_is(outbox_pending(&outbox), "abc"));
}

Test(outbox, a_frame_has_begun_with_its_first_byte)
{
	put(&outbox, "\x81\x02hi\x81\x03you", 9);
	outbox_consume(&outbox, 5);
	cr_assert(span_is(outbox_pending(&outbox), "\x03you"));
	cr_assert_eq(outbox_cut(&outbox), 0, "the second frame has begun");
	outbox_consume(&outbox, 4);
}

Test(outbox, position_tells_whether_a_frame_has_begun)
{
	uint64_t first = outbox_position(&outbox), second;

	put(&outbox, "abc", 3);
	second = outbox_position(&outbox);
	put(&outbox, "def", 3);
	cr_assert_eq(first, 0);
	cr_assert_eq(second, 3);
	cr_assert(second >= outbox.handed_bytes);
	outbox_consume(&outbox, 3);
	cr_assert(first < outbox.handed_bytes);
	cr_assert(second >= outbox.handed_bytes);
	outbox_consume(&outbox, 1);
	cr_assert(second < outbox.handed_bytes);
	outbox_consume(&outbox, 2);
	cr_assert_eq(outbox_position(&outbox), 6, "it goes on over an empty outbox");
}

Test(outbox, a_steady_reader_makes_it_neither_grow_nor_allocate)
{
	char bytes[700] = {0};

	put(&outbox, bytes, sizeof(bytes));
	for (int i = 0; i < 10000; i++) {
		put(&outbox, bytes, sizeof(bytes));
		outbox_consume(&outbox, sizeof(bytes));
	}
	cr_assert_eq(pool.bytes, CHUNK_BYTES);
}

Test(outbox, a_nearly_full_one_grows_rather_than_move_all_for_little)
{
	static char bytes[16000];

	put(&outbox, bytes, sizeof(bytes));
	outbox_consume(&outbox, 400);
	put(&outbox, bytes, 500);
	cr_assert_eq(pool.bytes, 2 * CHUNK_BYTES);
}

Test(outbox, memory_is_bounded_by_what_waits)
{
	static char bytes[5000];

	outbox.limit = 300000;
	while (outbox_bytes(&outbox) + sizeof(bytes) <= outbox.limit)
		put(&outbox, bytes, sizeof(bytes));
	for (int i = 0; i < 1000; i++) {
		outbox_consume(&outbox, sizeof(bytes));
		put(&outbox, bytes, sizeof(bytes));
		cr_assert(pool.bytes <= outbox.limit * 8 / 3);
	}
	outbox_consume(&outbox, outbox_bytes(&outbox));
	cr_assert_eq(pool.bytes, 0);
	cr_assert_eq(pool.spare_count, 1, "only chunks are kept");
}

Test(outbox, cutting_drops_all_but_the_frame_under_way)
{
	struct span payload = span_text("payload");

	for (size_t taken = 0; taken <= 27; taken++) {
		size_t begun = (taken + 8) / 9 * 9;

		for (int i = 0; i < 3; i++)
			cr_assert_eq(wsframe_append(&outbox, WS_TEXT, NULL, &payload, 1), WSB_OK);
		outbox_consume(&outbox, taken);
		cr_assert_eq(outbox_cut(&outbox), 27 - begun, "after %zu", taken);
		cr_assert_eq(outbox_bytes(&outbox), begun - taken);
		cr_assert_eq(wsframe_append_close(&outbox, NULL, 1013, span_text("")), WSB_OK);
		cr_assert_eq(outbox_cut(&outbox), 4);
		outbox_consume(&outbox, outbox_bytes(&outbox));
		cr_assert_null(outbox.data);
	}
}

Test(outbox, what_was_pledged_is_not_cut)
{
	struct span payload = span_text("payload");

	for (size_t taken = 0; taken <= 27; taken++) {
		for (size_t pledged = 0; pledged <= 30; pledged++) {
			size_t leaves = taken + pledged < 27 ? taken + pledged : 27;
			size_t begun = (leaves + 8) / 9 * 9;

			for (int i = 0; i < 3; i++)
				cr_assert_eq(wsframe_append(&outbox, WS_TEXT, NULL, &payload, 1),
					     WSB_OK);
			outbox_consume(&outbox, taken);
			outbox_pledge(&outbox, pledged);
			cr_assert_eq(outbox_unbegun(&outbox).len, 27 - begun);
			cr_assert_eq(outbox_cut(&outbox), 27 - begun, "%zu, %zu", taken, pledged);
			cr_assert_eq(outbox_bytes(&outbox), begun - taken);
			outbox_consume(&outbox, outbox_bytes(&outbox));
		}
	}
}

Test(outbox, plain_bytes_count_as_begun_once_the_first_has_left)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

	put(&outbox, answer, sizeof(answer) - 1);
	outbox_consume(&outbox, 5);
	cr_assert_leq(outbox_cut(&outbox), sizeof(answer) - 6);
	outbox_consume(&outbox, outbox_bytes(&outbox));
	put(&outbox, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 11);
	outbox_consume(&outbox, 1);
	cr_assert_eq(outbox_cut(&outbox), 0);
}

/* A naive outbox: an array of all that was ever written, and where each frame begins. */
struct model {
	char bytes[1 << 20];
	size_t len;
	size_t taken;
	size_t frames[1 << 14];
	size_t frame_count;
};

static void model_append(struct model *model, struct rng *rng)
{
	static char payload[1 << 17];
	static const uint8_t mask[WS_MASK_BYTES] = {1, 2, 3, 4};
	size_t len = rng_next(rng) % 5 == 0 ? rng_below(rng, 70000) : rng_below(rng, 200);
	struct span piece = span_of(payload, len);
	const uint8_t *key = rng_below(rng, 2) ? mask : NULL;
	size_t before = outbox_bytes(&outbox);
	size_t total = wsframe_header_len(len, key != NULL) + len;

	for (size_t i = 0; i < len; i += 16)
		payload[i] = (char)rng_next(rng);
	if (total > sizeof(model->bytes) - model->len)
		return;
	if (before + total > outbox.limit) {
		cr_assert_eq(wsframe_append(&outbox, WS_TEXT, key, &piece, 1), WSB_ELIMIT);
		return;
	}
	cr_assert_eq(outbox_position(&outbox), outbox.handed_bytes + before);
	cr_assert_eq(wsframe_append(&outbox, WS_TEXT, key, &piece, 1), WSB_OK);
	model->frames[model->frame_count++] = model->len;
	memcpy(model->bytes + model->len, outbox_pending(&outbox).at + before, total);
	model->len += total;
}

static void model_cut(struct model *model)
{
	size_t before = model->len;

	while (model->frame_count > 0 && model->frames[model->frame_count - 1] >= model->taken)
		model->len = model->frames[--model->frame_count];
	cr_assert_eq(outbox_cut(&outbox), before - model->len);
}

static void run_against_model(struct model *model, uint64_t seed)
{
	struct rng rng;

	rng_init(&rng, seed);
	model->len = model->taken = model->frame_count = 0;
	outbox_init(&outbox, &pool, 150000);
	for (int step = 0; step < 1000; step++) {
		uint64_t what = rng_below(&rng, 100);
		size_t waiting = model->len - model->taken;

		if (what < 55) {
			model_append(model, &rng);
		} else if (what < 98) {
			size_t len = rng_below(&rng, 4) ? rng_below(&rng, waiting + 1) : waiting;

			outbox_consume(&outbox, len);
			model->taken += len;
		} else {
			model_cut(model);
		}
		cr_assert(span_equal(outbox_pending(&outbox), span_of(model->bytes + model->taken,
								      model->len - model->taken)),
			  "seed %d step %d", (int)seed, step);
		cr_assert_eq(pool.bytes, outbox.capacity);
		cr_assert_eq(outbox.data == NULL, outbox_bytes(&outbox) == 0);
	}
	outbox_fini(&outbox);
}

Test(outbox, agrees_with_a_plain_array_through_any_history)
{
	struct model *model = malloc(sizeof(*model));

	cr_assert_not_null(model);
	for (uint64_t seed = 0; seed < 60; seed++)
		run_against_model(model, seed);
	free(model);
}
