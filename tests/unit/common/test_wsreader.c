#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include "common/strbuf.h"
#include "common/wsreader.h"

static const uint8_t key[WS_MASK_BYTES] = {0x37, 0xfa, 0x21, 0x3d};

/* Writes what was read, so that two readings can be compared: pieces of a message run together
 * until their frame ends. */
static void note(struct strbuf *story, enum wsreader_event event, const struct wsreader_item *item)
{
	static const char *const names[] = {"more", "data", "ping", "pong", "close", "violation"};

	if (event == WSREADER_DATA) {
		strbuf_add(story, item->payload);
		if (item->frame_left == 0)
			strbuf_printf(story, " <%s%s>\n", item->binary ? "binary" : "text",
				      item->ends_message ? " end" : "");
		return;
	}
	strbuf_printf(story, "%s ", names[event]);
	if (event == WSREADER_CLOSE || event == WSREADER_VIOLATION)
		strbuf_printf(story, "%u ", item->code);
	if (event != WSREADER_VIOLATION)
		strbuf_add(story, item->payload);
	strbuf_text(story, "\n");
}

static bool is_last(enum wsreader_event event)
{
	return event == WSREADER_CLOSE || event == WSREADER_VIOLATION;
}

/* Reads bytes in two or more chunks: the first is `first` long, the others `step`. Each is in
 * memory of its own size, so that a byte read too far is found. */
static void read_sliced(enum wsreader_peer peer, struct span bytes, size_t first, size_t step,
			struct strbuf *story)
{
	struct wsreader reader;
	size_t at = 0;

	wsreader_init(&reader, peer);
	while (at < bytes.len) {
		size_t wanted = at == 0 ? first : step;
		size_t len = wanted < bytes.len - at ? wanted : bytes.len - at;
		char *copy = malloc(len);
		struct wsreader_chunk chunk = {.at = copy, .len = len};
		struct wsreader_item item;
		enum wsreader_event event;

		memcpy(copy, bytes.at + at, len);
		while ((event = wsreader_next(&reader, &chunk, &item)) != WSREADER_MORE) {
			note(story, event, &item);
			if (is_last(event))
				break;
		}
		free(copy);
		if (is_last(event))
			return;
		cr_assert_eq(chunk.len, 0);
		at += len;
	}
}

static void expect_story(enum wsreader_peer peer, struct span bytes, const char *wanted)
{
	struct strbuf story;

	for (size_t first = 1; first <= bytes.len; first++) {
		for (size_t step = 1; step <= bytes.len; step += step < 16 ? 1 : 31) {
			strbuf_init(&story);
			read_sliced(peer, bytes, first, step, &story);
			cr_assert(span_is(strbuf_span(&story), wanted), "%zu, then %zu: %s", first,
				  step, story.text);
			strbuf_fini(&story);
		}
	}
}

/* A session with everything in it. */
static struct span write_session(struct outbox *outbox, const uint8_t *mask)
{
	static char filler[300];
	struct span text = span_text("hello"), empty = span_text(""), ping = span_text("p");
	struct span long_one = span_of(filler, sizeof(filler));
	const uint8_t flag = mask ? 0x80 : 0;
	char *at;

	memset(filler, 'x', sizeof(filler));
	cr_assert_eq(wsframe_append(outbox, WS_TEXT, mask, &text, 1), WSB_OK);
	cr_assert_eq(wsframe_append(outbox, WS_TEXT, mask, &empty, 1), WSB_OK);
	cr_assert_eq(wsframe_append(outbox, WS_BINARY, mask, &long_one, 1), WSB_OK);
	/* A message in three fragments, the second of them empty, with control frames between. */
	for (int i = 0; i < 3; i++) {
		struct span part = i == 1 ? empty : span_text("part");
		uint64_t position = outbox_bytes(outbox);

		cr_assert_eq(
			wsframe_append(outbox, i ? WS_CONTINUATION : WS_BINARY, mask, &part, 1),
			WSB_OK);
		at = (char *)outbox_pending(outbox).at + position;
		at[0] = (char)(i == 0 ? 0x02 : i == 1 ? 0x00 : 0x80);
		cr_assert_eq((uint8_t)at[1] & 0x80, flag);
		cr_assert_eq(wsframe_append(outbox, WS_PING, mask, i ? &ping : &empty, 1), WSB_OK);
		cr_assert_eq(wsframe_append(outbox, WS_PONG, mask, i ? &ping : &empty, 1), WSB_OK);
	}
	cr_assert_eq(wsframe_append_close(outbox, mask, 1012, span_text("größer")), WSB_OK);
	return outbox_pending(outbox);
}

static void expect_session(enum wsreader_peer peer, const uint8_t *mask)
{
	struct outbox_pool pool;
	struct outbox outbox;
	struct strbuf wanted;

	outbox_pool_init(&pool, 16384, 4);
	outbox_init(&outbox, &pool, 1 << 20);
	strbuf_init(&wanted);
	strbuf_text(&wanted, "hello <text end>\n <text end>\n");
	for (int i = 0; i < 300; i++)
		strbuf_text(&wanted, "x");
	strbuf_text(&wanted, " <binary end>\npart <binary>\nping \npong \n <binary>\nping p\n"
			     "pong p\npart <binary end>\nping p\npong p\nclose 1012 größer\n");
	expect_story(peer, write_session(&outbox, mask), wanted.text);
	strbuf_fini(&wanted);
	outbox_consume(&outbox, outbox_bytes(&outbox));
	outbox_fini(&outbox);
	outbox_pool_fini(&pool);
}

Test(wsreader, a_server_s_session_in_any_slicing)
{
	expect_session(WSREADER_SERVER, NULL);
}

Test(wsreader, a_client_s_session_in_any_slicing)
{
	expect_session(WSREADER_CLIENT, key);
}

static void expect_bytes(enum wsreader_peer peer, const char *bytes, size_t len, const char *wanted)
{
	expect_story(peer, span_of(bytes, len), wanted);
}

#define SAYS(bytes, wanted) expect_bytes(WSREADER_SERVER, (bytes), sizeof(bytes) - 1, (wanted))

Test(wsreader, reserved_bits_and_opcodes)
{
	SAYS("\xc1\x00", "violation 1002 \n");
	SAYS("\xa1\x00", "violation 1002 \n");
	SAYS("\x91\x00", "violation 1002 \n");
	for (int opcode = 0; opcode < 16; opcode++) {
		bool known = opcode <= 2 || (opcode >= 8 && opcode <= 10);
		char bytes[2] = {(char)(0x80 | opcode), 0};

		if (!known)
			expect_bytes(WSREADER_SERVER, bytes, 2, "violation 1002 \n");
	}
}

/* What the reader makes of the first frame behind the given ones. */
static enum wsreader_event read_last(bool allows, const char *bytes, size_t len, bool *compressed)
{
	char copy[64];
	struct wsreader_chunk chunk = {.at = copy, .len = len};
	enum wsreader_event event = WSREADER_MORE;
	struct wsreader_item item = {0};
	struct wsreader reader;

	memcpy(copy, bytes, len);
	wsreader_init(&reader, WSREADER_SERVER);
	reader.allows_compressed = allows;
	while (chunk.len > 0 && event != WSREADER_VIOLATION)
		event = wsreader_next(&reader, &chunk, &item);
	*compressed = item.compressed;
	return event;
}

Test(wsreader, the_bit_of_a_compressed_message)
{
	static const struct {
		struct span bytes;
		bool fits, compressed;
	} cases[] = {
		{{"\xc1\x01x", 3}, true, true},		   /* a text */
		{{"\xc2\x01x", 3}, true, true},		   /* binary */
		{{"\xc1\x00", 2}, true, true},		   /* an empty one */
		{{"\x41\x01x\x80\x01y", 6}, true, true},   /* all its frames are of it */
		{{"\x41\x01x\x89\x00", 5}, true, true},	   /* a ping between */
		{{"\xc1\x01x\x81\x01y", 6}, true, false},  /* but not the next message */
		{{"\x41\x01x\xc0\x01y", 6}, false, false}, /* said by the first frame only */
		{{"\xc9\x00", 2}, false, false},	   /* never of a control frame */
		{{"\xc8\x00", 2}, false, false},
		{{"\xe1\x00", 2}, false, false}, /* the other bits mean nothing */
		{{"\xd1\x00", 2}, false, false},
		{{"\xa1\x00", 2}, false, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool compressed;
		enum wsreader_event event =
			read_last(true, cases[i].bytes.at, cases[i].bytes.len, &compressed);

		cr_expect_eq(event != WSREADER_VIOLATION, cases[i].fits, "%zu", i);
		cr_expect(!cases[i].fits || compressed == cases[i].compressed, "%zu", i);
		event = read_last(false, cases[i].bytes.at, cases[i].bytes.len, &compressed);
		cr_expect_eq(event, WSREADER_VIOLATION, "%zu", i);
	}
}

Test(wsreader, continuations)
{
	SAYS("\x80\x00", "violation 1002 \n");
	SAYS("\x00\x01x", "violation 1002 \n");
	SAYS("\x01\x01x\x81\x01y", "x <text>\nviolation 1002 \n");
	SAYS("\x81\x01x\x80\x01y", "x <text end>\nviolation 1002 \n");
	SAYS("\x01\x00\x00\x00\x80\x01y\x81\x01z",
	     " <text>\n <text>\ny <text end>\nz <text end>\n");
}

Test(wsreader, control_frames)
{
	char longest[2 + 125] = "\x89\x7d";
	char wanted[6 + 125 + 1];

	memset(longest + 2, 'x', 125);
	snprintf(wanted, sizeof(wanted), "ping %.125s\n", longest + 2);
	expect_bytes(WSREADER_SERVER, longest, sizeof(longest), wanted);
	SAYS("\x09\x00", "violation 1002 \n");
	SAYS("\x8a\x7e\x00\x7e", "violation 1002 \n");
	SAYS("\x89\x7f\0\0\0\0\0\0\0\1x", "violation 1002 \n");
}

Test(wsreader, masks)
{
	SAYS("\x81\x81"
	     "abcdx",
	     "violation 1002 \n");
	expect_bytes(WSREADER_CLIENT, "\x81\x01x", 3, "violation 1002 \n");
	expect_bytes(WSREADER_CLIENT, "\x89\x00", 2, "violation 1002 \n");
	expect_bytes(WSREADER_CLIENT, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11,
		     "Hello <text end>\n");
}

Test(wsreader, close_frames)
{
	SAYS("\x88\x00", "close 0 \n");
	SAYS("\x88\x02\x03\xe8", "close 1000 \n");
	SAYS("\x88\x02\x03\xf6", "close 1014 \n");
	SAYS("\x88\x02\x13\x87", "close 4999 \n");
	SAYS("\x88\x05\x03\xf4off", "close 1012 off\n");
	SAYS("\x88\x01\x03", "violation 1002 \n");
	SAYS("\x88\x02\x03\xe7", "violation 1002 \n");
	SAYS("\x88\x02\x03\xed", "violation 1002 \n");
	SAYS("\x88\x02\x03\xf7", "violation 1002 \n");
	SAYS("\x88\x02\x13\x88", "violation 1002 \n");
	SAYS("\x88\x04\x03\xe8\xc3\x28", "violation 1007 \n");
	SAYS("\x88\x03\x03\xe8\xc3", "violation 1007 \n");
}

Test(wsreader, each_form_of_a_length)
{
	static const size_t lens[] = {0, 1, 125, 126, 127, 65535, 65536, 100000};
	static char bytes[10 + 100000];

	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		size_t head = wsframe_header_len(lens[i], 0);
		struct wsreader reader;
		struct wsreader_chunk chunk = {.at = bytes, .len = head + lens[i]};
		struct wsreader_item item;

		bytes[0] = (char)0x82;
		bytes[1] = (char)(head == 2 ? lens[i] : head == 4 ? 126 : 127);
		for (size_t at = 2; at < head; at++)
			bytes[at] = (char)(lens[i] >> 8 * (head - 1 - at));
		wsreader_init(&reader, WSREADER_SERVER);
		cr_assert_eq(wsreader_next(&reader, &chunk, &item), WSREADER_DATA);
		cr_assert_eq(item.payload.len, lens[i]);
		cr_assert_eq(item.payload.at, bytes + head, "in place");
		cr_assert(item.binary && item.ends_message && item.frame_left == 0);
		cr_assert_eq(wsreader_next(&reader, &chunk, &item), WSREADER_MORE);
	}
}

Test(wsreader, the_longest_length)
{
	char bytes[] = "\x81\x7f\x7f\xff\xff\xff\xff\xff\xff\xffxyz";
	struct wsreader reader;
	struct wsreader_chunk chunk = {.at = bytes, .len = 13};
	struct wsreader_item item;

	wsreader_init(&reader, WSREADER_SERVER);
	cr_assert_eq(wsreader_next(&reader, &chunk, &item), WSREADER_DATA);
	cr_assert_eq(item.frame_left, (uint64_t)INT64_MAX - 3);
	cr_assert_not(item.ends_message);
	SAYS("\x81\x7f\x80\0\0\0\0\0\0\0", "violation 1002 \n");
	SAYS("\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff", "violation 1002 \n");
}
