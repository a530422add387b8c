/* What to write into the file. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "broker/control/proposal.h"
#include "broker/control/setting.h"
#include "running.h"

#define FILE_TEXT                                                                                  \
	"listen:\n"                                                                                \
	"  - address: 127.0.0.1:5\n"                                                               \
	"    auth: {tokens: tokens.txt, jwt: {keys: keys.json}}\n"                                 \
	"pools:\n"                                                                                 \
	"  - name: main\n"                                                                         \
	"    size: 3\n"                                                                            \
	"    endpoints: [{url: ws://a:1/, name: a}, ws://b:1/]\n"

static struct running running;
static struct strbuf text;

static void set_up(void)
{
	running_init(&running);
	strbuf_init(&text);
	rig_write(&running.rig, "tokens.txt", "ann operator secret\n");
	rig_write(&running.rig, "keys.json",
		  "{\"keys\": [{\"kty\": \"oct\", \"alg\": \"HS256\", \"k\": "
		  "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"}]}\n");
	running_open(&running, FILE_TEXT);
}

static void tear_down(void)
{
	running_fini(&running);
	strbuf_fini(&text);
}

TestSuite(proposal, .init = set_up, .fini = tear_down);

static void note(enum override_kind kind, const char *key, const char *value, const char *reason)
{
	struct override change = {.kind = kind,
				  .key = key,
				  .value = value,
				  .actor = "ann",
				  .reason = reason,
				  .wall_us = UINT64_C(1795331520123000)};

	running_note(&running, &change);
}

/* The folder of the file, which is another one each time, is left out. */
static void expect(const char *expected)
{
	struct strbuf plain;
	const char *at;

	strbuf_clear(&text);
	strbuf_init(&plain);
	cr_assert_eq(proposal_write(&running.configuration, &text), WSB_OK);
	for (at = strbuf_span(&text).at; *at; at++) {
		if (strncmp(at, running.rig.folder, strlen(running.rig.folder)) == 0)
			at += strlen(running.rig.folder) + 1;
		strbuf_add(&plain, span_of(at, 1));
	}
	cr_expect_str_eq(strbuf_span(&plain).at, expected, "%s", strbuf_span(&plain).at);
	strbuf_fini(&plain);
}

#define HEAD "# Changed at runtime. Write it into broker.yaml, then: wsbroker config reload\n"
#define ANN  "ann at 2026-11-22T07:12:00.123Z"

Test(proposal, nothing_to_write)
{
	expect("# Nothing that runs differs from the file.\n");
	note(OVERRIDE_VALUE, "pools.main.size", "4", "");
	note(OVERRIDE_VALUE, "pools.main.size", "3", "");
	expect("# Nothing that runs differs from the file.\n");
}

Test(proposal, each_change_stands_where_the_file_has_it)
{
	note(OVERRIDE_VALUE, "pools.main.size", "4", "two\nnodes # carry it");
	note(OVERRIDE_VALUE, "log.requests", "all", "");
	note(OVERRIDE_VALUE, "log.slow", "250ms", "");
	note(OVERRIDE_VALUE, "listen.127.0.0.1:5.auth.jwt.audience", "a: b", "");
	note(OVERRIDE_VALUE, "listen.127.0.0.1:5.auth.query", "token", "");
	note(OVERRIDE_VALUE, "pools.main.endpoints.b:1.mode", "drain", "");
	note(OVERRIDE_ADDED, "pools.main.endpoints.c", "ws://c:1/KEY", "");
	note(OVERRIDE_VALUE, "pools.main.endpoints.c.weight", "5", "");
	note(OVERRIDE_ADDED, "pools.main.endpoints.d", "ws://d:1/", "");
	note(OVERRIDE_REMOVED, "pools.main.endpoints.a", NULL, "gone");
	expect(HEAD "log:\n"
		    "  slow: 250ms  # 1s by default; " ANN "\n"
		    "  requests: all  # off by default; " ANN "\n"
		    "listen:\n"
		    "  - address: 127.0.0.1:5\n"
		    "    auth:\n"
		    "      jwt:\n"
		    "        audience: \"a: b\"  # broker.yaml:2:5: wsbroker by default; " ANN "\n"
		    "      query: token  # broker.yaml:2:5: nothing; " ANN "\n"
		    "pools:\n"
		    "  - name: main\n"
		    "    endpoints:\n"
		    "      - name: b:1\n"
		    "        mode: drain  # broker.yaml:7:44: ready by default; " ANN "\n"
		    "      - name: c\n"
		    "        url: \"ws://c:1/…\"  # its path is not shown: fill it in; new; " ANN
		    "\n"
		    "        weight: 5  # new; " ANN "\n"
		    "      - name: d\n"
		    "        url: ws://d:1/  # new; " ANN "\n"
		    "    size: 4  # broker.yaml:6:11 says 3; " ANN ": two\\nnodes # carry it\n"
		    "# To be taken out of the file:\n"
		    "# pools.main.endpoints.a: broker.yaml:7:17; " ANN ": gone\n");
}

/* What is written must be what a file may say. */
Test(proposal, a_pinned_size_below_its_bound)
{
	running_reload(
		&running,
		"pools: [{name: main, size: 3, endpoints: [ws://a:1/], autoscale: {min: 2}}]\n");
	note(OVERRIDE_VALUE, "pools.main.size", "1", "");
	expect(HEAD "pools:\n"
		    "  - name: main\n"
		    "    size: 1  # broker.yaml:1:28 says 3; " ANN "\n"
		    "    autoscale:\n"
		    "      min: 1  # `size` is pinned below 2\n");
	running_reload(
		&running,
		"pools: [{name: main, size: 1, endpoints: [ws://a:1/], autoscale: {min: 1}}]\n");
	expect("# Nothing that runs differs from the file.\n");
}

Test(proposal, what_waits_for_a_restart_is_told)
{
	running_reload(&running,
		       "node: two\npools: [{name: main, size: 3, endpoints: [ws://a:1/]}]\n");
	strbuf_clear(&text);
	cr_assert_eq(proposal_write(&running.configuration, &text), WSB_OK);
	cr_expect_not_null(strstr(text.text, "# In the file, and waits for a restart:\n"
					     "# node: two; runs: "),
			   "%s", text.text);
	cr_expect_not_null(strstr(text.text, "broker.yaml:1:7\n"), "%s", text.text);
}

/* Whoever writes the bounds into the file alone would be told that its size is not between them. */
Test(proposal, a_size_goes_with_its_bounds)
{
	running_reload(&running, "pools:\n  - name: main\n    size: 9\n    endpoints: [ws://a:1/]\n"
				 "    autoscale: {min: 2, max: 50}\n");
	note(OVERRIDE_VALUE, "pools.main.autoscale.max", "7", "");
	note(OVERRIDE_VALUE, "pools.main.probe.method", "1e3", "");
	expect(HEAD "pools:\n"
		    "  - name: main\n"
		    "    size: 7  # as the rest makes it\n"
		    "    autoscale:\n"
		    "      max: 7  # broker.yaml:5:30 says 50; " ANN "\n"
		    "    probe:\n"
		    "      method: \"1e3\"  # broker.yaml:2:5: nothing; " ANN "\n");
}

Test(proposal, without_a_file)
{
	static const char *const urls[] = {"ws://a:1/"};

	configuration_close(&running.configuration);
	cr_assert_eq(configuration_open(&running.configuration, NULL, urls, 1, &running.errors,
					&running.errors),
		     WSB_OK);
	note(OVERRIDE_VALUE, "pools.main.size", "4", "");
	expect("# Changed at runtime. There is no file that could say so (serve URL...).\n"
	       "pools:\n"
	       "  - name: main\n"
	       "    size: 4  # 10 by default; " ANN "\n");
}

/* A section is opened once: its keys have to stand together in the table. */
Test(proposal, sections_of_the_table_stand_together)
{
	for (size_t i = 0; i + 1 < option_count; i++) {
		size_t len = strcspn(options[i].path, ".") + 1;

		if (!options[i].path[len - 1] ||
		    (options[i + 1].scope == options[i].scope &&
		     strncmp(options[i].path, options[i + 1].path, len) == 0))
			continue;
		for (size_t k = i + 1; k < option_count; k++)
			cr_expect(options[k].scope != options[i].scope ||
					  strncmp(options[i].path, options[k].path, len) != 0,
				  "%s and %s", options[i].path, options[k].path);
	}
}
