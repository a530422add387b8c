#include "proto/json_scan.h"

#include <endian.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif
#include "common/escape.h"
#include "proto/codec.h"

#ifdef __SSE2__
#define STRIDE 16
static inline uint64_t unplain_in(const char *at)
{
	const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
	const __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
	const __m128i slash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
	/* As signed numbers the bytes from 0x80 on are below the space, too. */
	const __m128i odd = _mm_cmpgt_epi8(_mm_set1_epi8(' '), bytes);

	return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, slash), odd));
}
#else
#define STRIDE 8
/* The highest bit of each byte that is zero; of bytes below 0x80. */
static inline uint64_t zero_bytes(uint64_t bytes)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);

	return ~(bytes + ones * 0x7f) & ones * 0x80;
}

static inline uint64_t unplain_in(const char *at)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t bytes, low, flags;

	memcpy(&bytes, at, sizeof(bytes));
	bytes = le64toh(bytes);
	low = bytes & ones * 0x7f;
	flags = zero_bytes(low ^ ones * '"') | zero_bytes(low ^ ones * '\\') |
		(~(low + ones * (0x80 - ' ')) & ones * 0x80) | (bytes & ones * 0x80);
	/* Gathers the highest bits of the bytes into the highest byte, in order. */
	return (flags >> 7) * UINT64_C(0x0102040810204080) >> 56;
}
#endif

static bool is_plain(char byte)
{
	return (signed char)byte >= ' ' && byte != '"' && byte != '\\';
}

void json_scan_look(struct json_scan *scan, const char *at)
{
	const char *const end = scan->end;
	const size_t want = end - at > JSON_BLOCK ? JSON_BLOCK : (size_t)(end - at);
	uint64_t unplain = 0;
	size_t done = 0;

	for (; want - done >= STRIDE; done += STRIDE)
		unplain |= unplain_in(at + done) << done;
	if (done < want && end - scan->begin >= STRIDE) {
		/* The last stride is read again, without what lies before. */
		unplain |= unplain_in(end - STRIDE) >> (STRIDE - (want - done)) << done;
		done = want;
	}
	for (; done < want; done++)
		unplain |= (uint64_t)!is_plain(at[done]) << done;
	scan->block = at;
	scan->unplain = unplain;
}

void json_scan_over(struct json_scan *scan, struct span text)
{
	scan->begin = text.at;
	scan->end = text.at + text.len;
	scan->escapes = false;
	json_scan_look(scan, text.at);
}

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
	json_scan_over(scan, *whole);
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

static inline bool is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

/* How many of the eight bytes at `at` are digits, up to the first that is none. */
static inline size_t leading_digits(const char *at)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t bytes, others;

	memcpy(&bytes, at, sizeof(bytes));
	/* Digits become 0 to 9; all above have their highest bit set in others. */
	bytes = le64toh(bytes) ^ ones * '0';
	others = (((bytes & ones * 0x7f) + ones * (0x80 - 10)) | bytes) & ones * 0x80;
	return others ? (size_t)__builtin_ctzll(others) / 8 : sizeof(bytes);
}

static const char *digits(const char *at, const char *end)
{
	if (at == end || !is_digit(*at))
		return NULL;
	/* Ids are often long. */
	while (end - at >= 8) {
		const size_t count = leading_digits(at);

		at += count;
		if (count < 8)
			return at;
	}
	while (at != end && is_digit(*at))
		at++;
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
	at = json_scan_expect(at + 1, ':');
	return at ? json_scan_space(at) : NULL;
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
			at++;
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
		}
		/* A value has ended, or an empty container is about to: close what closes here. */
		while (*at != ',') {
			if (*at == (object ? '}' : ']')) {
				if (--depth == outer)
					return at + 1;
				if (at + 1 == scan->end)
					return NULL;
				object = nest_get(&nest, depth - 1);
			} else if (!json_scan_is_space(*at)) {
				return NULL;
			}
			at++;
		}
		at = json_scan_space(at + 1);
		if (object && !(at = member(scan, at)))
			return NULL;
	}
}
