#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "broker/control/configuration.h"
#include "broker/control/setting.h"
#include "broker/control/state_file.h"
#include "rig.h"

#define POOL                                                                                       \
	"pools:\n"                                                                                 \
	"  - name: main\n"                                                                         \
	"    endpoints: [{url: ws://a:1/, name: a}, {url: ws://b:1/, name: b}]\n"

struct desk {
	struct rig rig;
	struct configuration configuration;
	struct strbuf errors;
	struct strbuf notes;
};

static void desk_open(struct desk *desk, const char *text)
{
	rig_init(&desk->rig);
	strbuf_init(&desk->errors);
	strbuf_init(&desk->notes);
	rig_write(&desk->rig, "broker.yaml", text);
	cr_assert_eq(configuration_open(&desk->configuration, desk->rig.file, NULL, 0,
					&desk->errors, &desk->notes),
		     WSB_OK, "%s", strbuf_span(&desk->errors).at);
}

static void desk_close(struct desk *desk)
{
	configuration_close(&desk->configuration);
	strbuf_fini(&desk->errors);
	strbuf_fini(&desk->notes);
	rig_fini(&desk->rig);
}

static const struct pool_settings *pool_of(const struct desk *desk)
{
	return &desk->configuration.running->pools[0];
}

/* Expects no error. */
static void desk_reload(struct desk *desk, const char *text)
{
	struct config_step step;

	rig_write(&desk->rig, "broker.yaml", text);
	cr_assert_eq(configuration_reread(&desk->configuration, &step, &desk->errors), WSB_OK, "%s",
		     strbuf_span(&desk->errors).at);
	configuration_take(&desk->configuration, &step);
}

static struct override change_of(enum override_kind kind, const char *key, const char *value)
{
	return (struct override){.kind = kind,
				 .key = key,
				 .value = value,
				 .actor = "ann",
				 .reason = "because",
				 .wall_us = 17};
}

static void desk_note(struct desk *desk, enum override_kind kind, const char *key,
		      const char *value)
{
	struct override change = change_of(kind, key, value);

	cr_assert_eq(configuration_note(&desk->configuration, &change), WSB_OK);
}

static enum wsb_err desk_set(struct desk *desk, const char *key, const char *value)
{
	struct override change = change_of(OVERRIDE_VALUE, key, value);
	struct config_step step;
	enum wsb_err err;

	strbuf_clear(&desk->errors);
	err = configuration_set(&desk->configuration, &change, &step, &desk->errors);
	if (!err)
		configuration_take(&desk->configuration, &step);
	return err;
}

Test(configuration, a_bad_file_changes_nothing)
{
	struct config_step step;
	struct desk desk;
	const struct config *running;

	desk_open(&desk, POOL);
	running = desk.configuration.running;
	rig_write(&desk.rig, "broker.yaml", POOL "    size: many\n    colour: red\n");
	cr_assert_eq(configuration_reread(&desk.configuration, &step, &desk.errors), WSB_EINVAL);
	cr_expect(
		strstr(strbuf_span(&desk.errors).at, "broker.yaml:4:11: expected a whole number"));
	cr_expect(strstr(strbuf_span(&desk.errors).at, "broker.yaml:5:5: unknown key"));
	cr_expect_eq(desk.configuration.running, running);
	cr_expect_eq(desk.configuration.generation, 1);
	unlink(desk.rig.file);
	cr_assert_eq(configuration_reread(&desk.configuration, &step, &desk.errors), WSB_EIO);
	/* Nobody will ever write into it. */
	cr_assert_eq(mkfifo(desk.rig.file, 0600), 0);
	cr_assert_eq(configuration_reread(&desk.configuration, &step, &desk.errors), WSB_EINVAL);
	cr_expect(strstr(strbuf_span(&desk.errors).at, "cannot be read again: it is a pipe\n"));
	unlink(desk.rig.file);
	desk_close(&desk);
}

Test(configuration, a_pool_stays_one_of_sessions_or_of_requests)
{
	static const char first[] = "listen:\n"
				    "  - {address: '127.0.0.1:1', session: chat}\n";
	static const char more[] = "  - {address: '127.0.0.1:2', session: talk}\n";
	static const char wrong[] = "  - {address: '127.0.0.1:2', session: main}\n";
	static const char pools[] = "pools:\n"
				    "  - {name: chat, endpoints: [ws://a]}\n"
				    "  - {name: main, endpoints: [ws://a]}\n";
	static const char talk[] = "  - {name: talk, endpoints: [ws://a]}\n";
	struct config_step step;
	struct desk desk;
	char text[512];

	snprintf(text, sizeof(text), "%s%s", first, pools);
	desk_open(&desk, text);
	snprintf(text, sizeof(text), "%s%s%s", first, wrong, pools);
	rig_write(&desk.rig, "broker.yaml", text);
	cr_assert_eq(configuration_reread(&desk.configuration, &step, &desk.errors), WSB_EINVAL);
	cr_expect_not_null(strstr(desk.errors.text, "pools.main: "), "%s", desk.errors.text);
	snprintf(text, sizeof(text), "%s%s%s%s", first, more, pools, talk);
	desk_reload(&desk, text);
	cr_expect(desk.configuration.running->pools[2].tunnels);
	desk_close(&desk);
}

Test(configuration, what_needs_a_restart_stays_and_is_told)
{
	struct config_step step;
	struct desk desk;

	desk_open(&desk, POOL "node: one\nadmin: {address: 127.0.0.1:1, ready: all}\n"
			      "envelope: {id: /i, method: /m}\n"
			      "listen: [{address: 127.0.0.1:5}]\n");
	rig_write(&desk.rig, "broker.yaml",
		  POOL "    encoding: msgpack\n    size: 3\nnode: two\n"
		       "admin: {address: 127.0.0.1:2, ready: any}\n"
		       "listen: [{address: 127.0.0.1:5, reuse_port: true, path: /x}]\n");
	cr_assert_eq(configuration_reread(&desk.configuration, &step, &desk.errors), WSB_OK);
	cr_expect_eq(config_diff_restarts(&step.applied), 0);
	cr_expect_eq(step.applied.count, 3, "size, ready, path");
	cr_expect_eq(config_diff_restarts(&step.pending), step.pending.count);
	cr_expect_eq(step.pending.count, 6, "%zu", step.pending.count);
	configuration_take(&desk.configuration, &step);
	cr_expect_str_eq(desk.configuration.running->node, "one");
	cr_expect_str_eq(desk.configuration.running->admin.address.text, "127.0.0.1:1");
	cr_expect(desk.configuration.running->admin.ready_any);
	cr_expect_not(desk.configuration.running->envelope_is_jsonrpc);
	cr_expect_str_eq(desk.configuration.running->envelope.id, "/i");
	cr_expect_not(desk.configuration.running->listeners[0].reuse_port);
	cr_expect_str_eq(desk.configuration.running->listeners[0].path, "/x");
	cr_expect_eq(pool_of(&desk)->encoding, ENCODING_JSON);
	cr_expect_eq(pool_of(&desk)->size, 3);
	cr_expect_eq(desk.configuration.generation, 2);
	desk_close(&desk);
}

Test(configuration, what_was_changed_at_runtime_outlives_a_reload)
{
	struct desk desk;

	desk_open(&desk, POOL);
	desk_note(&desk, OVERRIDE_VALUE, "pools.main.size", "17");
	desk_note(&desk, OVERRIDE_VALUE, "pools.main.balancer", "random");
	desk_note(&desk, OVERRIDE_VALUE, "pools.main.endpoints.b.weight", "9");
	cr_expect_eq(pool_of(&desk)->size, 17, "it is told at once");
	cr_expect_eq(desk.configuration.file->pools[0].size, 10, "the file is what it was");
	desk_reload(&desk, POOL "    max_in_flight: 5\n    size: 10\n");
	cr_expect_eq(pool_of(&desk)->size, 17, "the file says 10, as it did");
	cr_expect_eq(pool_of(&desk)->max_in_flight, 5);
	cr_expect_eq(pool_of(&desk)->balancer, BALANCER_RANDOM);
	cr_expect_eq(pool_of(&desk)->endpoints[1].weight, 9);
	desk_reload(&desk, POOL "    size: 11\n");
	cr_expect_eq(pool_of(&desk)->size, 11, "the file says something else now");
	cr_expect_null(overrides_find(&desk.configuration.overrides, span_text("pools.main.size")));
	cr_expect_eq(pool_of(&desk)->balancer, BALANCER_RANDOM);
	desk_reload(&desk, "pools:\n  - {name: main, endpoints: [{url: ws://a:1/, name: a}]}\n");
	cr_expect_null(overrides_find(&desk.configuration.overrides,
				      span_text("pools.main.endpoints.b.weight")));
	desk_close(&desk);
}

Test(configuration, endpoints_that_came_and_went_outlive_a_reload)
{
	struct desk desk;

	desk_open(&desk, POOL);
	desk_note(&desk, OVERRIDE_ADDED, "pools.main.endpoints.c", "ws://c:1/x");
	desk_note(&desk, OVERRIDE_VALUE, "pools.main.endpoints.c.weight", "7");
	desk_note(&desk, OVERRIDE_REMOVED, "pools.main.endpoints.a", NULL);
	cr_assert_eq(pool_of(&desk)->endpoint_count, 2);
	desk_reload(&desk, POOL "    size: 3\n");
	cr_assert_eq(pool_of(&desk)->endpoint_count, 2);
	cr_expect_str_eq(pool_of(&desk)->endpoints[0].name, "b");
	cr_expect_str_eq(pool_of(&desk)->endpoints[1].host, "c");
	cr_expect_eq(pool_of(&desk)->endpoints[1].weight, 7);

	/* The file names c itself now, in its own words. */
	desk_reload(&desk, "pools:\n  - name: main\n    endpoints: [{url: ws://a:1/, name: a}, "
			   "{url: ws://c:2/, name: c, weight: 2}]\n");
	cr_assert_eq(pool_of(&desk)->endpoint_count, 1, "a is still gone");
	cr_expect_eq(pool_of(&desk)->endpoints[0].port, 2);
	cr_expect_eq(pool_of(&desk)->endpoints[0].weight, 2);

	/* Back again: nothing is left to be kept. */
	desk_note(&desk, OVERRIDE_ADDED, "pools.main.endpoints.a", "ws://a:1/");
	cr_expect(list_is_empty(&desk.configuration.overrides.list));
	desk_close(&desk);
}

Test(configuration, what_was_added_and_removed_again_is_forgotten)
{
	struct desk desk;

	desk_open(&desk, POOL);
	desk_note(&desk, OVERRIDE_ADDED, "pools.main.endpoints.c", "ws://c:1/");
	desk_note(&desk, OVERRIDE_VALUE, "pools.main.endpoints.c.weight", "7");
	desk_note(&desk, OVERRIDE_REMOVED, "pools.main.endpoints.c", NULL);
	desk_note(&desk, OVERRIDE_VALUE, "pools.main.size", "4");
	desk_note(&desk, OVERRIDE_VALUE, "pools.main.size", "10");
	cr_expect(list_is_empty(&desk.configuration.overrides.list));
	desk_close(&desk);
}

static void restart(struct desk *desk)
{
	configuration_close(&desk->configuration);
	strbuf_clear(&desk->notes);
	cr_assert_eq(configuration_open(&desk->configuration, desk->rig.file, NULL, 0,
					&desk->errors, &desk->notes),
		     WSB_OK);
}

static enum wsb_err desk_save(struct desk *desk, struct strbuf *why)
{
	char *text = configuration_state(&desk->configuration);
	enum wsb_err err;

	cr_assert_not_null(text);
	err = state_file_write(desk->configuration.running->state, text, why);
	free(text);
	return err;
}

Test(configuration, two_brokers_do_not_share_a_state_file)
{
	struct configuration other;
	char expected[RIG_PATH_MAX * 2];
	struct desk desk;

	desk_open(&desk, POOL "state: broker.state\n");
	cr_assert_eq(configuration_open(&other, desk.rig.file, NULL, 0, &desk.errors, &desk.notes),
		     WSB_EEXIST);
	snprintf(expected, sizeof(expected),
		 "%s/broker.state: another broker keeps its changes there (process %ld): ",
		 desk.rig.folder, (long)getpid());
	cr_expect_eq(strncmp(desk.errors.text, expected, strlen(expected)), 0, "%s",
		     desk.errors.text);
	cr_expect_not_null(strstr(desk.errors.text, "${PORT_INDEX}"));
	restart(&desk);
	desk_close(&desk);
}

Test(configuration, a_state_file_carries_changes_over_a_restart)
{
	struct strbuf why;
	struct stat status;
	char path[RIG_PATH_MAX];
	struct desk desk;
	const struct override *kept;

	desk_open(&desk, POOL "state: broker.state\n");
	snprintf(path, sizeof(path), "%s/broker.state", desk.rig.folder);
	strbuf_init(&why);
	cr_expect_eq(desk.notes.len, 0, "that there is none yet is no news");
	desk_note(&desk, OVERRIDE_VALUE, "pools.main.size", "17");
	desk_note(&desk, OVERRIDE_ADDED, "pools.main.endpoints.c", "ws://c:1/");
	cr_assert_eq(desk_save(&desk, &why), WSB_OK);
	cr_assert_eq(stat(path, &status), 0);
	cr_expect_eq(status.st_mode & 0777, 0600);

	restart(&desk);
	cr_expect_eq(pool_of(&desk)->size, 17);
	cr_expect_eq(pool_of(&desk)->endpoint_count, 3);
	kept = overrides_find(&desk.configuration.overrides, span_text("pools.main.size"));
	cr_assert_not_null(kept);
	cr_expect_str_eq(kept->actor, "ann");
	cr_expect_str_eq(kept->reason, "because");
	cr_expect_eq(kept->wall_us, 17);

	/* The file was changed while nobody ran. */
	rig_write(&desk.rig, "broker.yaml", POOL "    size: 4\nstate: broker.state\n");
	restart(&desk);
	cr_expect_eq(pool_of(&desk)->size, 4);
	cr_expect(desk.notes.len > 0);
	strbuf_fini(&why);
	desk_close(&desk);
}

Test(configuration, a_broken_state_file_is_set_aside)
{
	static const char *const texts[] = {
		"",
		"{",
		"[]",
		"{\"version\":2,\"changes\":[]}",
		"{\"version\":1,\"changes\":[1]}",
		"{\"version\":1,\"changes\":[{\"key\":\"pools.main.size\",\"kind\":\"value\","
		"\"value\":\"17\",\"under\":\"10\",\"actor\":\"ann\",\"at\":1}]}",
		/* Whole, but no such value can be. */
		"{\"version\":1,\"changes\":[{\"key\":\"pools.main.size\",\"kind\":\"value\","
		"\"value\":\"0\",\"under\":\"10\",\"actor\":\"ann\",\"reason\":\"\",\"at\":1}]}",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char path[RIG_PATH_MAX];
		struct desk desk;

		desk_open(&desk, POOL "state: broker.state\n");
		rig_write(&desk.rig, "broker.state", texts[i]);
		restart(&desk);
		cr_expect(strstr(strbuf_span(&desk.notes).at, "set aside"), "%s: %s", texts[i],
			  strbuf_span(&desk.notes).at);
		cr_expect_eq(pool_of(&desk)->size, 10);
		cr_expect(list_is_empty(&desk.configuration.overrides.list));
		snprintf(path, sizeof(path), "%s/broker.state.broken", desk.rig.folder);
		cr_expect_eq(access(path, F_OK), 0, "%s", texts[i]);
		desk_close(&desk);
	}
}

Test(configuration, a_state_file_that_cannot_be_written_is_told)
{
	struct strbuf why;
	struct desk desk;

	desk_open(&desk, POOL "state: nowhere/broker.state\n");
	cr_expect_not_null(strstr(strbuf_span(&desk.notes).at,
				  "may not be kept: cannot be locked: No such file"));
	strbuf_init(&why);
	desk_note(&desk, OVERRIDE_VALUE, "pools.main.size", "17");
	cr_expect_eq(desk_save(&desk, &why), WSB_EIO);
	cr_expect(strstr(strbuf_span(&why).at, "No such file"));
	strbuf_fini(&why);
	desk_close(&desk);
}

Test(configuration, urls_are_changed_too_but_never_read_again)
{
	static const char *const urls[] = {"ws://a:1/"};
	struct config_step step;
	struct desk desk;

	rig_init(&desk.rig);
	strbuf_init(&desk.errors);
	strbuf_init(&desk.notes);
	cr_assert_eq(
		configuration_open(&desk.configuration, NULL, urls, 1, &desk.errors, &desk.notes),
		WSB_OK);
	cr_expect_eq(configuration_reread(&desk.configuration, &step, &desk.errors), WSB_ENOENT);
	cr_expect_eq(desk_set(&desk, "pools.main.size", "3"), WSB_OK);
	cr_expect_eq(pool_of(&desk)->size, 3);
	desk_close(&desk);
}

/* Clients are there that could not be served any more. */
Test(configuration, what_a_listener_leads_to_does_not_change)
{
	char expected[RIG_PATH_MAX + 80];
	struct config_step step;
	struct desk desk;

	desk_open(&desk, POOL "listen: [{address: 127.0.0.1:5}]\n");
	rig_write(&desk.rig, "broker.yaml",
		  POOL "  - {name: own, endpoints: [ws://c/]}\n"
		       "listen: [{address: 127.0.0.1:5, session: own}]\n");
	cr_assert_eq(configuration_reread(&desk.configuration, &step, &desk.errors), WSB_EINVAL);
	snprintf(expected, sizeof(expected),
		 "%s:5:42: listen.127.0.0.1:5.session: a change needs a restart\n", desk.rig.file);
	cr_expect_str_eq(strbuf_span(&desk.errors).at, expected);
	desk_reload(&desk, POOL "  - {name: own, endpoints: [ws://c/]}\n"
				"listen: [{address: 127.0.0.1:5}, {address: 127.0.0.1:6, "
				"session: own}]\n");
	desk_close(&desk);
}
