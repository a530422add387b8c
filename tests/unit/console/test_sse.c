/* Server-Sent Events in pieces of any slicing. */
#include <criterion/criterion.h>
#include <string.h>
#include "broker/console/sse.h"

static struct strbuf seen;
static struct sse sse;
static size_t wanted;

static bool on_event(void *context, struct span data)
{
	(void)context;
	strbuf_add(&seen, data);
	strbuf_text(&seen, "|");
	return --wanted > 0;
}

static void set_up(void)
{
	strbuf_init(&seen);
	sse_init(&sse, on_event, NULL);
	wanted = 100;
}

static void tear_down(void)
{
	strbuf_fini(&seen);
	sse_fini(&sse);
}

TestSuite(sse, .init = set_up, .fini = tear_down);

static const char stream[] = ": a comment\n\nid: 7\nevent: x\ndata: {\"a\":1}\n\n"
			     "id:8\r\ndata:two\r\ndata: lines\r\n\r\n"
			     "data\nretry: 5\n\nid: 9\n\ndata: unfinished";

Test(sse, events_in_one_piece)
{
	cr_expect(sse_take(&sse, span_text(stream)));
	cr_expect_str_eq(strbuf_span(&seen).at, "{\"a\":1}|two\nlines|");
	cr_expect_str_eq(sse.id, "9");
}

Test(sse, events_byte_by_byte)
{
	for (size_t i = 0; i < strlen(stream); i++)
		cr_expect(sse_take(&sse, span_of(stream + i, 1)));
	cr_expect_str_eq(strbuf_span(&seen).at, "{\"a\":1}|two\nlines|");
}

Test(sse, a_new_connection_forgets_what_was_unfinished)
{
	cr_expect(sse_take(&sse, span_text("id: 1\ndata: a\n\nid: 2\ndata: b")));
	cr_expect_str_eq(sse.id, "1");
	sse_restart(&sse);
	cr_expect(sse_take(&sse, span_text("data: c\n\n")));
	cr_expect_str_eq(strbuf_span(&seen).at, "a|c|");
	cr_expect_str_eq(sse.id, "1");
}

Test(sse, the_reader_may_have_enough)
{
	wanted = 1;
	cr_expect_not(sse_take(&sse, span_text("data: a\n\ndata: b\n\n")));
	cr_expect_str_eq(strbuf_span(&seen).at, "a|");
}
