#include "proto/json_scan.h"

#include <string.h>
#include "common/escape.h"
#include "proto/codec.h"

bool json_scan_whole(struct span *whole, struct json_scan *scan)
{
	const char *at = whole->at;
	const char *end = whole->at + whole->len;

	while (at != end && json_scan_is_space(*at))
		at++;
	while (at != end && json_scan_is_space(end[-1]))
		end--;
	*whole = span_of(at, (size_t)(end - at));
	if (at == end)
		return false;
	scan->end = end;
	scan->last = whole->len >= JSON_STRIDE ? end - JSON_STRIDE : NULL;
	scan->escapes = false;
	return (*at != '{' && *at != '[') || end[-1] == '}' || end[-1] == ']';
}

bool json_scan_is_valid(struct span whole)
{
	struct json_scan scan;

	return json_scan_whole(&whole, &scan) && json_scan_skip(&scan, whole.at, 0) == scan.end;
}

/* The four digits of \uXXXX; -1 when one of them is none. */
static int32_t hex4(const char *at, const char *end)
{
	int32_t value = 0;

	if (end - at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		const char digit = at[i];

		if (digit >= '0' && digit <= '9')
			value = value * 16 + (digit - '0');
		else if ((digit | 0x20) >= 'a' && (digit | 0x20) <= 'f')
			value = value * 16 + ((digit | 0x20) - 'a' + 10);
		else
			return -1;
	}
	return value;
}

/* `at` stands on the backslash. A surrogate is good only as the first half of a pair. */
static const char *escape(const char *at, const char *end)
{
	int32_t code;

	if (end - at < 2)
		return NULL;
	if (at[1] != 'u')
		return at[1] && strchr("\"\\/bfnrt", at[1]) ? at + 2 : NULL;
	code = hex4(at + 2, end);
	if (code < 0)
		return NULL;
	at += 6;
	if (code < 0xd800 || code > 0xdfff)
		return at;
	if (code > 0xdbff || end - at < 2 || at[0] != '\\' || at[1] != 'u')
		return NULL;
	code = hex4(at + 2, end);
	return code >= 0xdc00 && code <= 0xdfff ? at + 6 : NULL;
}

const char *json_scan_special(struct json_scan *scan, const char *at)
{
	const char *const end = scan->end;

	if (*at == '\\') {
		scan->escapes = true;
		return escape(at, end);
	}
	if ((signed char)*at >= 0)
		return NULL;
	/* Text in a script of its own comes in runs: stay here while it lasts. */
	do {
		const size_t length = utf8_sequence_len(span_of(at, (size_t)(end - at)));

		if (length == 0)
			return NULL;
		at += length;
	} while (at != end && (signed char)*at < 0);
	return at;
}

static bool is_plain(char byte)
{
	return (signed char)byte >= ' ' && byte != '"' && byte != '\\';
}

const char *json_scan_string_short(struct json_scan *scan, const char *at)
{
	for (;;) {
		while (at != scan->end && is_plain(*at))
			at++;
		if (at == scan->end)
			return NULL;
		if (*at == '"')
			return at;
		at = json_scan_special(scan, at);
		if (!at)
			return NULL;
	}
}

static inline bool is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

static const char *digits(const char *at, const char *end)
{
	if (at == end || !is_digit(*at))
		return NULL;
	do
		at++;
	while (at != end && is_digit(*at));
	return at;
}

static const char *number(const char *at, const char *end)
{
	if (*at == '-')
		at++;
	if (at != end && *at == '0')
		at++;
	else
		at = digits(at, end);
	if (at && at != end && *at == '.')
		at = digits(at + 1, end);
	if (at && at != end && (*at | 0x20) == 'e') {
		at++;
		if (at != end && (*at == '+' || *at == '-'))
			at++;
		at = digits(at, end);
	}
	return at;
}

static const char *word(const char *at, const char *end, const char *text, size_t len)
{
	return (size_t)(end - at) >= len && memcmp(at, text, len) == 0 ? at + len : NULL;
}

const char *json_scan_simple(const struct json_scan *scan, const char *at)
{
	switch (*at) {
	case 't':
		return word(at, scan->end, "true", 4);
	case 'f':
		return word(at, scan->end, "false", 5);
	case 'n':
		return word(at, scan->end, "null", 4);
	default:
		return number(at, scan->end);
	}
}

/* A member's name and colon; returns the place where its value begins. */
static inline __attribute__((always_inline)) const char *member(struct json_scan *scan,
								const char *at)
{
	if (*at != '"')
		return NULL;
	at = json_scan_string(scan, at + 1);
	if (!at)
		return NULL;
	at = json_scan_space(at + 1);
	return *at == ':' ? json_scan_space(at + 1) : NULL;
}

/* The containers inside the value, one bit each: whether it is an object. */
struct nest {
	uint64_t objects[CODEC_DEPTH_MAX / 64];
};

static inline void nest_set(struct nest *nest, unsigned depth, bool object)
{
	const uint64_t bit = UINT64_C(1) << depth % 64;

	if (object)
		nest->objects[depth / 64] |= bit;
	else
		nest->objects[depth / 64] &= ~bit;
}

static inline bool nest_get(const struct nest *nest, unsigned depth)
{
	return nest->objects[depth / 64] >> depth % 64 & 1;
}

const char *json_scan_skip(struct json_scan *scan, const char *at, unsigned depth)
{
	const unsigned outer = depth;
	bool object = false;
	struct nest nest;

	for (;;) {
		if (*at == '"') {
			at = json_scan_string(scan, at + 1);
			if (!at || depth == outer)
				return at ? at + 1 : NULL;
			at = json_scan_space(at + 1);
		} else if (*at == '{' || *at == '[') {
			if (depth == CODEC_DEPTH_MAX)
				return NULL;
			object = *at == '{';
			nest_set(&nest, depth++, object);
			at = json_scan_space(at + 1);
			if (*at != (object ? '}' : ']')) {
				if (object && !(at = member(scan, at)))
					return NULL;
				continue;
			}
		} else {
			at = json_scan_simple(scan, at);
			if (!at || depth == outer)
				return at;
			at = json_scan_space(at);
		}
		/* A value has ended, or an empty container is about to: close what closes here. */
		while (*at != ',') {
			if (*at != (object ? '}' : ']'))
				return NULL;
			at++;
			if (--depth == outer)
				return at;
			if (at == scan->end)
				return NULL;
			object = nest_get(&nest, depth - 1);
			at = json_scan_space(at);
		}
		at = json_scan_space(at + 1);
		if (object && !(at = member(scan, at)))
			return NULL;
	}
}
