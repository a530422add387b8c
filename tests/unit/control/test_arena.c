#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>
#include "broker/control/arena.h"

static struct arena *arena;

static void set_up(void)
{
	cr_assert_eq(arena_create(&arena), WSB_OK);
}

static void tear_down(void)
{
	arena_destroy(arena);
}

TestSuite(arena, .init = set_up, .fini = tear_down);

Test(arena, hands_out_zeroed_aligned_memory_that_does_not_overlap)
{
	unsigned char *pieces[200];

	for (size_t i = 0; i < 200; i++) {
		size_t size = i * i % 997;

		pieces[i] = arena_alloc(arena, 1, size);
		cr_assert_not_null(pieces[i]);
		cr_expect_eq((uintptr_t)pieces[i] % 16, 0);
		for (size_t at = 0; at < size; at++)
			cr_assert_eq(pieces[i][at], 0);
		memset(pieces[i], (int)i, size);
	}
	for (size_t i = 0; i < 200; i++) {
		for (size_t at = 0; at < i * i % 997; at++)
			cr_assert_eq(pieces[i][at], i);
	}
}

Test(arena, large_pieces_and_texts)
{
	char *large = arena_alloc(arena, 1000, 1000);
	char *text = arena_text(arena, span_of("abcdef", 3));

	cr_assert_not_null(large);
	large[999999] = 'x';
	cr_expect_str_eq(text, "abc");
	cr_expect_str_eq(arena_text(arena, span_of(NULL, 0)), "");
}

Test(arena, stays_failed)
{
	cr_expect_null(arena_alloc(arena, SIZE_MAX / 2, 3));
	cr_expect(arena_failed(arena));
	cr_expect_null(arena_alloc(arena, 1, 1));
	cr_expect_null(arena_text(arena, span_text("a")));
}

struct mark {
	int *turn;
	int at;
};

static void note_release(void *thing)
{
	struct mark *mark = thing;

	mark->at = ++*mark->turn;
}

Test(arena, releases_the_latest_first)
{
	struct arena *own;
	int turn = 0;
	struct mark first = {.turn = &turn};
	struct mark second = {.turn = &turn};

	cr_assert_eq(arena_create(&own), WSB_OK);
	cr_expect(arena_defer(own, note_release, &first));
	cr_expect(arena_defer(own, note_release, &second));
	cr_expect(arena_defer(own, note_release, NULL));
	arena_destroy(own);
	cr_expect_eq(second.at, 1);
	cr_expect_eq(first.at, 2);
	arena_destroy(NULL);
}

Test(arena, releases_at_once_what_it_cannot_note)
{
	int turn = 0;
	struct mark mark = {.turn = &turn};

	cr_expect_null(arena_alloc(arena, SIZE_MAX / 2, 3));
	cr_expect_not(arena_defer(arena, note_release, &mark));
	cr_expect_eq(mark.at, 1);
}
