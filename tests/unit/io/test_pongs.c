#include <criterion/criterion.h>
#include <stdio.h>
#include "broker/io/pongs.h"

static struct outbox_pool pool;
static struct outbox outbox;
static struct pongs pongs;

static void set_up(void)
{
	outbox_pool_init(&pool, 4096, 1);
	outbox_init(&outbox, &pool, 16);
	pongs_init(&pongs);
}

static void tear_down(void)
{
	pongs_fini(&pongs);
	outbox_fini(&outbox);
	outbox_pool_fini(&pool);
}

TestSuite(pongs, .init = set_up, .fini = tear_down);

static void draw_zero(void *mask, size_t len)
{
	memset(mask, 0, len);
}

/* The payload of the first frame that is pending, taken off. */
static void expect_next(const char *wanted)
{
	struct span pending = outbox_pending(&outbox);
	struct ws_header header;

	cr_assert_eq(wsframe_read(pending, &header), WSB_OK);
	cr_assert_eq(header.opcode, WS_PONG);
	cr_assert_not_null(header.mask);
	cr_assert(span_is(span_of(pending.at + header.header_len, header.payload_len), wanted));
	outbox_consume(&outbox, header.header_len + header.payload_len);
}

Test(pongs, each_ping_is_answered_in_order)
{
	pongs_append(&pongs, &outbox, draw_zero);
	cr_assert_eq(outbox_bytes(&outbox), 0);
	pongs_add(&pongs, span_text("one"));
	pongs_add(&pongs, span_text(""));
	pongs_add(&pongs, span_text("three"));
	pongs_append(&pongs, &outbox, draw_zero);
	expect_next("one");
	expect_next("");
	expect_next("three");
	cr_assert_null(pongs.ring, "an idle peer costs nothing");
}

Test(pongs, of_too_many_the_oldest_are_forgotten)
{
	char text[16];

	for (int i = 0; i < 3 * PONGS_MAX / 2; i++) {
		snprintf(text, sizeof(text), "%d", i);
		pongs_add(&pongs, span_text(text));
	}
	pongs_append(&pongs, &outbox, draw_zero);
	for (int i = PONGS_MAX / 2; i < 3 * PONGS_MAX / 2; i++) {
		snprintf(text, sizeof(text), "%d", i);
		expect_next(text);
	}
	cr_assert_eq(outbox_bytes(&outbox), 0);
}
