#include "proto/msgpack_scan.h"

#include <assert.h>
#include <string.h>
#include "common/escape.h"
#include "proto/codec.h"

/* len bytes, 1 to 8, most significant first. */
static uint64_t big_endian(const char *at, size_t len)
{
	uint64_t value = 0;

	for (size_t i = 0; i < len; i++)
		value = value << 8 | (unsigned char)at[i];
	return value;
}

/* How the types 0xc0 to 0xdf are laid out: so many bytes of length or count behind the type, and
 * so many of body besides what the length says. */
struct layout {
	enum msgpack_kind kind;
	uint8_t length_bytes;
	uint8_t body_bytes;
};

static const struct layout layouts[32] = {
	{MSGPACK_NIL, 0, 0},   {MSGPACK_NIL, 0, 0}, /* 0xc1 is never used */
	{MSGPACK_BOOL, 0, 0},  {MSGPACK_BOOL, 0, 0},  {MSGPACK_BIN, 1, 0},   {MSGPACK_BIN, 2, 0},
	{MSGPACK_BIN, 4, 0},   {MSGPACK_EXT, 1, 1},   {MSGPACK_EXT, 2, 1},   {MSGPACK_EXT, 4, 1},
	{MSGPACK_FLOAT, 0, 4}, {MSGPACK_FLOAT, 0, 8}, {MSGPACK_UINT, 0, 1},  {MSGPACK_UINT, 0, 2},
	{MSGPACK_UINT, 0, 4},  {MSGPACK_UINT, 0, 8},  {MSGPACK_INT, 0, 1},   {MSGPACK_INT, 0, 2},
	{MSGPACK_INT, 0, 4},   {MSGPACK_INT, 0, 8},   {MSGPACK_EXT, 0, 2},   {MSGPACK_EXT, 0, 3},
	{MSGPACK_EXT, 0, 5},   {MSGPACK_EXT, 0, 9},   {MSGPACK_EXT, 0, 17},  {MSGPACK_STR, 1, 0},
	{MSGPACK_STR, 2, 0},   {MSGPACK_STR, 4, 0},   {MSGPACK_ARRAY, 2, 0}, {MSGPACK_ARRAY, 4, 0},
	{MSGPACK_MAP, 2, 0},   {MSGPACK_MAP, 4, 0},
};

static bool laid_out(unsigned char type, const char *at, const char *end, struct msgpack_head *head)
{
	const struct layout *layout = &layouts[type - 0xc0];
	uint64_t length;

	if (type == 0xc1 || end - at < layout->length_bytes)
		return false;
	length = big_endian(at, layout->length_bytes);
	head->kind = layout->kind;
	head->body = at + layout->length_bytes;
	head->count = 0;
	head->body_len = layout->body_bytes;
	if (type >= 0xdc)
		head->count = (uint32_t)length;
	else
		head->body_len += length;
	return head->body_len <= (size_t)(end - head->body);
}

bool msgpack_head_read(const char *at, const char *end, struct msgpack_head *head)
{
	unsigned char type;

	if (at == end)
		return false;
	type = (unsigned char)*at++;
	if (type >= 0xc0 && type < 0xe0)
		return laid_out(type, at, end, head);
	head->body = at;
	head->body_len = 0;
	head->count = 0;
	if (type < 0x80) {
		head->kind = MSGPACK_UINT;
	} else if (type < 0x90) {
		head->kind = MSGPACK_MAP;
		head->count = type & 0xf;
	} else if (type < 0xa0) {
		head->kind = MSGPACK_ARRAY;
		head->count = type & 0xf;
	} else if (type < 0xc0) {
		head->kind = MSGPACK_STR;
		head->body_len = type & 0x1f;
	} else {
		head->kind = MSGPACK_INT;
	}
	return head->body_len <= (size_t)(end - at);
}

uint64_t msgpack_uint(const char *at, const struct msgpack_head *head)
{
	assert(head->kind == MSGPACK_UINT);
	return head->body_len == 0 ? (unsigned char)*at : big_endian(head->body, head->body_len);
}

int64_t msgpack_int(const char *at, const struct msgpack_head *head)
{
	const unsigned shift = 64 - 8 * (unsigned)head->body_len;

	assert(head->kind == MSGPACK_INT);
	if (head->body_len == 0)
		return (signed char)*at;
	/* Up to the top, and down again with the sign. */
	return (int64_t)(big_endian(head->body, head->body_len) << shift) >> shift;
}

double msgpack_float(const struct msgpack_head *head)
{
	const uint64_t bits = big_endian(head->body, head->body_len);
	const uint32_t low = (uint32_t)bits;
	double wide;
	float narrow;

	assert(head->kind == MSGPACK_FLOAT);
	memcpy(&wide, &bits, sizeof(wide));
	memcpy(&narrow, &low, sizeof(narrow));
	return head->body_len == sizeof(wide) ? wide : (double)narrow;
}

bool msgpack_str_is_valid(const struct msgpack_head *head)
{
	const char *at = head->body;
	const char *const end = at + head->body_len;

	while (at != end) {
		uint64_t word;
		size_t len;

		/* Eight ASCII bytes at a time where there are. */
		if (end - at >= (ptrdiff_t)sizeof(word)) {
			memcpy(&word, at, sizeof(word));
			if (!(word & UINT64_C(0x8080808080808080))) {
				at += sizeof(word);
				continue;
			}
		}
		len = utf8_sequence_len(span_of(at, (size_t)(end - at)));
		if (len == 0)
			return false;
		at += len;
	}
	return true;
}

const char *msgpack_skip(const char *at, const char *end, unsigned depth)
{
	uint64_t left[CODEC_DEPTH_MAX + 1]; /* values still to come, for each open container */
	unsigned open = 0;

	left[0] = 1;
	for (;;) {
		struct msgpack_head head;
		uint64_t values;

		if (!msgpack_head_read(at, end, &head))
			return NULL;
		if (head.kind == MSGPACK_STR && !msgpack_str_is_valid(&head))
			return NULL;
		at = head.body + head.body_len;
		left[open]--;
		if (head.kind == MSGPACK_ARRAY || head.kind == MSGPACK_MAP) {
			if (depth + open == CODEC_DEPTH_MAX)
				return NULL;
			values = (uint64_t)head.count << (head.kind == MSGPACK_MAP);
			if (values > (size_t)(end - at))
				return NULL;
			left[++open] = values;
		}
		while (left[open] == 0) {
			if (open == 0)
				return at;
			open--;
		}
	}
}
