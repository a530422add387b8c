#include "broker/control/jwks_file.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include "common/base64url.h"

/* The kinds of RFC 7518, section 6, and RFC 8037, and how long their members may be. */
static const struct kind {
	enum jwk_kind kind;
	const char *type;  /* kty */
	const char *curve; /* crv; NULL: has none */
	const char *first;
	const char *second; /* NULL: has none */
	size_t first_min, first_max;
	size_t second_max;
} kinds[] = {
	/* Shorter moduli are forbidden, longer ones take their time with every token. */
	{JWK_RSA, "RSA", NULL, "n", "e", 2048 / 8, 8192 / 8, 8},
	{JWK_P256, "EC", "P-256", "x", "y", 32, 32, 32},
	{JWK_P384, "EC", "P-384", "x", "y", 48, 48, 48},
	{JWK_P521, "EC", "P-521", "x", "y", 66, 66, 66},
	{JWK_ED25519, "OKP", "Ed25519", "x", NULL, 32, 32, 0},
	{JWK_OCT, "oct", NULL, "k", NULL, 256 / 8, 1024, 0},
};

static bool is_text(const json_t *value, const char *text)
{
	return json_is_string(value) && strlen(text) == json_string_length(value) &&
	       strcmp(json_string_value(value), text) == 0;
}

/* NULL: a kind that nobody here knows. */
static const struct kind *kind_of(const json_t *object)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (is_text(json_object_get(object, "kty"), kinds[i].type) &&
		    (!kinds[i].curve || is_text(json_object_get(object, "crv"), kinds[i].curve)))
			return &kinds[i];
	}
	return NULL;
}

/* Whether the key says that it is for something else than checking signatures. */
static bool is_for_another_use(const json_t *object)
{
	const json_t *use = json_object_get(object, "use");
	const json_t *operations = json_object_get(object, "key_ops");

	if (use && !is_text(use, "sig"))
		return true;
	for (size_t i = 0; i < json_array_size(operations); i++) {
		if (is_text(json_array_get(operations, i), "verify"))
			return false;
	}
	return operations != NULL;
}

static bool read_bytes(struct arena *arena, const json_t *value, struct span *out)
{
	struct span text = span_of(json_string_value(value), json_string_length(value));
	uint8_t *bytes;
	size_t len;

	if (!json_is_string(value))
		return false;
	bytes = arena_alloc(arena, 1, BASE64URL_BYTES(text.len));
	if (!bytes || base64url_decode(text, bytes, &len))
		return false;
	*out = span_of((const char *)bytes, len);
	return true;
}

static bool has_length(struct span bytes, size_t min, size_t max)
{
	return bytes.len >= min && bytes.len <= max && (min > 0 || bytes.len > 0);
}

/* What is wrong with the members of a key of this kind; NULL: nothing. */
static const char *read_members(struct arena *arena, const struct kind *kind, const json_t *object,
				struct jwk *out)
{
	if (!read_bytes(arena, json_object_get(object, kind->first), &out->first))
		return "is not there, or not base64url";
	/* A number is written without zeros before it, but some write one. */
	while (kind->kind == JWK_RSA && out->first.len > 0 && out->first.at[0] == '\0')
		out->first = span_of(out->first.at + 1, out->first.len - 1);
	if (!has_length(out->first, kind->first_min, kind->first_max))
		return kind->kind == JWK_RSA   ? "must have 2048 to 8192 bits"
		       : kind->kind == JWK_OCT ? "must have 32 to 1024 bytes"
					       : "does not have the length of its curve";
	return NULL;
}

static bool read_second(struct arena *arena, const struct kind *kind, const json_t *object,
			struct jwk *out)
{
	size_t min = kind->curve ? kind->second_max : 1;

	return !kind->second ||
	       (read_bytes(arena, json_object_get(object, kind->second), &out->second) &&
		has_length(out->second, min, kind->second_max));
}

static bool read_id(struct arena *arena, const json_t *id, struct jwk *out)
{
	struct span text = span_of(json_string_value(id), json_string_length(id));

	if (!id)
		return true;
	if (!json_is_string(id))
		return false;
	out->id = text.len > 0 ? arena_text(arena, text) : NULL;
	return true;
}

/* One key of the file. */
struct entry {
	struct document *document;
	struct place place;
	const char *path;
	size_t number; /* from 1 */
};

static void complain_of_key(const struct entry *entry, const char *member, const char *what)
{
	complain(entry->document->complaints, entry->place, "%.200s: key %zu: %s%s%s", entry->path,
		 entry->number, member, member[0] ? " " : "", what);
}

/* False: passed over, or with a complaint. */
static bool read_key(const struct entry *entry, const json_t *object, struct jwk *out)
{
	struct arena *arena = entry->document->arena;
	const json_t *algorithm = json_object_get(object, "alg");
	const struct kind *kind = kind_of(object);
	const char *problem;

	*out = (struct jwk){.bound = algorithm != NULL};
	if (!json_is_object(object) || !json_is_string(json_object_get(object, "kty"))) {
		complain_of_key(entry, "", "is not an object with a `kty`");
		return false;
	}
	if (!kind || is_for_another_use(object) ||
	    (algorithm && !jwt_algorithm_find(span_of(json_string_value(algorithm),
						      json_string_length(algorithm)),
					      &out->algorithm)))
		return false;
	out->kind = kind->kind;
	problem = read_members(arena, kind, object, out);
	if (problem)
		complain_of_key(entry, kind->first, problem);
	else if (!read_second(arena, kind, object, out))
		complain_of_key(entry, kind->second, "is not there, or not as it must be");
	else if (!read_id(arena, json_object_get(object, "kid"), out))
		complain_of_key(entry, "kid", "is not a text");
	else if (out->bound && !jwk_fits(out, out->algorithm))
		complain_of_key(entry, "alg", "does not fit the key");
	else
		return true;
	return false;
}

static void read_keys(struct document *document, const char *path, const json_t *list,
		      struct place place, struct jwk_set *out)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const struct entry entry = {document, place, path, i + 1};

		if (read_key(&entry, json_array_get(list, i), &out->keys[out->count]))
			out->count++;
	}
}

enum wsb_err jwks_file_parse(struct document *document, const char *path, struct span text,
			     struct place place, struct jwk_set *out)
{
	json_error_t error;
	json_t *tree = json_loadb(text.at, text.len, JSON_REJECT_DUPLICATES, &error);
	const json_t *list = json_object_get(tree, "keys");
	struct jwk_set set = {.file = path};
	size_t before = document->complaints->count;

	set.keys = arena_alloc(document->arena, JWKS_KEYS_MAX, sizeof(*set.keys));
	/* Jansson's own words quote the text, which may hold a secret: only the place is told. */
	if (!tree)
		complain(document->complaints, place, "%.200s:%d:%d: not valid JSON", path,
			 error.line, error.column);
	else if (!json_is_array(list))
		complain(document->complaints, place,
			 "%.200s: not a key set: there is no array `keys`", path);
	else if (json_array_size(list) > JWKS_KEYS_MAX)
		complain(document->complaints, place, "%.200s: more than %d keys", path,
			 JWKS_KEYS_MAX);
	else if (set.keys)
		read_keys(document, path, list, place, &set);
	if (set.count == 0 && document->complaints->count == before)
		complain(document->complaints, place,
			 "%.200s: no key is for signatures that can be checked", path);
	json_decref(tree);
	*out = set;
	return arena_failed(document->arena) ? WSB_ENOMEM : WSB_OK;
}

enum wsb_err jwks_file_load(struct document *document, const char *path, struct place place,
			    struct jwk_set *out, char *why, size_t why_size)
{
	struct span text;
	enum wsb_err err = file_read(document->arena, path, JWKS_FILE_BYTES_MAX, &text);

	if (err == WSB_EIO)
		snprintf(why, why_size, "expected a readable file (%s)", strerror(errno));
	if (err == WSB_ELIMIT)
		snprintf(why, why_size, "the key file is too large");
	if (err != WSB_OK)
		return err == WSB_ENOMEM ? err : WSB_EINVAL;
	return jwks_file_parse(document, path, text, place, out);
}
