/* Which requests share an entry. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "broker/route/cache_key.h"
#include "proto/transcode.h"

static struct envelope *envelope;
static struct fingerprint fingerprint;

static void set_up(void)
{
	cr_assert_eq(envelope_create(&envelope, NULL, NULL, 0), WSB_OK);
	fingerprint_init(&fingerprint);
}

static void tear_down(void)
{
	fingerprint_fini(&fingerprint);
	envelope_destroy(envelope);
}

TestSuite(cache_key, .init = set_up, .fini = tear_down);

static const char *const user[] = {"/auth/userId"};
static const char *const stamp[] = {"/timestamp"};
static const char *const by_id[] = {"params.id"};
static const char *const by_list[] = {"params.a[*]", "params.b[*]"};

#define TEXTS(list) (const char **)list, sizeof(list) / sizeof(list[0])

static const struct cache_rule shared = {.scope = {CACHE_SCOPE_SHARED, NULL, 0}};
static const struct cache_rule client = {.scope = {CACHE_SCOPE_CLIENT, NULL, 0}};
static const struct cache_rule by_user = {.scope = {CACHE_SCOPE_POINTERS, TEXTS(user)}};
static const struct cache_rule unstamped = {
	.scope = {CACHE_SCOPE_SHARED, NULL, 0}, .ignore = (const char **)stamp, .ignore_count = 1};
static const struct cache_rule id_only = {
	.scope = {CACHE_SCOPE_SHARED, NULL, 0}, .key = (const char **)by_id, .key_count = 1};
static const struct cache_rule lists = {
	.scope = {CACHE_SCOPE_SHARED, NULL, 0}, .key = (const char **)by_list, .key_count = 2};

/* The key lives in *out, which the caller gives back. */
static enum cache_key_verdict make(const struct cache_rule *rule, enum encoding encoding,
				   struct span text, struct cache_asker asker, struct strbuf *out)
{
	enum cache_key_verdict verdict;
	struct cache_plan *plan;
	struct message message;

	strbuf_init(out);
	cr_assert_eq(cache_plan_create(&plan, rule), WSB_OK);
	cr_assert_eq(envelope_scan(envelope, FROM_CLIENT, encoding, text, &message), WSB_OK, "%.*s",
		     (int)text.len, text.at);
	cr_assert_eq(message.flaw, FLAW_NONE);
	verdict = cache_key_make(plan, &message, asker, &fingerprint);
	strbuf_add(out, fingerprint_bytes(&fingerprint));
	cache_plan_destroy(plan);
	return verdict;
}

static bool share(const struct cache_rule *rule, const char *a, struct cache_asker asker_a,
		  const char *b, struct cache_asker asker_b)
{
	struct strbuf one, other;
	bool equal;

	cr_assert_eq(make(rule, ENCODING_JSON, span_text(a), asker_a, &one), CACHE_KEY_OK, "%s", a);
	cr_assert_eq(make(rule, ENCODING_JSON, span_text(b), asker_b, &other), CACHE_KEY_OK, "%s",
		     b);
	equal = span_equal(strbuf_span(&one), strbuf_span(&other));
	strbuf_fini(&one);
	strbuf_fini(&other);
	return equal;
}

#define ASK(rest)      "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"get\"" rest "}"
#define PARAMS(params) ASK(",\"params\":" params)

static const struct {
	const struct cache_rule *rule;
	const char *a, *b;
	bool equal;
} pairs[] = {
	{&shared, PARAMS("[1]"),
	 "{\"id\":\"x\",\"params\":[1.0],\"method\":\"get\",\"jsonrpc\":"
	 "\"2.0\"}",
	 true},
	{&shared, PARAMS("{\"a\":1,\"b\":2}"), PARAMS("{\"b\":2e0,\"\\u0061\":1}"), true},
	{&shared, PARAMS("[1]"), ASK(",\"params\":[1],\"wsbroker\":{\"cache\":\"use\"}"), true},
	{&shared, PARAMS("[1,23]"), PARAMS("[12,3]"), false},
	{&shared, PARAMS("[1]"), PARAMS("[\"1\"]"), false},
	{&shared, PARAMS("[]"), ASK(""), false},
	{&shared, PARAMS("[1]"), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"got\",\"params\":[1]}",
	 false},
	{&shared, PARAMS("[1]"), ASK(",\"params\":[1],\"timestamp\":5"), false},
	{&shared, ASK(",\"timestamp\":6"), ASK(",\"timestamp\":5"), false},
	{&unstamped, ASK(",\"timestamp\":6"), ASK(",\"timestamp\":5"), true},
	{&unstamped, ASK(""), ASK(",\"timestamp\":{\"x\":[1]}"), true},
	{&unstamped, ASK(",\"a\":{\"timestamp\":6}"), ASK(",\"a\":{\"timestamp\":5}"), false},
	{&by_user, ASK(",\"auth\":{\"userId\":1}"), ASK(",\"auth\":{\"userId\":1.0}"), true},
	{&by_user, ASK(",\"auth\":{\"userId\":1}"), ASK(",\"auth\":{\"userId\":2}"), false},
	{&by_user, ASK(",\"auth\":{\"userId\":1}"), ASK(",\"auth\":{\"userId\":\"1\"}"), false},
	{&id_only, PARAMS("{\"id\":7,\"trace\":1}"), PARAMS("{\"trace\":2,\"id\":7}"), true},
	{&id_only, PARAMS("{\"id\":7}"), PARAMS("{\"id\":8}"), false},
	{&id_only, PARAMS("{\"id\":null}"), PARAMS("{}"), false},
	{&id_only, ASK(",\"params\":{\"id\":7},\"x\":1"), PARAMS("{\"id\":7}"), false},
	{&lists, PARAMS("{\"a\":[1,2],\"b\":[3]}"), PARAMS("{\"a\":[1],\"b\":[2,3]}"), false},
	{&lists, PARAMS("{\"a\":[1],\"b\":[]}"), PARAMS("{\"a\":[],\"b\":[1]}"), false},
	{&lists, PARAMS("{\"a\":[\"params.b[*]\"],\"b\":[]}"),
	 PARAMS("{\"a\":[],\"b\":[\"params.b[*]\"]}"), false},
	{&lists, PARAMS("{\"a\":[1],\"b\":[],\"c\":1}"), PARAMS("{\"b\":[],\"a\":[1]}"), true},
};

Test(cache_key, requests_that_mean_the_same_share)
{
	const struct cache_asker nobody = {.connection = 1};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		cr_expect_eq(share(pairs[i].rule, pairs[i].a, nobody, pairs[i].b, nobody),
			     pairs[i].equal, "row %zu: %s and %s", i, pairs[i].a, pairs[i].b);
}

Test(cache_key, is_the_same_in_both_encodings)
{
	const struct cache_asker nobody = {.connection = 1};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct strbuf packed, one, other;

		strbuf_init(&packed);
		cr_assert_eq(
			transcode(ENCODING_JSON, ENCODING_MSGPACK, span_text(pairs[i].a), &packed),
			WSB_OK);
		cr_assert_eq(
			make(pairs[i].rule, ENCODING_JSON, span_text(pairs[i].a), nobody, &one),
			CACHE_KEY_OK);
		cr_assert_eq(
			make(pairs[i].rule, ENCODING_MSGPACK, strbuf_span(&packed), nobody, &other),
			CACHE_KEY_OK);
		cr_expect(span_equal(strbuf_span(&one), strbuf_span(&other)), "%s", pairs[i].a);
		strbuf_fini(&packed);
		strbuf_fini(&one);
		strbuf_fini(&other);
	}
}

Test(cache_key, clients_share_by_who_they_are)
{
	const struct cache_asker ann = {span_text("ann"), 1}, ann_again = {span_text("ann"), 2};
	const struct cache_asker bob = {span_text("bob"), 1};
	const struct cache_asker one = {span_text(NULL), 1}, two = {span_text(NULL), 2};
	static const char text[] = PARAMS("[1]");

	cr_expect(share(&client, text, ann, text, ann_again));
	cr_expect_not(share(&client, text, ann, text, bob));
	cr_expect_not(share(&client, text, ann, text, one));
	cr_expect_not(share(&client, text, one, text, two));
	cr_expect(share(&client, text, one, text, one));
	cr_expect(share(&shared, text, ann, text, two));
}

/* One POST of a client whom nobody knows: who would find the entry? */
Test(cache_key, needs_somebody_who_can_ask_again)
{
	const struct cache_asker post = {.connection = 0};
	struct strbuf key;

	strbuf_init(&key);
	cr_expect_eq(make(&client, ENCODING_JSON, span_text(PARAMS("[1]")), post, &key),
		     CACHE_KEY_NO_SCOPE);
	cr_expect_eq(make(&shared, ENCODING_JSON, span_text(PARAMS("[1]")), post, &key),
		     CACHE_KEY_OK);
	strbuf_fini(&key);
}

Test(cache_key, has_a_part_that_is_the_same_for_all)
{
	const struct cache_asker ann = {span_text("ann"), 1}, bob = {span_text("bob"), 2};
	const char *const texts[] = {PARAMS("[1]"), PARAMS("[1.0]"), PARAMS("[2]")};
	struct strbuf key, common[3];

	for (size_t i = 0; i < 3; i++) {
		cr_assert_eq(make(&client, ENCODING_JSON, span_text(texts[i]), i ? ann : bob, &key),
			     CACHE_KEY_OK);
		strbuf_init(&common[i]);
		strbuf_add(&common[i], cache_key_common(&fingerprint));
		strbuf_fini(&key);
	}
	cr_expect(span_equal(strbuf_span(&common[0]), strbuf_span(&common[1])));
	cr_expect_not(span_equal(strbuf_span(&common[0]), strbuf_span(&common[2])));
	for (size_t i = 0; i < 3; i++)
		strbuf_fini(&common[i]);
}

Test(cache_key, two_rules_never_mean_the_same_entry)
{
	static const char *const by_name[] = {"params.name"};
	static const struct cache_rule name_only = {.scope = {CACHE_SCOPE_SHARED, NULL, 0},
						    .key = (const char **)by_name,
						    .key_count = 1};
	static const char text[] = ASK(",\"params\":{\"id\":1,\"name\":1},\"auth\":{\"userId\":1}");
	const struct cache_rule *rules[] = {&shared, &client, &by_user, &id_only, &name_only};
	const struct cache_asker nobody = {.connection = 1};
	struct strbuf keys[5];

	for (size_t i = 0; i < 5; i++) {
		cr_assert_eq(make(rules[i], ENCODING_JSON, span_text(text), nobody, &keys[i]),
			     CACHE_KEY_OK);
		for (size_t j = 0; j < i; j++)
			cr_expect_not(span_equal(strbuf_span(&keys[i]), strbuf_span(&keys[j])));
	}
	for (size_t i = 0; i < 5; i++)
		strbuf_fini(&keys[i]);
}

Test(cache_key, what_could_mean_two_things_is_not_cached)
{
	static const char *const auth[] = {"/auth"};
	static const struct cache_rule without_auth = {.scope = {CACHE_SCOPE_POINTERS, TEXTS(user)},
						       .ignore = (const char **)auth,
						       .ignore_count = 1};
	static const struct {
		const struct cache_rule *rule;
		const char *text, *verdict;
	} table[] = {
		{&shared, PARAMS("{\"a\":1,\"a\":2}"), "ambiguous"},
		{&shared, ASK(",\"x\":1,\"x\":1"), "ambiguous"},
		{&shared, PARAMS("[1e9999999999999999]"), "ambiguous"},
		{&id_only, PARAMS("{\"id\":1,\"id\":2}"), "ambiguous"},
		{&without_auth, ASK(",\"auth\":{\"userId\":1,\"userId\":2}"), "ambiguous"},
		{&without_auth, ASK(",\"auth\":{\"userId\":1}"), "ok"},
		{&by_user, PARAMS("[1]"), "scope_missing"},
		{&by_user, ASK(",\"auth\":{\"userId\":null}"), "ok"},
	};
	const struct cache_asker nobody = {.connection = 1};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct strbuf key;

		cr_expect_str_eq(
			cache_key_verdict_text(make(table[i].rule, ENCODING_JSON,
						    span_text(table[i].text), nobody, &key)),
			table[i].verdict, "%s", table[i].text);
		strbuf_fini(&key);
	}
}

Test(cache_key, another_envelope_keeps_its_own_members_apart)
{
	static const struct envelope_settings settings = {.id = "/head/requestId",
							  .method = "/type",
							  .params = "/payload",
							  .result = "/payload",
							  .error = "/error"};
	const struct cache_asker nobody = {.connection = 1};

	envelope_destroy(envelope);
	cr_assert_eq(envelope_create(&envelope, &settings, NULL, 0), WSB_OK);
	cr_expect(share(
		&shared, "{\"head\":{\"requestId\":\"a\",\"v\":1},\"type\":\"get\",\"payload\":1}",
		nobody, "{\"type\":\"get\",\"payload\":1,\"head\":{\"v\":1,\"requestId\":\"b\"}}",
		nobody));
	cr_expect_not(share(
		&shared, "{\"head\":{\"requestId\":\"a\",\"v\":1},\"type\":\"get\",\"payload\":1}",
		nobody, "{\"head\":{\"requestId\":\"a\",\"v\":2},\"type\":\"get\",\"payload\":1}",
		nobody));
}

Test(cache_key, applications_name_their_own_entries)
{
	struct strbuf key;
	const struct cache_asker nobody = {.connection = 1};

	cr_assert(cache_key_of_text(span_text("users:7"), &fingerprint));
	cr_expect(span_is(fingerprint_bytes(&fingerprint), "@users:7"));
	cr_assert_eq(make(&shared, ENCODING_JSON, span_text(PARAMS("[1]")), nobody, &key),
		     CACHE_KEY_OK);
	cr_expect_neq(key.text[0], CACHE_KEY_OF_TEXT);
	strbuf_fini(&key);
}
