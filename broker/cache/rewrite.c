#include "broker/cache/rewrite.h"

#include <stdint.h>
#include "proto/token.h"
#include "proto/value_walk.h"

#define DEPTH_MAX 3 /* of what an envelope can name */

/* The string token whose content is the method, as it stands; absent: there is none. */
static struct span find_token(const struct message *message, struct span token, size_t depth)
{
	struct value_walk walk;
	struct span value, found = {.at = NULL};

	if (token.at > message->method.at || token.at + token.len < message->method.at)
		return found;
	if (token_kind(message->encoding, token) == TOKEN_STRING) {
		struct span text = token_string(message->encoding, token, NULL, 0);

		return text.at == message->method.at ? token : found;
	}
	if (depth == 0 || !value_walk_begin(&walk, message->encoding, token))
		return found;
	while (!found.at && value_walk_next(&walk, NULL, &value))
		found = find_token(message, value, depth - 1);
	return found;
}

static void add_method(enum encoding encoding, struct span method, struct strbuf *out)
{
	if (encoding == ENCODING_JSON) {
		strbuf_json(out, method);
		return;
	}
	/* Methods that are learnt are short. */
	if (method.len < 32)
		strbuf_add(out, span_of((const char[]){(char)(0xa0 | method.len)}, 1));
	else
		strbuf_add(out, span_of((const char[]){(char)0xd9, (char)method.len}, 2));
	strbuf_add(out, method);
}

static bool lies_in(struct span inner, struct span outer)
{
	return inner.at >= outer.at && inner.at + inner.len <= outer.at + outer.len;
}

bool rewrite(const struct message *message, struct span method, struct span params,
	     struct strbuf *out)
{
	struct span text = message->text, old = message->params;
	struct span token = find_token(message, value_trim(message->encoding, text), DEPTH_MAX);
	const char *at = text.at, *end = text.at + text.len;

	if (!token.at || !old.at || lies_in(token, old) || method.len > UINT8_MAX)
		return false;
	for (size_t i = 0; i < 2; i++) {
		bool params_now = i == (token.at < old.at ? 1U : 0U);
		struct span part = params_now ? old : token;

		strbuf_add(out, span_of(at, (size_t)(part.at - at)));
		if (params_now)
			strbuf_add(out, params);
		else
			add_method(message->encoding, method, out);
		at = part.at + part.len;
	}
	strbuf_add(out, span_of(at, (size_t)(end - at)));
	return !out->failed;
}
