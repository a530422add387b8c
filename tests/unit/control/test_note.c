#include <criterion/criterion.h>
#include <string.h>
#include "broker/control/note.h"
#include "running.h"

#define POOLS                                                                                      \
	"pools:\n"                                                                                 \
	"  - name: main\n"                                                                         \
	"    endpoints: [{url: ws://a:1/, name: a}, {url: ws://b:1/, name: b}]\n"                  \
	"    size: 10\n"                                                                           \
	"  - name: own\n"                                                                          \
	"    endpoints: [{url: ws://c:1/, name: c}]\n"                                             \
	"    size: 10\n"                                                                           \
	"    autoscale: {min: 2, max: 50}\n"

static struct running running;

static void set_up(void)
{
	running_init(&running);
	running_open(&running, POOLS);
}

static void tear_down(void)
{
	running_fini(&running);
}

TestSuite(note, .init = set_up, .fini = tear_down);

static bool note(struct command command)
{
	bool noted;

	command.actor = "ann";
	command.reason = "because";
	cr_assert_eq(configuration_note_command(&running.configuration, &command, "d", 17, &noted),
		     WSB_OK);
	return noted;
}

/* What is kept of a key; "-": nothing. */
static const char *kept(const char *key)
{
	const struct override *override =
		overrides_find(&running.configuration.overrides, span_text(key));

	if (!override)
		return "-";
	cr_expect_str_eq(override->actor, "ann");
	cr_expect_str_eq(override->reason, "because");
	cr_expect_eq(override->wall_us, 17);
	return override->value ? override->value : "(removed)";
}

Test(note, each_command_that_outlives_a_reload)
{
	static const struct {
		struct command command;
		const char *key;
		const char *value;
	} cases[] = {
		{{.kind = COMMAND_POOL_RESIZE, .pool = "main", .number = 17},
		 "pools.main.size",
		 "17"},
		{{.kind = COMMAND_POOL_BALANCER, .pool = "main", .text = "random"},
		 "pools.main.balancer",
		 "random"},
		{{.kind = COMMAND_POOL_BOUNDS, .pool = "own", .min = 3, .max = COMMAND_KEEP},
		 "pools.own.autoscale.min",
		 "3"},
		{{.kind = COMMAND_POOL_BOUNDS, .pool = "own", .min = COMMAND_KEEP, .max = 40},
		 "pools.own.autoscale.max",
		 "40"},
		{{.kind = COMMAND_ENDPOINT_WEIGHT, .pool = "main", .endpoint = "a", .number = 5},
		 "pools.main.endpoints.a.weight",
		 "5"},
		{{.kind = COMMAND_ENDPOINT_DRAIN, .pool = "main", .endpoint = "a"},
		 "pools.main.endpoints.a.mode",
		 "drain"},
		{{.kind = COMMAND_ENDPOINT_MAINT, .pool = "main", .endpoint = "a"},
		 "pools.main.endpoints.a.mode",
		 "maint"},
		{{.kind = COMMAND_ENDPOINT_READY, .pool = "main", .endpoint = "a"},
		 "pools.main.endpoints.a.mode",
		 "-"}, /* as the file says */
		{{.kind = COMMAND_ENDPOINT_ADD,
		  .pool = "main",
		  .add = {.url = "ws://d:1/", .weight = 2, .tier = 3}},
		 "pools.main.endpoints.d.tier",
		 "3"},
		{{.kind = COMMAND_ENDPOINT_REMOVE, .pool = "main", .endpoint = "b"},
		 "pools.main.endpoints.b",
		 "(removed)"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cr_expect(note(cases[i].command), "%s", cases[i].key);
		cr_expect_str_eq(kept(cases[i].key), cases[i].value, "%s: %s", cases[i].key,
				 kept(cases[i].key));
	}
	cr_expect_str_eq(kept("pools.main.endpoints.d"), "ws://d:1/");
	cr_expect_str_eq(kept("pools.main.endpoints.d.weight"), "2");
	cr_expect_not(note((struct command){.kind = COMMAND_POOL_PAUSE, .pool = "main"}));
	cr_expect_not(note((struct command){.kind = COMMAND_POOL_RECONNECT, .pool = "main"}));
	cr_expect_not(note((struct command){.kind = COMMAND_CLIENT_KICK, .number = 1}));
	cr_expect_not(note((struct command){.kind = COMMAND_DRAIN}));
}

static bool is_pinned(void)
{
	return running.configuration.running->pools[1].autoscale.pinned;
}

Test(note, addresses_of_a_name_are_not_the_files)
{
	static const enum command_kind kinds[] = {COMMAND_ENDPOINT_REMOVE, COMMAND_ENDPOINT_DRAIN,
						  COMMAND_ENDPOINT_WEIGHT, COMMAND_ENDPOINT_READY};
	struct command add = {.kind = COMMAND_ENDPOINT_ADD, .pool = "main"};
	bool noted;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		cr_assert_not(note((struct command){
			.kind = kinds[i], .pool = "main", .endpoint = "a@10.0.0.1", .number = 2}));
	add.add.url = "ws://a:1/";
	cr_assert_eq(
		configuration_note_command(&running.configuration, &add, "a@10.0.0.1", 17, &noted),
		WSB_OK);
	cr_assert_not(noted);
	cr_assert_str_eq(kept("pools.main.endpoints.a@10.0.0.1"), "-");
}

/* Also to the size that the file says: that it does not follow the load is what is kept. */
Test(note, a_size_that_was_set_stays_pinned)
{
	cr_expect_not(is_pinned());
	note((struct command){.kind = COMMAND_POOL_RESIZE, .pool = "own", .number = 10});
	cr_expect(is_pinned());
	cr_expect_str_eq(kept("pools.own.size"), "10");
	running_reload(&running, POOLS "limits: {batch: 7}\n");
	cr_expect(is_pinned());
	note((struct command){.kind = COMMAND_POOL_UNPIN, .pool = "own"});
	cr_expect_not(is_pinned());
	cr_expect_str_eq(kept("pools.own.size"), "-");
	running_reload(&running, POOLS);
	cr_expect_not(is_pinned());

	/* Of a pool that does not follow its load, there is nothing to be unpinned. */
	note((struct command){.kind = COMMAND_POOL_RESIZE, .pool = "main", .number = 12});
	note((struct command){.kind = COMMAND_POOL_UNPIN, .pool = "main"});
	cr_expect_str_eq(kept("pools.main.size"), "12");
}

/* A size that the file says may lie outside of bounds that it does not say. */
Test(note, bounds_of_an_operator_outlive_a_reload)
{
	note((struct command){.kind = COMMAND_POOL_BOUNDS, .pool = "own", .min = 3, .max = 6});
	cr_expect_eq(running.configuration.running->pools[1].size, 6);
	running_reload(&running, POOLS "limits: {batch: 7}\n");
	cr_expect_eq(running.configuration.running->pools[1].autoscale.min, 3);
	cr_expect_eq(running.configuration.running->pools[1].autoscale.max, 6);
	cr_expect_eq(running.configuration.running->pools[1].size, 6);
	cr_expect_eq(running.configuration.file->pools[1].size, 10);

	/* A size of his own may lie below them, but not above. */
	note((struct command){.kind = COMMAND_POOL_RESIZE, .pool = "own", .number = 1});
	cr_expect_eq(running.configuration.running->pools[1].size, 1);
	running_reload(&running, POOLS);
	cr_expect_eq(running.configuration.running->pools[1].size, 1);
	note((struct command){.kind = COMMAND_POOL_UNPIN, .pool = "own"});
	cr_expect_eq(running.configuration.running->pools[1].size, 6, "as after a restart");
}

/* Whatever comes later: a restart must not find another size than the one that ran. */
Test(note, a_pinned_size_that_bounds_have_cut_stays_cut)
{
	note((struct command){.kind = COMMAND_POOL_RESIZE, .pool = "own", .number = 9});
	note((struct command){
		.kind = COMMAND_POOL_BOUNDS, .pool = "own", .min = COMMAND_KEEP, .max = 6});
	cr_expect_str_eq(kept("pools.own.size"), "6");
	note((struct command){
		.kind = COMMAND_POOL_BOUNDS, .pool = "own", .min = COMMAND_KEEP, .max = 30});
	cr_expect_str_eq(kept("pools.own.size"), "6");
	running_reload(&running, POOLS "limits: {batch: 7}\n");
	cr_expect_eq(running.configuration.running->pools[1].size, 6);
	cr_expect(is_pinned());
}

Test(note, what_does_not_fit_a_new_file_is_told_as_such)
{
	struct config_step step;

	note((struct command){
		.kind = COMMAND_POOL_BOUNDS, .pool = "own", .min = 30, .max = COMMAND_KEEP});
	rig_write(&running.rig, "broker.yaml",
		  "pools:\n  - {name: own, endpoints: [ws://c:1/], autoscale: {min: 2, max: 9}}\n");
	cr_assert_eq(configuration_reread(&running.configuration, &step, &running.errors),
		     WSB_EINVAL);
	cr_expect_not_null(
		strstr(running.errors.text, "`autoscale.min` 30 is above `autoscale.max` 9"));
	cr_expect_not_null(strstr(running.errors.text, "the file alone is right"));
}
