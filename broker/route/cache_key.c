#include "broker/route/cache_key.h"

#include "proto/value_walk.h"

/* Who shares; the values are part of keys. */
enum sharer { SHARER_ALL, SHARER_IDENTITY, SHARER_CONNECTION, SHARER_POINTERS };

const char *cache_key_verdict_text(enum cache_key_verdict verdict)
{
	static const char *const texts[] = {"ok", "ambiguous", "scope_missing", "too_costly",
					    "no_memory"};

	return texts[verdict];
}

static enum cache_key_verdict verdict_of(enum wsb_err err)
{
	switch (err) {
	case WSB_OK:
		return CACHE_KEY_OK;
	case WSB_EINVAL:
		return CACHE_KEY_AMBIGUOUS;
	case WSB_ELIMIT:
		return CACHE_KEY_TOO_COSTLY;
	default:
		return CACHE_KEY_NO_MEMORY;
	}
}

static enum cache_key_verdict add_pointers(const struct cache_paths *pointers,
					   const struct message *request, struct fingerprint *out)
{
	fingerprint_add_number(out, SHARER_POINTERS);
	fingerprint_add_number(out, pointers->count);
	for (size_t i = 0; i < pointers->count; i++) {
		struct span value = path_first(&pointers->list[i].path, request);
		enum wsb_err err;

		if (!value.at)
			return CACHE_KEY_NO_SCOPE;
		fingerprint_add_bytes(out, span_text(pointers->list[i].text));
		err = fingerprint_add_value(out, request->encoding, value, NULL, 0);
		if (err != WSB_OK)
			return verdict_of(err);
	}
	return CACHE_KEY_OK;
}

static enum cache_key_verdict add_scope(const struct cache_plan *plan,
					const struct message *request, struct cache_asker asker,
					struct fingerprint *out)
{
	if (plan->scope == CACHE_SCOPE_POINTERS)
		return add_pointers(&plan->pointers, request, out);
	if (plan->scope == CACHE_SCOPE_SHARED) {
		fingerprint_add_number(out, SHARER_ALL);
	} else if (asker.identity.at) {
		fingerprint_add_number(out, SHARER_IDENTITY);
		fingerprint_add_bytes(out, asker.identity);
	} else if (asker.connection != 0) {
		fingerprint_add_number(out, SHARER_CONNECTION);
		fingerprint_add_number(out, asker.connection);
	} else {
		return CACHE_KEY_NO_SCOPE;
	}
	return CACHE_KEY_OK;
}

struct key_walk {
	struct fingerprint *out;
	enum encoding encoding;
	uint64_t count;
	enum wsb_err err;
};

static bool add_key_value(void *context, struct span token)
{
	struct key_walk *walk = context;

	walk->count++;
	walk->err = fingerprint_add_value(walk->out, walk->encoding, token, NULL, 0);
	return walk->err == WSB_OK;
}

/* What does not count is looked at all the same, for a name that stands twice: its first value
 * would tell here who shares, and its last one might upstream. */
static enum wsb_err look_through(struct span token, const struct message *request,
				 struct fingerprint *out)
{
	size_t before = out->bytes.len;
	enum wsb_err err;

	if (!token.at)
		return WSB_OK;
	err = fingerprint_add_value(out, request->encoding, token, NULL, 0);
	out->bytes.len = before;
	return err;
}

/* The values that stand for the params. */
static enum wsb_err add_listed(const struct cache_paths *key, const struct message *request,
			       struct fingerprint *out)
{
	enum wsb_err err = look_through(request->params, request, out);

	if (err != WSB_OK)
		return err;
	for (size_t i = 0; i < key->count; i++) {
		struct key_walk walk = {.out = out, .encoding = request->encoding};

		fingerprint_add_bytes(out, span_text(key->list[i].text));
		path_walk(&key->list[i].path, request, add_key_value, &walk);
		if (walk.err != WSB_OK)
			return walk.err;
		/* A value never begins as a number of ours does, so this ends them. */
		fingerprint_add_number(out, walk.count);
	}
	return WSB_OK;
}

static enum wsb_err add_message(const struct cache_plan *plan, const struct message *request,
				struct fingerprint *out)
{
	struct span without[CACHE_IGNORE_MAX + 3];
	size_t count = 0;
	enum wsb_err err;

	without[count++] = request->id;
	without[count++] = request->options;
	if (plan->key.count > 0)
		without[count++] = request->params;
	for (size_t i = 0; i < plan->ignore.count; i++)
		without[count++] = path_first(&plan->ignore.list[i].path, request);
	for (size_t i = count - plan->ignore.count; i < count; i++) {
		err = look_through(without[i], request, out);
		if (err != WSB_OK)
			return err;
	}
	return fingerprint_add_value(out, request->encoding,
				     value_trim(request->encoding, request->text), without, count);
}

enum cache_key_verdict cache_key_make(const struct cache_plan *plan, const struct message *request,
				      struct cache_asker asker, struct fingerprint *out)
{
	enum cache_key_verdict verdict;
	enum wsb_err err = WSB_OK;

	fingerprint_begin(out);
	fingerprint_add_bytes(out, request->method);
	fingerprint_add_number(out, plan->key.count);
	if (plan->key.count > 0)
		err = add_listed(&plan->key, request, out);
	if (err == WSB_OK)
		err = add_message(plan, request, out);
	if (err != WSB_OK)
		return verdict_of(err);
	fingerprint_mark(out);
	verdict = add_scope(plan, request, asker, out);
	return verdict == CACHE_KEY_OK && out->bytes.failed ? CACHE_KEY_NO_MEMORY : verdict;
}

bool cache_key_of_text(struct span text, struct fingerprint *out)
{
	fingerprint_begin(out);
	strbuf_add(&out->bytes, span_of((const char[]){CACHE_KEY_OF_TEXT}, 1));
	strbuf_add(&out->bytes, text);
	return !out->bytes.failed;
}
