#include "proto/partial.h"

#include "proto/transcode.h"

static bool numbers_equal(const json_t *a, const json_t *b)
{
	double real, whole;

	if (json_is_integer(a) && json_is_integer(b))
		return json_integer_value(a) == json_integer_value(b);
	if (json_is_real(a) && json_is_real(b))
		return json_real_value(a) == json_real_value(b);
	real = json_real_value(json_is_real(a) ? a : b);
	whole = (double)json_integer_value(json_is_real(a) ? b : a);
	/* A double that equals a rounded integer need not equal the integer itself. */
	return real == whole && real >= -0x1p63 && real < 0x1p63 &&
	       (json_int_t)real == json_integer_value(json_is_real(a) ? b : a);
}

static bool objects_match(const json_t *expected, const json_t *actual)
{
	json_t *const members = (json_t *)expected; /* walking it does not change it */
	void *at = json_object_iter(members);

	for (; at; at = json_object_iter_next(members, at)) {
		const json_t *const value = json_object_getn(actual, json_object_iter_key(at),
							     json_object_iter_key_len(at));

		if (!value || !partial_match(json_object_iter_value(at), value))
			return false;
	}
	return true;
}

static bool arrays_match(const json_t *expected, const json_t *actual)
{
	if (json_array_size(expected) != json_array_size(actual))
		return false;
	for (size_t i = 0; i < json_array_size(expected); i++) {
		if (!partial_match(json_array_get(expected, i), json_array_get(actual, i)))
			return false;
	}
	return true;
}

/* Recursion is as deep as what the configuration expects. */
bool partial_match(const json_t *expected, const json_t *actual)
{
	if (json_is_number(expected) && json_is_number(actual))
		return numbers_equal(expected, actual);
	if (json_typeof(expected) != json_typeof(actual))
		return false;
	switch (json_typeof(expected)) {
	case JSON_OBJECT:
		return objects_match(expected, actual);
	case JSON_ARRAY:
		return arrays_match(expected, actual);
	default:
		return json_equal(expected, actual);
	}
}

static json_t *json_tree(struct span text)
{
	return json_loadb(text.at, text.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
}

json_t *message_tree(enum encoding encoding, struct span text)
{
	struct strbuf json;
	json_t *tree = NULL;

	if (encoding == ENCODING_JSON)
		return json_tree(text);
	strbuf_init(&json);
	if (transcode(encoding, ENCODING_JSON, text, &json) == WSB_OK)
		tree = json_tree(strbuf_span(&json));
	strbuf_fini(&json);
	return tree;
}
