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

/* The text that is being scanned, and a look ahead: which of the JSON_BLOCK bytes from `block` on
 * are not plain inside a string (quote, backslash, control characters and everything from 0x80 on).
 * Looking at many bytes at once, before it is known where a string begins, keeps each string from
 * waiting for the one before. */
struct json_scan {
	const char *begin;
	const char *end;
	const char *block;
	uint64_t unplain; /* one bit each, the lowest for the first */
	bool escapes;	  /* there was a backslash in some string */
};

#define JSON_BLOCK 64

/* For a text, or the rest of one. */
void json_scan_over(struct json_scan *scan, struct span text);

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

/* Looks ahead from `at`, which is before the end. */
void json_scan_look(struct json_scan *scan, const char *at);

static inline bool json_scan_is_space(char byte)
{
	return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

/* Behind the white space inside an array or object. */
static inline const char *json_scan_space(const char *at)
{
	if (__builtin_expect((unsigned char)*at > ' ', 1))
		return at;
	while (json_scan_is_space(*at))
		at++;
	return at;
}

/* Behind the byte that must come next, which white space may stand before; or NULL. */
static inline const char *json_scan_expect(const char *at, char wanted)
{
	/* Programs write none: look for what is wanted first. */
	if (__builtin_expect(*at == wanted, 1))
		return at + 1;
	at = json_scan_space(at);
	return *at == wanted ? at + 1 : NULL;
}

/* A string whose opening quote stands just before `at`; returns the place OF its closing quote. */
static inline const char *json_scan_string(struct json_scan *scan, const char *at)
{
	for (;;) {
		const size_t offset = (size_t)(at - scan->block);
		const uint64_t unplain = offset < JSON_BLOCK ? scan->unplain >> offset : 0;

		if (__builtin_expect(unplain != 0, 1)) {
			at += __builtin_ctzll(unplain);
			if (__builtin_expect(*at == '"', 1))
				return at;
			at = json_scan_special(scan, at);
			if (!at)
				return NULL;
			continue;
		}
		if (offset < JSON_BLOCK) {
			if (scan->end - scan->block <= JSON_BLOCK)
				return NULL;
			at = scan->block + JSON_BLOCK;
		}
		if (at == scan->end)
			return NULL;
		json_scan_look(scan, at);
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
