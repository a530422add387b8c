/* proto/json_scan.h: validates JSON (RFC 8259) and finds where its tokens end; builds nothing.
 *
 * Every function reads from `at` up to, never at or past, the end of the text and returns the place
 * behind what it accepted, or NULL when the text breaks the grammar there (or ends too early).
 *
 * Inside an array or object the last byte of the text is a closing bracket: json_scan_whole has
 * looked. That byte stops every run of white space and suits no place where a name, a colon or a
 * value must stand, so that the end need be asked for only behind a bracket that has been taken. */
#ifndef WSB_PROTO_JSON_SCAN_H
#define WSB_PROTO_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/span.h"

#ifdef __SSE2__
#include <emmintrin.h>
#else
#include <endian.h>
#include <string.h>
#endif

/* The text that is being scanned. */
struct json_scan {
	const char *end;
	const char *last; /* the last place from which JSON_STRIDE bytes can be read, or NULL */
	bool escapes;	  /* there was a backslash in some string */
};

/* Takes the white space off both sides of *whole and sets scan up for it; false when what is left
 * cannot be JSON because it is empty, or opens an array or object and does not end in a closing
 * bracket. */
bool json_scan_whole(struct span *whole, struct json_scan *scan);

/* One value, which begins at `at` without white space. depth: containers already open around it. */
const char *json_scan_skip(struct json_scan *scan, const char *at, unsigned depth);

/* Whether this is one whole JSON text. */
bool json_scan_is_valid(struct span whole);

/* A number, true, false or null. */
const char *json_scan_simple(const struct json_scan *scan, const char *at);

/* The escape or non-ASCII sequence that stands inside a string at `at`; any other byte that ends
 * a plain run (a control character) is an error. */
const char *json_scan_special(struct json_scan *scan, const char *at);

/* The end of a string in a text that is shorter than a stride. */
const char *json_scan_string_short(struct json_scan *scan, const char *at);

static inline bool json_scan_is_space(char byte)
{
	return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

/* Behind the white space inside an array or object. */
static inline const char *json_scan_space(const char *at)
{
	/* Programs write none. */
	if (__builtin_expect((unsigned char)*at > ' ', 1))
		return at;
	while (json_scan_is_space(*at))
		at++;
	return at;
}

/* The bits (one for each of JSON_STRIDE bytes, JSON_STRIDE_BITS apart) of the bytes that are not
 * plain inside a string: quote, backslash, control characters and everything from 0x80 on. */
#ifdef __SSE2__
#define JSON_STRIDE	 16
#define JSON_STRIDE_BITS 1
static inline uint64_t json_scan_unplain(const char *at)
{
	const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
	const __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
	const __m128i slash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
	/* As signed numbers the bytes from 0x80 on are below the space, too. */
	const __m128i odd = _mm_cmpgt_epi8(_mm_set1_epi8(' '), bytes);

	return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, slash), odd));
}
#else
#define JSON_STRIDE	 8
#define JSON_STRIDE_BITS 8
static inline uint64_t json_scan_unplain(const char *at)
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

/* A string whose opening quote stands just before `at`; returns the place OF its closing quote. */
static inline const char *json_scan_string(struct json_scan *scan, const char *at)
{
	uint64_t unplain;

	for (;;) {
		if (__builtin_expect(at <= scan->last, 1)) {
			unplain = json_scan_unplain(at);
			if (!unplain) {
				at += JSON_STRIDE;
				continue;
			}
		} else {
			/* Near the end the last stride is read again, without what lies before. */
			if (!scan->last)
				return json_scan_string_short(scan, at);
			if (at == scan->end)
				return NULL;
			unplain = json_scan_unplain(scan->last) >>
				  (at - scan->last) * JSON_STRIDE_BITS;
			if (!unplain)
				return NULL;
		}
		at += (unsigned)__builtin_ctzll(unplain) / JSON_STRIDE_BITS;
		if (__builtin_expect(*at == '"', 1))
			return at;
		at = json_scan_special(scan, at);
		if (!at)
			return NULL;
	}
}

/* json_scan_skip inside an array or object, with the commonest cases at hand. */
static inline const char *json_scan_value(struct json_scan *scan, const char *at, unsigned depth)
{
	if (*at == '"') {
		at = json_scan_string(scan, at + 1);
		return at ? at + 1 : NULL;
	}
	if (*at == '{' || *at == '[')
		return json_scan_skip(scan, at, depth);
	return json_scan_simple(scan, at);
}

#endif
