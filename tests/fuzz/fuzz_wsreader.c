#include <string.h>
#include "common/wsreader.h"
#include "tests/fuzz/fuzz.h"

/* What a reading came to: equal for equal bytes, however they were sliced. */
struct story {
	uint64_t sum; /* of everything that was told */
	uint64_t data_bytes;
	bool over;
};

static void add(struct story *story, uint64_t value)
{
	story->sum = (story->sum ^ value) * UINT64_C(0x100000001b3);
}

static void add_bytes(struct story *story, struct span bytes)
{
	for (size_t i = 0; i < bytes.len; i++)
		add(story, (unsigned char)bytes.at[i]);
}

static void add_data(struct story *story, const struct wsreader_item *item, bool *in_frame)
{
	story->data_bytes += item->payload.len;
	must(item->payload.len > 0 || (item->frame_left == 0 && !*in_frame));
	must(!item->ends_message || item->frame_left == 0);
	add_bytes(story, item->payload);
	*in_frame = item->frame_left > 0;
	if (!*in_frame)
		add(story, 1000 + 4 * item->compressed + 2 * item->binary + item->ends_message);
}

static void add_event(struct story *story, enum wsreader_event event,
		      const struct wsreader_item *item)
{
	must(item->payload.len <= WS_CONTROL_MAX);
	add(story, 2000 + event);
	add_bytes(story, item->payload);
	story->over = event == WSREADER_CLOSE || event == WSREADER_VIOLATION;
	if (story->over)
		add(story, item->code);
	must(event != WSREADER_VIOLATION || item->code == 1002 || item->code == 1007);
	must(event != WSREADER_CLOSE || item->code == 0 || wsframe_close_code_is_valid(item->code));
}

/* Slices as long as the pattern's bytes say, one after another. */
static struct story read_all(enum wsreader_peer peer, bool allows_compressed, struct span bytes,
			     struct span pattern)
{
	struct story story = {0};
	struct wsreader reader;
	bool in_frame = false;
	size_t at = 0;

	wsreader_init(&reader, peer);
	reader.allows_compressed = allows_compressed;
	for (size_t i = 0; at < bytes.len && !story.over; i++) {
		size_t wanted = pattern.len > 0
					? (unsigned char)pattern.at[i % pattern.len] % 32 + 1u
					: bytes.len;
		size_t len = wanted < bytes.len - at ? wanted : bytes.len - at;
		char *copy = malloc(len);
		struct wsreader_chunk chunk = {.at = copy, .len = len};
		struct wsreader_item item;
		enum wsreader_event event;

		must(copy != NULL);
		memcpy(copy, bytes.at + at, len);
		while (!story.over &&
		       (event = wsreader_next(&reader, &chunk, &item)) != WSREADER_MORE) {
			must(chunk.at + chunk.len == copy + len);
			if (event == WSREADER_DATA)
				add_data(&story, &item, &in_frame);
			else
				add_event(&story, event, &item);
		}
		must(story.over || chunk.len == 0);
		free(copy);
		at += len;
	}
	must(story.data_bytes <= bytes.len);
	return story;
}

/* The first byte says whose frames they are, whether they may be compressed, and how many of the
 * next ones say how to slice. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum wsreader_peer peer;
	bool compressed;
	struct span pattern, bytes;
	struct story whole, sliced;

	if (size < 1 || size - 1 < data[0] / 2u % 8u)
		return 0;
	peer = data[0] & 1 ? WSREADER_CLIENT : WSREADER_SERVER;
	pattern = span_of((const char *)data + 1, data[0] / 2u % 8u);
	bytes = span_of(pattern.at + pattern.len, size - 1 - pattern.len);
	compressed = data[0] & 0x80;
	whole = read_all(peer, compressed, bytes, span_of("", 0));
	sliced = read_all(peer, compressed, bytes, pattern);
	must(whole.sum == sliced.sum && whole.data_bytes == sliced.data_bytes);
	must(whole.over == sliced.over);
	return 0;
}
