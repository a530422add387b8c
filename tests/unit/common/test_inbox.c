#include <criterion/criterion.h>
#include "common/inbox.h"
#include "common/rng.h"

#define BYTES_MAX  100000
#define FRAMES_MAX 1024

static enum inbox_verdict add(struct inbox *inbox, struct span piece, bool ends_frame,
			      bool ends_message, struct span *message)
{
	return inbox_add(inbox, piece, ends_frame, ends_message, BYTES_MAX, FRAMES_MAX, message);
}

Test(inbox, one_piece_is_not_copied)
{
	static const char text[] = "hello";
	struct inbox inbox;
	struct span message;

	inbox_init(&inbox, NULL);
	cr_assert_eq(add(&inbox, span_text(text), true, true, &message), INBOX_COMPLETE);
	cr_assert_eq(message.at, text);
	cr_assert_eq(message.len, 5);
	cr_assert_null(inbox.data);
	inbox_fini(&inbox);
}

Test(inbox, an_empty_message_is_empty_and_not_absent)
{
	struct inbox inbox;
	struct span message;

	inbox_init(&inbox, NULL);
	cr_assert_eq(add(&inbox, span_text(NULL), true, true, &message), INBOX_COMPLETE);
	cr_assert_not_null(message.at);
	cr_assert_eq(message.len, 0);
	cr_assert_eq(add(&inbox, span_text(""), true, false, &message), INBOX_MORE);
	cr_assert_eq(add(&inbox, span_text(NULL), true, true, &message), INBOX_COMPLETE);
	cr_assert_not_null(message.at);
	cr_assert_eq(message.len, 0);
	inbox_fini(&inbox);
}

Test(inbox, a_last_piece_without_bytes_still_ends_the_message)
{
	struct inbox inbox;
	struct span message;

	inbox_init(&inbox, NULL);
	cr_assert_eq(add(&inbox, span_text("ab"), true, false, &message), INBOX_MORE);
	cr_assert_eq(add(&inbox, span_text(NULL), true, true, &message), INBOX_COMPLETE);
	cr_assert(span_is(message, "ab"));
	inbox_fini(&inbox);
}

Test(inbox, exactly_the_bound_passes_and_one_more_does_not)
{
	struct inbox inbox;
	struct span message = span_text(NULL);

	inbox_init(&inbox, NULL);
	cr_assert_eq(inbox_add(&inbox, span_text("abcd"), true, true, 4, 1, &message),
		     INBOX_COMPLETE);
	cr_assert_eq(inbox_add(&inbox, span_text("abcde"), true, true, 4, 1, &message),
		     INBOX_TOO_BIG);
	cr_assert_eq(inbox_add(&inbox, span_text("ab"), false, false, 4, 1, &message), INBOX_MORE);
	cr_assert_eq(inbox_add(&inbox, span_text("cd"), false, false, 4, 1, &message), INBOX_MORE);
	cr_assert_eq(inbox_add(&inbox, span_text("e"), true, true, 4, 1, &message), INBOX_TOO_BIG);
	cr_assert_null(inbox.data);
	cr_assert_eq(inbox_add(&inbox, span_text("new"), true, true, 4, 1, &message),
		     INBOX_COMPLETE);
	cr_assert(span_is(message, "new"));
	inbox_fini(&inbox);
}

Test(inbox, a_length_that_would_overflow_is_too_big)
{
	struct inbox inbox;
	struct span message;

	inbox_init(&inbox, NULL);
	cr_assert_eq(inbox_add(&inbox, span_text("ab"), false, false, SIZE_MAX, 1, &message),
		     INBOX_MORE);
	cr_assert_eq(
		inbox_add(&inbox, span_of("x", SIZE_MAX - 1), true, true, SIZE_MAX, 1, &message),
		INBOX_TOO_BIG);
	cr_assert_eq(inbox_add(&inbox, span_text("ab"), false, false, SIZE_MAX, 1, &message),
		     INBOX_MORE);
	cr_assert_eq(
		inbox_add(&inbox, span_of("x", SIZE_MAX - 2), true, true, SIZE_MAX, 1, &message),
		INBOX_NO_MEMORY);
	cr_assert_null(inbox.data);
	inbox_fini(&inbox);
}

Test(inbox, a_bound_lowered_under_way_is_kept)
{
	struct inbox inbox;
	struct span message;

	inbox_init(&inbox, NULL);
	cr_assert_eq(inbox_add(&inbox, span_text("abcd"), true, false, 10, 9, &message),
		     INBOX_MORE);
	cr_assert_eq(inbox_add(&inbox, span_text(""), true, true, 3, 9, &message), INBOX_TOO_BIG);
	inbox_fini(&inbox);
}

Test(inbox, empty_frames_count)
{
	struct inbox inbox;
	struct span message;

	inbox_init(&inbox, NULL);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(inbox_add(&inbox, span_text(NULL), true, false, 10, 3, &message),
			     INBOX_MORE);
	cr_assert_eq(inbox_add(&inbox, span_text(NULL), true, false, 10, 3, &message),
		     INBOX_TOO_MANY);
	cr_assert_eq(inbox.frames, 0);
	cr_assert_eq(inbox_add(&inbox, span_text("x"), true, true, 10, 3, &message),
		     INBOX_COMPLETE);
	inbox_fini(&inbox);
}

Test(inbox, pieces_of_one_frame_count_once)
{
	struct inbox inbox;
	struct span message;

	inbox_init(&inbox, NULL);
	for (int i = 0; i < 100; i++)
		cr_assert_eq(inbox_add(&inbox, span_text("x"), false, false, 200, 1, &message),
			     INBOX_MORE);
	cr_assert_eq(inbox_add(&inbox, span_text("x"), true, true, 200, 1, &message),
		     INBOX_COMPLETE);
	cr_assert_eq(message.len, 101);
	inbox_fini(&inbox);
}

Test(inbox, release_frees_what_was_gathered)
{
	struct inbox inbox;
	struct span message;

	inbox_init(&inbox, NULL);
	cr_assert_eq(add(&inbox, span_text("a"), true, false, &message), INBOX_MORE);
	cr_assert_eq(add(&inbox, span_text("b"), true, true, &message), INBOX_COMPLETE);
	cr_assert_not_null(inbox.data);
	inbox_release(&inbox);
	cr_assert_null(inbox.data);
	cr_assert_eq(add(&inbox, span_text("c"), true, true, &message), INBOX_COMPLETE);
	cr_assert(span_is(message, "c"));
	inbox_fini(&inbox);
}

/* Cuts one message into pieces and frames at random and checks that it comes out whole. */
static void send_sliced(struct inbox *inbox, struct rng *rng, const char *bytes, size_t len,
			size_t piece_max)
{
	struct span message = span_text(NULL);
	size_t sent = 0;
	bool last = false;

	while (!last) {
		size_t piece = rng_below(rng, piece_max + 1);
		enum inbox_verdict verdict;

		if (piece > len - sent)
			piece = len - sent;
		last = sent + piece == len && rng_below(rng, 2);
		verdict = inbox_add(inbox, span_of(bytes + sent, piece),
				    last || rng_below(rng, 3) == 0, last, BYTES_MAX, SIZE_MAX,
				    &message);
		cr_assert_eq(verdict, last ? INBOX_COMPLETE : INBOX_MORE);
		sent += piece;
	}
	cr_assert(span_equal(message, span_of(bytes, len)));
}

Test(inbox, any_slicing_gives_the_same_message)
{
	static char bytes[BYTES_MAX];
	struct inbox inbox;
	struct rng rng;

	rng_init(&rng, 21);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)rng_next(&rng);
	inbox_init(&inbox, NULL);
	for (int round = 0; round < 500; round++) {
		size_t len_max = rng_below(&rng, 10) == 0 ? BYTES_MAX : 300;
		size_t len = rng_below(&rng, len_max + 1);

		send_sliced(&inbox, &rng, bytes, len, 1 + rng_below(&rng, len + 1));
	}
	inbox_fini(&inbox);
}

Test(inbox, what_is_allocated_is_counted)
{
	struct span message;
	struct inbox inbox;
	size_t held = 7;

	inbox_init(&inbox, &held);
	cr_assert_eq(inbox_add(&inbox, span_text("ab"), false, true, 10, 9, &message),
		     INBOX_COMPLETE);
	cr_assert_eq(held, 7, "a message in one piece is not copied");
	cr_assert_eq(inbox_add(&inbox, span_text("ab"), false, false, 10, 9, &message), INBOX_MORE);
	cr_assert_eq(held, 7 + inbox.capacity);
	cr_assert_eq(inbox_add(&inbox, span_text("cd"), true, true, 10, 9, &message),
		     INBOX_COMPLETE);
	cr_assert_eq(inbox_add(&inbox, span_text("x"), true, true, 10, 9, &message),
		     INBOX_COMPLETE);
	cr_assert_eq(held, 7, "the next message frees what the last one was gathered in");
	cr_assert_eq(inbox_add(&inbox, span_text("ab"), false, false, 10, 9, &message), INBOX_MORE);
	cr_assert_eq(inbox_add(&inbox, span_text("abcdefghi"), true, true, 10, 9, &message),
		     INBOX_TOO_BIG);
	cr_assert_eq(held, 7);
	inbox_fini(&inbox);
}
