#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "common/wstrack.h"

/* Frames one after another, as a client and as a server could write them. */
static const struct {
	const char *bytes;
	size_t len;
	size_t ends[8]; /* positions behind each frame; 0 ends them */
	bool closed;
	uint16_t code;
} streams[] = {
	/* text "hi", empty text, ping of 3 */
	{"\x81\x02hi\x81\x00\x89\x03wsb", 11, {4, 6, 11}, false, 0},
	/* compressed (RSV1), in two fragments with a ping between */
	{"\x41\x01x\x89\x00\x80\x02yz", 9, {3, 5, 9}, false, 0},
	/* masked text, masked close 1001 */
	{"\x81\x81\x01\x02\x03\x04q\x88\x82\x10\x20\x30\x40\x13\xc9", 15, {7, 15}, true, 1001},
	/* close 4321 with a reason, and what follows it */
	{"\x88\x05\x10\xe1"
	 "bye\x88\x02\x03\xe8",
	 11,
	 {7, 11},
	 true,
	 4321},
	{"\x88\x00", 2, {2}, true, 0},
	/* lengths of 16 and 64 bits that are small all the same */
	{"\x82\x7e\x00\x02"
	 "ab\x82\x7f\x00\x00\x00\x00\x00\x00\x00\x01"
	 "c",
	 17,
	 {6, 17},
	 false,
	 0},
	/* nothing that a WebSocket knows */
	{"\x3f\x01?\xf3\x81\x00\x00\x00\x00?", 10, {3, 10}, false, 0},
};

Test(wstrack, finds_the_ends_of_frames_in_any_slicing)
{
	for (size_t s = 0; s < sizeof(streams) / sizeof(streams[0]); s++) {
		for (size_t step = 1; step <= streams[s].len; step++) {
			struct wstrack track;
			size_t at = 0, end = 0;

			wstrack_init(&track);
			while (at < streams[s].len) {
				size_t left = streams[s].len - at;
				size_t len = step < left ? step : left;
				/* In memory of its own size, so that a byte too far is found. */
				char *copy = malloc(len);
				size_t taken;

				memcpy(copy, streams[s].bytes + at, len);
				taken = wstrack_frame(&track, span_of(copy, len));
				free(copy);
				cr_assert(taken > 0 && taken <= len);
				at += taken;
				if (wstrack_is_between(&track))
					cr_assert_eq(at, streams[s].ends[end++],
						     "stream %zu, step %zu: %zu", s, step, at);
				else
					cr_assert_eq(taken, len);
			}
			cr_assert_eq(streams[s].ends[end], 0, "stream %zu, step %zu", s, step);
			cr_assert_eq(track.closed, streams[s].closed);
			cr_assert_eq(track.close_code, streams[s].code, "%u", track.close_code);
		}
	}
}

Test(wstrack, follows_a_frame_that_is_longer_than_memory)
{
	static const char header[] = "\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff";
	struct wstrack track;
	char bytes[1024] = {0};

	wstrack_init(&track);
	wstrack_pass(&track, span_of(header, 10));
	cr_assert_not(wstrack_is_between(&track));
	for (size_t i = 0; i < 1000; i++)
		cr_assert_eq(wstrack_frame(&track, span_of(bytes, sizeof(bytes))), sizeof(bytes));
	cr_assert_eq(track.left, UINT64_C(0x7fffffffffffffff) - 1000 * sizeof(bytes));
	cr_assert_not(track.closed);
}
