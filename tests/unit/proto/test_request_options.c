#include <criterion/criterion.h>
#include "proto/reply.h"

static enum wsb_err read_json(const char *text, struct request_options *options, char why[128])
{
	memset(options, 0xa5, sizeof(*options));
	why[0] = '\0';
	return request_options_read(ENCODING_JSON, span_text(text), options, why, 128);
}

Test(request_options, says_what_is_asked_for)
{
	struct request_options options;
	char why[128];

	cr_assert_eq(read_json("{}", &options, why), WSB_OK);
	cr_assert(options.cache == CACHE_USE && options.timeout_us == 0 && !options.explain);
	cr_assert_eq(read_json("{\"explain\":true,\"timeout\":\"1.5s\",\"cache\":\"only\"}",
			       &options, why),
		     WSB_OK);
	cr_assert(options.cache == CACHE_ONLY && options.timeout_us == 1500000 && options.explain);
	cr_assert_eq(read_json("{\"cache\":\"bypass\",\"explain\":false}", &options, why), WSB_OK);
	cr_assert(options.cache == CACHE_BYPASS && !options.explain);
	cr_assert_eq(read_json("{\"cache\":\"refresh\"}", &options, why), WSB_OK);
	cr_assert(options.cache == CACHE_REFRESH);
}

Test(request_options, reads_messagepack)
{
	struct request_options options;
	char why[128];

	cr_assert_eq(request_options_read(ENCODING_MSGPACK,
					  span_of("\x81\xa7"
						  "explain\xc3",
						  10),
					  &options, why, sizeof(why)),
		     WSB_OK);
	cr_assert(options.explain);
}

static void check_refused(const char *text, const char *reason)
{
	struct request_options options;
	char why[128];

	cr_assert_eq(read_json(text, &options, why), WSB_EINVAL, "%s", text);
	cr_assert(strstr(why, reason), "%s: %s", text, why);
}

Test(request_options, refuses_the_rest_with_the_reason)
{
	check_refused("1", "must be an object");
	check_refused("null", "must be an object");
	check_refused("{\"cahce\":\"use\"}", "unknown member cahce");
	check_refused("{\"cache\":\"never\"}", "wsbroker.cache");
	check_refused("{\"cache\":1}", "wsbroker.cache");
	check_refused("{\"timeout\":5}", "wsbroker.timeout");
	check_refused("{\"timeout\":\"0\"}", "wsbroker.timeout");
	check_refused("{\"timeout\":\"-1s\"}", "wsbroker.timeout");
	check_refused("{\"timeout\":\"soon\"}", "wsbroker.timeout");
	check_refused("{\"explain\":1}", "wsbroker.explain");
}
