#include "broker/route/fingerprint.h"

#include <stdlib.h>
#include <string.h>
#include "broker/route/decimal.h"
#include "proto/token.h"
#include "proto/value_walk.h"

/* Each level of a deep object can make all that is inside move once more. Nobody writes what moves
 * this many times its own length but to keep us busy. */
#define MOVES_PER_BYTE 16
#define MOVES_FREE     65536

void fingerprint_init(struct fingerprint *fingerprint)
{
	*fingerprint = (struct fingerprint){0};
}

void fingerprint_fini(struct fingerprint *fingerprint)
{
	strbuf_fini(&fingerprint->bytes);
	strbuf_fini(&fingerprint->scratch);
	free(fingerprint->members);
}

void fingerprint_begin(struct fingerprint *fingerprint)
{
	strbuf_clear(&fingerprint->bytes);
	fingerprint->count = 0;
	fingerprint->moved = 0;
}

/* A key is made for each request that might be a hit, of dozens of pieces: where there is room for
 * them, as there nearly always is, they are written without a call. The byte behind them stays 0,
 * as a strbuf has it. */
static inline void append(struct fingerprint *fingerprint, const char *at, size_t len)
{
	struct strbuf *bytes = &fingerprint->bytes;

	if (__builtin_expect(len >= bytes->capacity - bytes->len || bytes->failed, 0)) {
		strbuf_add(bytes, span_of(at, len));
		return;
	}
	memcpy(bytes->text + bytes->len, at, len);
	bytes->len += len;
	bytes->text[bytes->len] = '\0';
}

static inline void append_byte(struct fingerprint *fingerprint, char byte)
{
	append(fingerprint, &byte, 1);
}

/* Numbers in groups of 7 bits, the lowest first, so that short strings have short heads: all of it
 * is kept with each cached answer. */
static void add_long(struct fingerprint *fingerprint, char tag, uint64_t number)
{
	char head[11] = {tag};
	size_t len = 1;

	for (; number >= 128; number >>= 7)
		head[len++] = (char)(number | 128);
	head[len++] = (char)number;
	append(fingerprint, head, len);
}

static inline void add_tagged(struct fingerprint *fingerprint, char tag, uint64_t number)
{
	const char head[2] = {tag, (char)number};

	if (__builtin_expect(number < 128, 1))
		append(fingerprint, head, sizeof(head));
	else
		add_long(fingerprint, tag, number);
}

static inline void add_bytes(struct fingerprint *fingerprint, struct span text)
{
	struct strbuf *bytes = &fingerprint->bytes;
	char *to;

	if (__builtin_expect(text.len >= 128 || text.len + 2 >= bytes->capacity - bytes->len ||
				     bytes->failed,
			     0)) {
		add_tagged(fingerprint, 's', text.len);
		strbuf_add(bytes, text);
		return;
	}
	to = bytes->text + bytes->len;
	to[0] = 's';
	to[1] = (char)text.len;
	if (text.len > 0)
		memcpy(to + 2, text.at, text.len);
	to[2 + text.len] = '\0';
	bytes->len += text.len + 2;
}

void fingerprint_add_bytes(struct fingerprint *fingerprint, struct span bytes)
{
	add_bytes(fingerprint, bytes);
}

void fingerprint_add_number(struct fingerprint *fingerprint, uint64_t number)
{
	add_tagged(fingerprint, '#', number);
}

struct without {
	const struct span *spans;
	size_t count;
};

static bool is_left_out(const struct without *without, struct span token)
{
	for (size_t i = 0; i < without->count; i++)
		if (without->spans[i].at == token.at)
			return true;
	return false;
}

/* Small ones of either sign become small: 0, -1, 1, -2, … */
static uint64_t folded(int64_t number)
{
	return number < 0 ? ~((uint64_t)number << 1) : (uint64_t)number << 1;
}

static enum wsb_err add_number(struct fingerprint *fingerprint, enum encoding encoding,
			       struct span token)
{
	char text[NUMBER_TEXT_MAX];
	struct decimal decimal;

	if (!decimal_read(encoding, token, text, &decimal))
		return WSB_EINVAL;
	add_tagged(fingerprint, decimal.negative ? '-' : '+', folded(decimal.exponent));
	add_tagged(fingerprint, 'n', decimal.count);
	decimal_digits(&decimal, &fingerprint->bytes);
	return WSB_OK;
}

/* A string of JSON with escapes. */
static enum wsb_err add_escaped(struct fingerprint *fingerprint, struct span token)
{
	struct strbuf *scratch = &fingerprint->scratch;

	/* Unescaped it is never longer than it was, so the scratch need only be as long. */
	strbuf_clear(scratch);
	strbuf_add(scratch, token);
	if (scratch->failed)
		return WSB_ENOMEM;
	add_bytes(fingerprint, token_string(ENCODING_JSON, token, scratch->text, scratch->len));
	return WSB_OK;
}

static enum wsb_err add_packed(struct fingerprint *fingerprint, struct span token,
			       const struct without *without);

static enum wsb_err add_array(struct fingerprint *fingerprint, struct value_walk *walk,
			      const struct without *without)
{
	enum wsb_err err = WSB_OK;
	struct span value;

	append_byte(fingerprint, '[');
	while (err == WSB_OK && value_walk_next(walk, NULL, &value)) {
		/* Its place stays, so that the others keep theirs. */
		if (is_left_out(without, value))
			append_byte(fingerprint, '_');
		else
			err = add_packed(fingerprint, value, without);
	}
	append_byte(fingerprint, ']');
	return err;
}

/* Of what add_tagged has written there. */
static size_t head_len(const struct fingerprint *fingerprint, size_t at)
{
	size_t len = 2;

	while (fingerprint->bytes.text[at + len - 1] & 128)
		len++;
	return len;
}

/* A member begins at that place; so far it has its name. */
static enum wsb_err note_member(struct fingerprint *fingerprint, size_t at)
{
	size_t name_at;

	if (fingerprint->bytes.failed)
		return WSB_ENOMEM;
	name_at = at + head_len(fingerprint, at);
	if (fingerprint->count == fingerprint->capacity) {
		size_t capacity = fingerprint->capacity ? fingerprint->capacity * 2 : 32;
		struct fingerprint_member *members =
			realloc(fingerprint->members, capacity * sizeof(*members));

		if (!members)
			return WSB_ENOMEM;
		fingerprint->members = members;
		fingerprint->capacity = capacity;
	}
	fingerprint->members[fingerprint->count++] = (struct fingerprint_member){
		.at = at,
		.name_at = name_at,
		.name_len = fingerprint->bytes.len - name_at,
	};
	return WSB_OK;
}

static enum wsb_err add_member(struct fingerprint *fingerprint, struct span name, struct span value,
			       const struct without *without)
{
	size_t at = fingerprint->bytes.len;
	size_t place = fingerprint->count;
	enum wsb_err err;

	if (token_kind(ENCODING_MSGPACK, name) != TOKEN_STRING)
		return WSB_EINVAL;
	add_bytes(fingerprint, token_string(ENCODING_MSGPACK, name, NULL, 0));
	err = note_member(fingerprint, at);
	if (err == WSB_OK)
		err = add_packed(fingerprint, value, without);
	if (err == WSB_OK)
		fingerprint->members[place].len = fingerprint->bytes.len - at;
	return err;
}

/* By the bytes of their names, not by what stands before those: programs mostly write members in
 * the order of the alphabet, if in any. */
static int compare_members(const void *a, const void *b, void *context)
{
	const struct fingerprint_member *one = a, *other = b;
	const char *text = context;
	size_t shorter = one->name_len < other->name_len ? one->name_len : other->name_len;
	int order = memcmp(text + one->name_at, text + other->name_at, shorter);

	if (order != 0)
		return order;
	return (one->name_len > other->name_len) - (one->name_len < other->name_len);
}

/* Whether they stand in order already, which is what most programs write. */
static bool are_sorted(const struct fingerprint *fingerprint, size_t first)
{
	for (size_t i = first + 1; i < fingerprint->count; i++)
		if (compare_members(&fingerprint->members[i - 1], &fingerprint->members[i],
				    fingerprint->bytes.text) >= 0)
			return false;
	return true;
}

static enum wsb_err sort_members(struct fingerprint *fingerprint, size_t first, size_t at)
{
	struct fingerprint_member *members = fingerprint->members + first;
	size_t count = fingerprint->count - first;
	struct strbuf *scratch = &fingerprint->scratch;

	if (fingerprint->bytes.failed)
		return WSB_ENOMEM;
	if (are_sorted(fingerprint, first))
		return WSB_OK;
	qsort_r(members, count, sizeof(*members), compare_members, fingerprint->bytes.text);
	if (!are_sorted(fingerprint, first))
		return WSB_EINVAL; /* a name stands twice */
	fingerprint->moved += fingerprint->bytes.len - at;
	strbuf_clear(scratch);
	for (size_t i = 0; i < count; i++)
		strbuf_add(scratch,
			   span_of(fingerprint->bytes.text + members[i].at, members[i].len));
	if (scratch->failed)
		return WSB_ENOMEM;
	memcpy(fingerprint->bytes.text + at, scratch->text, scratch->len);
	return WSB_OK;
}

static enum wsb_err add_object(struct fingerprint *fingerprint, struct value_walk *walk,
			       const struct without *without)
{
	size_t first = fingerprint->count;
	enum wsb_err err = WSB_OK;
	struct span name, value;
	size_t at;

	append_byte(fingerprint, '{');
	at = fingerprint->bytes.len;
	while (err == WSB_OK && value_walk_next(walk, &name, &value)) {
		if (!is_left_out(without, value))
			err = add_member(fingerprint, name, value, without);
	}
	if (err == WSB_OK && fingerprint->count > first + 1)
		err = sort_members(fingerprint, first, at);
	fingerprint->count = first;
	append_byte(fingerprint, '}');
	return err;
}

/* Recursion goes as deep as the codecs allow. */
static enum wsb_err add_packed(struct fingerprint *fingerprint, struct span token,
			       const struct without *without)
{
	enum token_kind kind = token_kind(ENCODING_MSGPACK, token);
	struct value_walk walk;

	if (fingerprint->moved > MOVES_FREE + MOVES_PER_BYTE * fingerprint->bytes.len)
		return WSB_ELIMIT;
	switch (kind) {
	case TOKEN_NULL:
		append_byte(fingerprint, 'z');
		return WSB_OK;
	case TOKEN_FALSE:
	case TOKEN_TRUE:
		append_byte(fingerprint, kind == TOKEN_TRUE ? 't' : 'f');
		return WSB_OK;
	case TOKEN_NUMBER:
		return add_number(fingerprint, ENCODING_MSGPACK, token);
	case TOKEN_STRING:
		add_bytes(fingerprint, token_string(ENCODING_MSGPACK, token, NULL, 0));
		return WSB_OK;
	case TOKEN_OTHER:
		/* bin and ext: only MessagePack has them, so their bytes are what they are. */
		add_tagged(fingerprint, 'x', token.len);
		append(fingerprint, token.at, token.len);
		return WSB_OK;
	default:
		value_walk_begin(&walk, ENCODING_MSGPACK, token);
		return walk.object ? add_object(fingerprint, &walk, without)
				   : add_array(fingerprint, &walk, without);
	}
}

/* Text is read in one pass, which sees where values end as it goes: no part of a deep one is read
 * twice, and a string is copied where its end is found. Functions return the place behind what they
 * have added; NULL: err says why. */
struct text_pass {
	struct fingerprint *out;
	const struct without *without;
	struct json_scan scan;
	enum wsb_err err;
};

static const char *pass_value(struct text_pass *pass, const char *at);

static inline const char *pass_string(struct text_pass *pass, const char *at)
{
	const char *end;

	pass->scan.escapes = false;
	end = json_scan_string(&pass->scan, at + 1);
	if (__builtin_expect(!pass->scan.escapes, 1))
		add_bytes(pass->out, span_of(at + 1, (size_t)(end - at - 1)));
	else
		pass->err = add_escaped(pass->out, span_of(at, (size_t)(end + 1 - at)));
	return pass->err == WSB_OK ? end + 1 : NULL;
}

/* From behind a member to the next one, or to the bracket. */
static inline const char *pass_on(const char *at)
{
	at = json_scan_space(at);
	return *at == ',' ? json_scan_space(at + 1) : at;
}

static inline bool is_passed_over(const struct text_pass *pass, const char *at)
{
	return is_left_out(pass->without, span_of(at, 0));
}

static const char *pass_array(struct text_pass *pass, const char *at)
{
	append_byte(pass->out, '[');
	for (at = json_scan_space(at + 1); at && *at != ']';) {
		/* Its place stays, so that the others keep theirs. */
		if (is_passed_over(pass, at)) {
			append_byte(pass->out, '_');
			at = json_scan_value(&pass->scan, at, 1);
		} else {
			at = pass_value(pass, at);
		}
		at = at ? pass_on(at) : NULL;
	}
	append_byte(pass->out, ']');
	return at ? at + 1 : NULL;
}

static const char *pass_member(struct text_pass *pass, const char *at)
{
	struct fingerprint *out = pass->out;
	size_t from = out->bytes.len, place = out->count;

	at = pass_string(pass, at);
	if (!at)
		return NULL;
	at = json_scan_space(json_scan_space(at) + 1);
	if (is_passed_over(pass, at)) {
		out->bytes.len = from;
		return json_scan_value(&pass->scan, at, 1);
	}
	pass->err = note_member(out, from);
	at = pass->err == WSB_OK ? pass_value(pass, at) : NULL;
	if (at)
		out->members[place].len = out->bytes.len - from;
	return at;
}

static const char *pass_object(struct text_pass *pass, const char *at)
{
	struct fingerprint *out = pass->out;
	size_t first = out->count;
	size_t from;

	append_byte(out, '{');
	from = out->bytes.len;
	for (at = json_scan_space(at + 1); at && *at != '}';) {
		at = pass_member(pass, at);
		at = at ? pass_on(at) : NULL;
	}
	if (at && out->count > first + 1)
		pass->err = sort_members(out, first, from);
	out->count = first;
	append_byte(out, '}');
	return at && pass->err == WSB_OK ? at + 1 : NULL;
}

static const char *pass_simple(struct text_pass *pass, const char *at)
{
	const char *end = json_scan_simple(&pass->scan, at);

	if (*at == 'n')
		append_byte(pass->out, 'z');
	else if (*at == 't' || *at == 'f')
		append_byte(pass->out, *at);
	else
		pass->err = add_number(pass->out, ENCODING_JSON, span_of(at, (size_t)(end - at)));
	return pass->err == WSB_OK ? end : NULL;
}

/* Recursion goes as deep as the codec allows. */
static const char *pass_value(struct text_pass *pass, const char *at)
{
	const struct fingerprint *out = pass->out;

	if (out->moved > MOVES_FREE + MOVES_PER_BYTE * out->bytes.len) {
		pass->err = WSB_ELIMIT;
		return NULL;
	}
	if (*at == '"')
		return pass_string(pass, at);
	if (*at == '{')
		return pass_object(pass, at);
	return *at == '[' ? pass_array(pass, at) : pass_simple(pass, at);
}

static enum wsb_err add_text(struct fingerprint *fingerprint, struct span token,
			     const struct without *without)
{
	struct text_pass pass = {.out = fingerprint, .without = without};

	json_scan_over(&pass.scan, token);
	pass_value(&pass, token.at);
	return pass.err;
}

enum wsb_err fingerprint_add_value(struct fingerprint *fingerprint, enum encoding encoding,
				   struct span token, const struct span *without,
				   size_t without_count)
{
	const struct without left_out = {without, without_count};
	enum wsb_err err = encoding == ENCODING_JSON ? add_text(fingerprint, token, &left_out)
						     : add_packed(fingerprint, token, &left_out);

	if (err == WSB_OK && fingerprint->bytes.failed)
		err = WSB_ENOMEM;
	return err;
}
