/* wsbroker.cache.get and put: values that applications load themselves. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/engine/larder.h"

#define GET_CALL                                                                                   \
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"wsbroker.cache.get\",\"params\":{\"key\":"     \
	"\"k\"}}"
#define WAITS  "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"lease\":null,\"retry_ms\":50}}"
#define STORED "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"stored\":true}}"

struct lease {
	char text[32];
};

/* What is asked for is not there, and this client may load it. */
static struct lease takes(struct larder *larder)
{
	struct lease lease = {{0}};
	const char *heard;

	says(larder->client, GET_CALL);
	heard = hears(larder->client);
	cr_assert_eq(sscanf(heard,
			    "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"lease\":\"%16[0-9a-f]\"}}",
			    lease.text),
		     1, "%s", heard);
	return lease;
}

static void puts_value(struct larder *larder, const char *lease, const char *more)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"wsbroker.cache.put\",\"params\":"
		 "{\"key\":\"k\",\"lease\":\"%s\",%s}}",
		 lease, more);
	says(larder->client, text);
}

static void begin(struct larder *larder)
{
	larder_init(larder);
	larder_begin(larder);
	larder->client->session->may_publish = true;
}

Test(leases, one_loads_and_the_others_wait)
{
	struct larder larder;
	struct lease lease;

	begin(&larder);
	lease = takes(&larder);
	says(larder.client, GET_CALL);
	expect_hears(larder.client, WAITS);
	puts_value(&larder, lease.text, "\"value\":{\"a\":[1,2.5,\"\\u00e9\"]}");
	expect_hears(larder.client, STORED);
	says(larder.client, GET_CALL);
	expect_hears(larder.client,
		     "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"a\":[1,2.5,\"\\u00e9\"]}}");
	/* Once. */
	puts_value(&larder, lease.text, "\"value\":3");
	expect_part(larder.client, "{\"stored\":false,\"reason\":\"lease\"}");
	larder_end(&larder);
}

Test(leases, a_value_that_was_invalidated_meanwhile_is_refused)
{
	struct larder larder;
	struct lease lease;

	begin(&larder);
	lease = takes(&larder);
	invalidates(&larder, INVALIDATE_HARD, "city:4");
	puts_value(&larder, lease.text, "\"value\":1,\"tags\":[\"city:4\"]");
	expect_part(larder.client, "{\"stored\":false,\"reason\":\"invalidated_since\"}");
	lease = takes(&larder);
	puts_value(&larder, lease.text, "\"value\":2,\"tags\":[\"city:4\",\"x\"],\"ttl\":\"10s\"");
	expect_hears(larder.client, STORED);
	stage_pass(&larder.stage, 9 * STAGE_S);
	says(larder.client, GET_CALL);
	expect_hears(larder.client, GOT(1, "2"));
	cr_assert_eq(invalidates(&larder, INVALIDATE_HARD, "city:4"), 1);
	takes(&larder);
	larder_end(&larder);
}

Test(leases, of_who_is_gone_are_given_to_the_next)
{
	struct larder larder;
	struct lease lease;

	begin(&larder);
	lease = takes(&larder);
	stage_pass(&larder.stage, 10 * STAGE_S);
	puts_value(&larder, lease.text, "\"value\":1");
	expect_part(larder.client, "\"reason\":\"lease\"");
	takes(&larder);
	larder_end(&larder);
}

Test(leases, of_a_stale_value_one_refreshes_it)
{
	struct larder larder;
	struct lease lease;

	larder_init(&larder);
	larder.stage.setup.config.cache.strategy = CACHE_BALANCED;
	larder_begin(&larder);
	larder.client->session->may_publish = true;
	lease = takes(&larder);
	puts_value(&larder, lease.text, "\"value\":1,\"ttl\":\"5s\"");
	expect_hears(larder.client, STORED);
	stage_pass(&larder.stage, 6 * STAGE_S);
	lease = takes(&larder);
	says(larder.client, GET_CALL);
	expect_hears(larder.client, GOT(1, "1"));
	puts_value(&larder, lease.text, "\"value\":2");
	expect_hears(larder.client, STORED);
	larder_end(&larder);
}

Test(leases, are_not_for_everybody)
{
	struct larder larder;

	begin(&larder);
	larder.client->session->may_publish = false;
	says(larder.client, GET_CALL);
	expect_hears(larder.client, WAITS);
	puts_value(&larder, "0123456789abcdef", "\"value\":1");
	expect_part(larder.client, "\"reason\":\"method_denied\"");
	larder.client->session->may_publish = true;
	takes(&larder);
	larder_end(&larder);
}

/* JSON carries numbers that MessagePack cannot; who asks in that is told so. */
Test(leases, a_value_that_cannot_be_carried_is_refused)
{
	static const char get_packed[] = "\x84\xa7jsonrpc\xa3"
					 "2.0\xa2id\x07\xa6method\xb2wsbroker.cache.get"
					 "\xa6params\x81\xa3key\xa1k";
	struct larder larder;
	struct lease lease;

	begin(&larder);
	lease = takes(&larder);
	puts_value(&larder, lease.text, "\"value\":123456789012345678901234567890");
	expect_hears(larder.client, STORED);
	says_bytes(larder.client, get_packed, sizeof(get_packed) - 1);
	expect_part(larder.client, "not_transcodable");
	says(larder.client, GET_CALL);
	expect_part(larder.client, "123456789012345678901234567890");
	larder_end(&larder);
}

Test(leases, of_odd_calls_something_is_said)
{
	static const struct {
		const char *method, *params, *why;
	} calls[] = {
		{"get", "[]", "params must be an object with a key"},
		{"get", "{}", "params must be an object with a key"},
		{"get", "{\"key\":1}", "key must be a text"},
		{"get", "{\"key\":\"\"}", "key must be a text"},
		{"get", "{\"key\":\"a\",\"value\":1}", "key is all that there is"},
		{"put", "{\"key\":\"a\"}", "lease and value are needed"},
		{"put", "{\"key\":\"a\",\"lease\":1,\"value\":1}", "lease must be a text"},
		{"put", "{\"key\":\"a\",\"lease\":\"x\",\"value\":1,\"ttl\":5}", "ttl must be"},
		{"put", "{\"key\":\"a\",\"lease\":\"x\",\"value\":1,\"tags\":{}}", "tags must be"},
		{"put", "{\"key\":\"a\",\"lease\":\"x\",\"value\":1,\"tags\":[\"\"]}",
		 "tags must be"},
		{"put", "{\"key\":\"a\",\"lease\":\"x\",\"value\":1,\"more\":1}",
		 "are all that there is"},
		{"put", "{\"key\":\"a\",\"lease\":\"x\",\"value\":{\"lease\":1}}",
		 "could not be told"},
	};
	struct larder larder;
	char text[256];

	begin(&larder);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		snprintf(text, sizeof(text),
			 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"wsbroker.cache.%s\","
			 "\"params\":%s}",
			 calls[i].method, calls[i].params);
		says(larder.client, text);
		expect_part(larder.client, calls[i].why);
	}
	larder_end(&larder);
}
