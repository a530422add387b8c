/* proto/json_scan.h: validates JSON (RFC 8259) and finds where its tokens end; builds nothing.
 *
 * Every function reads from `at` up to, never at or past, `end` and returns the place behind what
 * it accepted, or NULL when the text breaks the grammar there (or ends too early). */
#ifndef WSB_PROTO_JSON_SCAN_H
#define WSB_PROTO_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __SSE2__
#include <emmintrin.h>
#else
#include <endian.h>
#include <string.h>
#endif

/* One value, which begins at `at` without white space. depth: containers already open around it. */
const char *json_skip(const char *at, const char *end, unsigned depth);

/* The escape or non-ASCII sequence that stands inside a string at `at`; any other byte that ends
 * a plain run (a control character) is an error. */
const char *json_special(const char *at, const char *end, bool *escaped);

static inline const char *json_space(const char *at, const char *end)
{
	while (at != end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
		at++;
	return at;
}

/* The bits (one for each of JSON_STRIDE bytes, JSON_STRIDE_BITS apart) of the bytes that are not
 * plain inside a string: quote, backslash, control characters and everything from 0x80 on. */
#ifdef __SSE2__
#define JSON_STRIDE	 16
#define JSON_STRIDE_BITS 1
static inline uint64_t json_unplain(const char *at)
{
	const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
	const __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
	const __m128i slash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
	/* As signed numbers the bytes from 0x80 on are below the space, too. */
	const __m128i odd = _mm_cmplt_epi8(bytes, _mm_set1_epi8(' '));

	return (uint64_t)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, slash), odd));
}
#else
#define JSON_STRIDE	 8
#define JSON_STRIDE_BITS 8
static inline uint64_t json_unplain(const char *at)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t bytes, quote, slash;

	memcpy(&bytes, at, sizeof(bytes));
	bytes = le64toh(bytes);
	quote = bytes ^ ones * '"';
	slash = bytes ^ ones * '\\';
	/* Borrows run upwards only, so the lowest bit set is always a true one. */
	return (((bytes - ones * ' ') & ~bytes) | ((quote - ones) & ~quote) |
		((slash - ones) & ~slash) | bytes) &
	       ones * 0x80;
}
#endif

static inline bool json_is_plain(char byte)
{
	return (signed char)byte >= ' ' && byte != '"' && byte != '\\';
}

/* Behind the longest run of plain bytes. */
static inline const char *json_plain(const char *at, const char *end)
{
	while (end - at >= JSON_STRIDE) {
		const uint64_t unplain = json_unplain(at);

		if (unplain)
			return at + __builtin_ctzll(unplain) / JSON_STRIDE_BITS;
		at += JSON_STRIDE;
	}
	while (at != end && json_is_plain(*at))
		at++;
	return at;
}

/* A string whose opening quote stands just before `at`; returns the place OF its closing quote.
 * *escaped becomes true when there is a backslash in it, and is left alone otherwise. */
static inline const char *json_string(const char *at, const char *end, bool *escaped)
{
	for (;;) {
		at = json_plain(at, end);
		if (at == end)
			return NULL;
		if (__builtin_expect(*at == '"', 1))
			return at;
		at = json_special(at, end, escaped);
		if (!at)
			return NULL;
	}
}

#endif
