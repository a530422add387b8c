/* One value of a running configuration: whether it may be changed, and by what rules. */
#include <criterion/criterion.h>
#include <string.h>
#include "broker/control/setting.h"
#include "running.h"

#define FILE_TEXT                                                                                  \
	"listen: [{address: 127.0.0.1:5}]\n"                                                       \
	"log: {slow: 60s}\n"                                                                       \
	"pools:\n"                                                                                 \
	"  - name: main\n"                                                                         \
	"    endpoints: [{url: ws://a:1/, name: a}, {url: ws://b:1/, name: b}]\n"                  \
	"  - {name: own, endpoints: [ws://c:1/], autoscale: {min: 2, max: 50}}\n"

static struct running running;

static void set_up(void)
{
	running_init(&running);
	running_open(&running, FILE_TEXT);
}

static void tear_down(void)
{
	running_fini(&running);
}

TestSuite(setting, .init = set_up, .fini = tear_down);

static enum wsb_err set(const char *key, const char *value)
{
	struct override change = {.kind = OVERRIDE_VALUE,
				  .key = key,
				  .value = value,
				  .actor = "ann",
				  .reason = "because",
				  .wall_us = 17};
	struct config_step step;
	enum wsb_err err;

	strbuf_clear(&running.errors);
	err = configuration_set(&running.configuration, &change, &step, &running.errors);
	if (!err)
		configuration_take(&running.configuration, &step);
	return err;
}

static const struct {
	const char *key;
	const char *value;
	enum wsb_err err;
	const char *why; /* it begins so */
} sets[] = {
	{"limits.clients", "7", WSB_OK, ""},
	{"pools.main.queue.age", "9s", WSB_OK, ""},
	{"pools.main.endpoints.a.tier", "2", WSB_OK, ""},
	{"log.level", "debug", WSB_OK, ""},
	{"limits.clients", "0", WSB_EINVAL, "limits.clients: must be 1 to 1000000\n"},
	{"limits.clients", "many", WSB_EINVAL,
	 "limits.clients: expected a whole number, 1 to 1000000\n"},
	{"limits.idle", "soon", WSB_EINVAL,
	 "limits.idle: expected a duration such as 250ms, 0 or 10ms to 7d\n"},
	{"log.level", "loud", WSB_EINVAL, "log.level: expected debug, info, warn or error\n"},
	{"drain.code", "1005", WSB_EINVAL, "1005 is no close code"},
	{"limits.client", "7", WSB_ENOENT,
	 "limits.client: there is no such key (did you mean “limits.clients”?)\n"},
	{"batch", "7", WSB_ENOENT, "batch: there is no such key; there are limits.batch\n"},
	{"drain", "7", WSB_ENOENT,
	 "drain: there is no such key; there are drain.delay, drain.timeout, "
	 "drain.spread, drain.code\n"},
	{"no\nsuch", "7", WSB_ENOENT, "no\\nsuch: there is no such key\n"},
	{"node", "x", WSB_EDENIED, "node: a change needs a restart"},
	{"envelope.ids", "uuid", WSB_EDENIED, "envelope.ids: a change needs a restart"},
	{"pools.main.name", "x", WSB_EDENIED, "pools.main.name: this can be changed in"},
	{"pools.main", "x", WSB_EDENIED, "pools.main: this can be changed in the file"},
	{"pools.main.headers", "x", WSB_EDENIED, "pools.main.headers: this can be"},
	{"pools.main.endpoints.a.url", "ws://x", WSB_EDENIED,
	 "pools.main.endpoints.a.url: this can be"},
	{"routes[0].timeout", "5s", WSB_EDENIED, "routes[0].timeout: this can be"},
	{"listen.127.0.0.1:5.session", "own", WSB_EDENIED,
	 "listen.127.0.0.1:5.session: this can be"},
	/* Whoever sets these alone would believe to be asked for tokens, or to scale. */
	{"listen.127.0.0.1:5.auth.query", "token", WSB_EDENIED,
	 "listen.127.0.0.1:5.auth.query: the file has no such section"},
	{"pools.main.autoscale.max", "9", WSB_EDENIED,
	 "pools.main.autoscale.max: the file has no such section"},
	{"pools.own.size", "60", WSB_EINVAL,
	 "pools.own.size: 60 does not go together with the rest, by which it would be 50"},
	{"pools.own.autoscale.max", "2000", WSB_EINVAL, "pools.own.autoscale.max: must be"},
	{"pools.own.autoscale.min", "51", WSB_EINVAL, "`autoscale.min` 51 is above"},
	{"pools.own.autoscale.max", "1", WSB_EINVAL, "`autoscale.min` 2 is above"},
};

Test(setting, one_value_by_the_rules_of_the_file)
{
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		const char *said;

		cr_expect_eq(set(sets[i].key, sets[i].value), sets[i].err, "%s", sets[i].key);
		said = strbuf_span(&running.errors).at;
		/* What stands in the file is told with its place there. */
		if (strncmp(said, running.rig.file, strlen(running.rig.file)) == 0)
			said = strstr(said, ": ") + 2;
		cr_expect_eq(strncmp(said, sets[i].why, strlen(sets[i].why)), 0, "%s: %s",
			     sets[i].key, said);
	}
	cr_expect_eq(running.configuration.running->limits.clients, 7);
	cr_expect_eq(running.configuration.running->pools[0].queue.age_us, 9000000);
	cr_expect_eq(running.configuration.running->pools[0].endpoints[0].tier, 2);
	cr_expect_eq(running.configuration.running->pools[1].size, 10);
	cr_expect_eq(running.configuration.generation, 5);
}

Test(setting, what_the_file_says_in_other_words_is_no_change)
{
	cr_assert_eq(set("log.slow", "2m"), WSB_OK);
	cr_expect_not_null(overrides_find(&running.configuration.overrides, span_text("log.slow")));
	cr_assert_eq(set("log.slow", "60s"), WSB_OK);
	cr_expect_null(overrides_find(&running.configuration.overrides, span_text("log.slow")));
	/* But a size that is set does not follow the load any more. */
	cr_assert_eq(set("pools.own.size", "10"), WSB_OK);
	cr_expect_not_null(
		overrides_find(&running.configuration.overrides, span_text("pools.own.size")));
	cr_expect(running.configuration.running->pools[1].autoscale.pinned);
}

Test(setting, files_are_found_where_the_file_is)
{
	rig_write(&running.rig, "tokens.txt", "ann operator secret\n");
	cr_assert_eq(set("admin.tokens", "tokens.txt"), WSB_OK, "%s",
		     strbuf_span(&running.errors).at);
	cr_expect_eq(running.configuration.running->admin.tokens.count, 1);
	cr_assert_eq(set("admin.tokens", "none.txt"), WSB_EINVAL);
	cr_expect_not_null(strstr(strbuf_span(&running.errors).at, "admin.tokens: "), "%s",
			   strbuf_span(&running.errors).at);
}
