#include <string.h>

#include "broker/route/cache_key.h"
#include "common/strbuf.h"
#include "proto/transcode.h"
#include "tests/fuzz/fuzz.h"

static const char *pointers[] = {"/auth/userId"};
static const char *paths[] = {"params.id", "params.list[*]", "/auth/userId"};
static const char *ignored[] = {"/timestamp", "/params/trace"};

static const struct cache_rule rules[] = {
	{.scope = {.kind = CACHE_SCOPE_CLIENT}},
	{.scope = {.kind = CACHE_SCOPE_SHARED}, .key = paths, .key_count = 3},
	{.scope = {.kind = CACHE_SCOPE_POINTERS, .pointers = pointers, .count = 1},
	 .ignore = ignored,
	 .ignore_count = 2},
};
#define RULES (sizeof(rules) / sizeof(rules[0]))

static struct envelope *envelope;
static struct cache_plan *plans[RULES];

static void set_up(void)
{
	if (envelope)
		return;
	must(envelope_create(&envelope, NULL, NULL, 0) == WSB_OK);
	for (size_t i = 0; i < RULES; i++)
		must(cache_plan_create(&plans[i], &rules[i]) == WSB_OK);
}

static bool scan(enum encoding encoding, struct span text, struct message *message)
{
	return envelope_scan(envelope, FROM_CLIENT, encoding, text, message) == WSB_OK &&
	       message->flaw == FLAW_NONE && !message->batch && message->method.at;
}

static enum cache_key_verdict make(size_t rule, const struct message *message, uint64_t connection,
				   struct fingerprint *out)
{
	const struct cache_asker asker = {.connection = connection};

	return cache_key_make(plans[rule], message, asker, out);
}

/* Whatever way a message is written, its key is the same; another asker has another key, unless the
 * rule says otherwise, with the same part for all. */
static void check_rule(size_t rule, const struct message *message, const struct message *twin)
{
	struct fingerprint one, other;
	enum cache_key_verdict verdict;

	fingerprint_init(&one);
	fingerprint_init(&other);
	verdict = make(rule, message, 1, &one);
	must(verdict == make(rule, twin, 1, &other));
	if (verdict == CACHE_KEY_OK) {
		must(span_equal(fingerprint_bytes(&one), fingerprint_bytes(&other)));
		must(fingerprint_bytes(&one).at[0] != CACHE_KEY_OF_TEXT);
		must(make(rule, twin, 2, &other) == CACHE_KEY_OK);
		must(span_equal(cache_key_common(&one), cache_key_common(&other)));
		must(span_equal(fingerprint_bytes(&one), fingerprint_bytes(&other)) ==
		     (rules[rule].scope.kind != CACHE_SCOPE_CLIENT));
	}
	fingerprint_fini(&one);
	fingerprint_fini(&other);
}

/* Whether a number in it may have more digits than the double that MessagePack makes of it needs:
 * the key goes by the digits, since a JSON upstream may tell both apart. Doubles keep 15, those
 * with large negative exponents fewer. */
static bool may_have_long_numbers(struct span text)
{
	size_t digits = 0;

	for (size_t i = 0; i < text.len; i++) {
		const char c = text.at[i];

		if (c == '-' && digits > 0)
			return true;
		digits = (c >= '0' && c <= '9') || strchr(".eE", c) ? digits + 1 : 0;
		if (digits > 15)
			return true;
	}
	return false;
}

/* A message in JSON, and what it is in MessagePack and back again. There a DEL has become an
 * escape, and a method of over METHOD_SCRATCH bytes may have none (proto/envelope.h). */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of((const char *)data, size);
	struct strbuf packed, back;
	struct message message, twin, again;

	set_up();
	if (size == 0 || !scan(ENCODING_JSON, text, &message))
		return 0;
	strbuf_init(&packed);
	strbuf_init(&back);
	if (transcode(ENCODING_JSON, ENCODING_MSGPACK, text, &packed) == WSB_OK &&
	    scan(ENCODING_MSGPACK, strbuf_span(&packed), &twin) &&
	    twin.method.len <= METHOD_SCRATCH) {
		must(transcode(ENCODING_MSGPACK, ENCODING_JSON, strbuf_span(&packed), &back) ==
		     WSB_OK);
		must(scan(ENCODING_JSON, strbuf_span(&back), &again));
		for (size_t rule = 0; rule < RULES; rule++) {
			if (!may_have_long_numbers(text))
				check_rule(rule, &message, &twin);
			check_rule(rule, &twin, &again);
		}
	}
	strbuf_fini(&packed);
	strbuf_fini(&back);
	return 0;
}
