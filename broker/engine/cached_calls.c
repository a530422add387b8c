#include "broker/engine/cached_calls.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "broker/engine/cached_own.h"
#include "broker/exchange/claim.h"
#include "common/units.h"
#include "proto/token.h"
#include "proto/value_walk.h"

#define LEASE_DIGITS 16
/* When whoever finds another at work asks again. */
#define RETRY_MS 50

/* What the params say. Texts lie in the message or in room. */
struct params {
	struct span key;
	struct span lease;
	struct span value; /* token, in the message's encoding */
	uint64_t ttl_us;   /* 0: not said */
	struct span tags[CACHE_TAGS_MAX];
	size_t tag_count;
	char *room; /* texts with their escapes resolved */
	size_t room_used;
	size_t room_size;
};

/* The text of a string token, for as long as the params. Absent: it is none. */
static struct span text_of(struct params *params, enum encoding encoding, struct span token)
{
	struct span text;

	if (token_kind(encoding, token) != TOKEN_STRING)
		return span_of(NULL, 0);
	text = token_string(encoding, token, params->room + params->room_used,
			    params->room_size - params->room_used);
	if (text.at == params->room + params->room_used)
		params->room_used += text.len;
	return text;
}

static const char *read_tags(struct params *params, enum encoding encoding, struct span token)
{
	static const char why[] = "tags must be an array of texts of at most 256 bytes";
	struct value_walk walk;
	struct span each;

	if (token_kind(encoding, token) != TOKEN_ARRAY || !value_walk_begin(&walk, encoding, token))
		return why;
	while (value_walk_next(&walk, NULL, &each)) {
		struct span tag = text_of(params, encoding, each);

		if (!tag.at || tag.len == 0 || tag.len > CACHE_TAG_BYTES)
			return why;
		if (params->tag_count == CACHE_TAGS_MAX)
			return "there are too many tags";
		params->tags[params->tag_count++] = tag;
	}
	return NULL;
}

static const char *read_ttl(struct params *params, enum encoding encoding, struct span token)
{
	struct span text = text_of(params, encoding, token);

	if (!text.at || units_duration_us(text, &params->ttl_us) != WSB_OK)
		return "ttl must be a duration such as \"60s\"";
	/* 0 is for ever, which has its bound here as everywhere. */
	if (params->ttl_us == 0 || params->ttl_us > CACHE_TTL_MAX_US)
		params->ttl_us = CACHE_TTL_MAX_US;
	return NULL;
}

static const char *read_member(struct params *params, enum encoding encoding, struct span name,
			       struct span token, bool put)
{
	if (span_is(name, "key")) {
		params->key = text_of(params, encoding, token);
		return params->key.at && params->key.len > 0 && params->key.len <= CACHE_NAME_BYTES
			       ? NULL
			       : "key must be a text of at most 256 bytes";
	}
	if (put && span_is(name, "lease")) {
		params->lease = text_of(params, encoding, token);
		return params->lease.at ? NULL : "lease must be a text";
	}
	if (put && span_is(name, "value")) {
		params->value = token;
		return NULL;
	}
	if (put && span_is(name, "ttl"))
		return read_ttl(params, encoding, token);
	if (put && span_is(name, "tags"))
		return read_tags(params, encoding, token);
	return put ? "key, lease, value, ttl and tags are all that there is"
		   : "key is all that there is";
}

/* NULL: they are well. Else what is wrong. */
static const char *params_read(struct params *params, const struct message *message, bool put)
{
	struct value_walk walk;
	struct span name, token;
	char buf[16];

	if (!message->params.at || token_kind(message->encoding, message->params) != TOKEN_OBJECT ||
	    !value_walk_begin(&walk, message->encoding, message->params))
		return "params must be an object with a key";
	while (value_walk_next(&walk, &name, &token)) {
		struct span text = token_string(message->encoding, name, buf, sizeof(buf));
		const char *why = read_member(params, message->encoding,
					      text.at ? text : span_of("", 0), token, put);

		if (why)
			return why;
	}
	if (!params->key.at)
		return "params must be an object with a key";
	if (put && (!params->lease.at || !params->value.at))
		return "lease and value are needed";
	return NULL;
}

/* False: it has been answered. params_free does for both. */
static bool params_take(struct engine *engine, const struct caller *caller,
			const struct message *message, bool put, struct params *params)
{
	const char *why = "out of memory";

	params->room_size = message->params.len + 1;
	params->room = malloc(params->room_size);
	if (params->room)
		why = params_read(params, message, put);
	if (!why && !cache_key_of_text(params->key, &engine->cached.key))
		why = "out of memory";
	if (why)
		settle_refuse(engine, caller, NULL, RESULT_INVALID, "invalid_request", why, NULL);
	return !why;
}

/* The value as JSON: the token behind the key's own text. */
static void answer_value(struct engine *engine, const struct caller *caller,
			 const struct cache_hit *hit)
{
	if (hit->state == CACHE_FRESH)
		engine->cached.stats.hits++;
	else
		engine->cached.stats.stale++;
	settle_result(engine, caller, hit->value.bytes);
}

static void answer_lease(struct engine *engine, const struct caller *caller, uint64_t id)
{
	char text[64];

	engine->cached.stats.leases++;
	snprintf(text, sizeof(text), "{\"lease\":\"%016" PRIx64 "\"}", id);
	settle_result(engine, caller, span_text(text));
}

static void answer_wait(struct engine *engine, const struct caller *caller)
{
	char text[64];

	engine->cached.stats.leases_waiting++;
	snprintf(text, sizeof(text), "{\"lease\":null,\"retry_ms\":%d}", RETRY_MS);
	settle_result(engine, caller, span_text(text));
}

/* Of who finds a stale value, one refreshes it. */
static void get(struct engine *engine, const struct caller *caller, uint64_t now_us)
{
	struct cached *cached = &engine->cached;
	struct span key = fingerprint_bytes(&cached->key);
	uint64_t id = 0, left_us;
	struct cache_rule rule;
	struct cache_hit hit;

	cache_look(cached->cache, key, ENCODING_JSON, true, now_us, &hit);
	cache_strategy_apply(engine->config->cache.strategy, &rule);
	if (!cached_trusts(engine, rule.trust, &hit, now_us))
		hit.state = CACHE_ABSENT;
	if (hit.state == CACHE_FRESH) {
		answer_value(engine, caller, &hit);
		return;
	}
	if (caller->session->may_publish &&
	    claim_take(&cached->claims, key, cache_clock(cached->cache), &engine->rng, now_us, &id,
		       &left_us) != WSB_OK)
		id = 0;
	if (id == 0 && hit.state == CACHE_STALE) {
		answer_value(engine, caller, &hit);
		return;
	}
	cached->stats.misses++;
	if (id == 0)
		answer_wait(engine, caller);
	else
		answer_lease(engine, caller, id);
}

void cached_call_get(struct engine *engine, const struct caller *caller,
		     const struct message *message, uint64_t now_us)
{
	struct params params = {.tag_count = 0};

	if (params_take(engine, caller, message, false, &params))
		get(engine, caller, now_us);
	free(params.room);
}

/* 0: it is none. */
static uint64_t lease_id(struct span text)
{
	char digits[LEASE_DIGITS + 1];

	if (text.len != LEASE_DIGITS)
		return 0;
	memcpy(digits, text.at, LEASE_DIGITS);
	digits[LEASE_DIGITS] = '\0';
	return strtoull(digits, NULL, 16);
}

/* Why it has not been stored; NULL: it has. */
static const char *put(struct engine *engine, const struct params *params, uint64_t now_us)
{
	struct cached *cached = &engine->cached;
	struct span key = fingerprint_bytes(&cached->key);
	struct cache_rule rule;
	struct cache_fill fill = {
		.key = key,
		.tags = params->tags,
		.tag_count = params->tag_count,
		.value = {strbuf_span(&cached->value), ENCODING_JSON, UINT32_MAX},
		.weight = cache_priority_weight(PRIORITY_MEDIUM),
	};
	enum cache_verdict verdict;

	if (!claim_redeem(&cached->claims, key, lease_id(params->lease), now_us, &fill.clock))
		return "lease";
	cache_strategy_apply(engine->config->cache.strategy, &rule);
	fill.ttl_us = params->ttl_us ? params->ttl_us : rule.ttl_us;
	fill.stale_while_revalidate_us = rule.stale_while_revalidate_us;
	verdict = cache_store(cached->cache, &fill, now_us);
	return verdict == CACHE_STORED ? NULL : cache_verdict_text(verdict);
}

/* A value that could not be told from a lease would be taken for one. */
static bool looks_like_lease(struct span json)
{
	struct value_walk walk;
	struct span name, value;
	char buf[8];

	if (token_kind(ENCODING_JSON, json) != TOKEN_OBJECT ||
	    !value_walk_begin(&walk, ENCODING_JSON, json))
		return false;
	while (value_walk_next(&walk, &name, &value))
		if (span_is(token_string(ENCODING_JSON, name, buf, sizeof(buf)), "lease"))
			return true;
	return false;
}

/* What is wrong with the value; NULL: it is kept as JSON. */
static const char *keep_value(struct engine *engine, const struct message *message,
			      const struct params *params)
{
	struct strbuf *value = &engine->cached.value;

	strbuf_clear(value);
	if (transcode(message->encoding, ENCODING_JSON, params->value, value) != WSB_OK)
		return "value cannot be carried in JSON";
	if (looks_like_lease(strbuf_span(value)))
		return "a value with a member lease could not be told from a lease";
	return NULL;
}

static void put_and_tell(struct engine *engine, const struct caller *caller,
			 const struct params *params, uint64_t now_us)
{
	const char *reason = put(engine, params, now_us);
	char text[96];

	if (!reason) {
		engine->cached.stats.puts++;
		settle_result(engine, caller, span_text("{\"stored\":true}"));
		return;
	}
	engine->cached.stats.puts_refused++;
	snprintf(text, sizeof(text), "{\"stored\":false,\"reason\":\"%s\"}", reason);
	settle_result(engine, caller, span_text(text));
}

void cached_call_put(struct engine *engine, const struct caller *caller,
		     const struct message *message, uint64_t now_us)
{
	struct params params = {.tag_count = 0};
	const char *why;

	if (!caller->session->may_publish) {
		settle_refuse(engine, caller, NULL, RESULT_METHOD_DENIED, "method_denied",
			      "wsbroker.cache.put needs the role publisher or operator", NULL);
		return;
	}
	if (params_take(engine, caller, message, true, &params)) {
		why = keep_value(engine, message, &params);
		if (why)
			settle_refuse(engine, caller, NULL, RESULT_INVALID, "invalid_request", why,
				      NULL);
		else
			put_and_tell(engine, caller, &params, now_us);
	}
	free(params.room);
}
