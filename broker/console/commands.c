#include "broker/console/commands.h"

#include <stdio.h>
#include <string.h>
#include "broker/console/await.h"
#include "broker/console/cache.h"
#include "broker/console/change.h"
#include "broker/console/check.h"
#include "broker/console/completion.h"
#include "broker/console/invalidate.h"
#include "broker/console/past.h"
#include "broker/console/report.h"
#include "broker/console/settings.h"
#include "broker/console/show.h"
#include "broker/console/top.h"
#include "broker/console/watch.h"
#include "common/nearest.h"
#include "common/strbuf.h"

/* Every command that asks takes the first two. */
#define READS	(OPTION_ADMIN | OPTION_TOKEN_FILE | OPTION_OUTPUT | OPTION_WATCH)
#define CHANGES (OPTION_ADMIN | OPTION_TOKEN_FILE | OPTION_OUTPUT | OPTION_WAIT | OPTION_REASON)

/* clang-format off */
const struct command commands[] = {
	{"status", "", 0, 0, READS, false, show_status,
	 "is all well, and if not, why: verdict, reasons, numbers"},
	{"top", "", 0, 0, OPTION_ADMIN | OPTION_TOKEN_FILE | OPTION_WATCH, false, top_run,
	 "the whole broker on one screen, every second"},
	{"pools", "", 0, 0, READS | OPTION_SORT, false, show_pools, "pools and their endpoints"},
	{"endpoints", "", 0, 0, READS | OPTION_SORT | OPTION_POOL, false, show_endpoints,
	 "every upstream server: state, load, latency"},
	{"connections", "", 0, 0, READS | OPTION_SORT, false, show_connections,
	 "every upstream connection"},
	{"clients", "", 0, 0, READS | OPTION_SORT, false, show_clients, "every client"},
	{"brokers", "", 0, 0, READS | OPTION_SORT, false, show_brokers,
	 "the brokers on the bus, and how far each has read"},
	{"events", "", 0, 0,
	 READS | OPTION_SINCE | OPTION_UNTIL | OPTION_POOL | OPTION_TYPE | OPTION_ALL |
		 OPTION_FOLLOW, false,
	 past_events, "what has changed, why, and on whose word"},
	{"requests", "", 0, 0,
	 READS | OPTION_SLOW | OPTION_FAILED | OPTION_POOL | OPTION_SINCE | OPTION_UNTIL |
		 OPTION_SORT,
	 false, past_requests, "the latest requests that were slow or failed"},
	{"operations", "[ID]", 0, 1, READS, false, past_operations,
	 "changes that take their time, and how far they are"},
	{"report", "", 0, 0, OPTION_ADMIN | OPTION_TOKEN_FILE | OPTION_OUTPUT | OPTION_SINCE,
	 false, report_run,
	 "events, changes, latency per endpoint, as a Markdown page (--since 24h)"},
	{"check", "", 0, 0, OPTION_ADMIN | OPTION_TOKEN_FILE | OPTION_OUTPUT, false, check_run,
	 "for monitoring: one line; exit code 0 ok, 1 warning, 2 critical, 3 unknown"},
	{"pool resize", "NAME N", 2, 2, CHANGES, false, change_resize,
	 "open more connections, or drain and close some"},
	{"pool balancer", "NAME BALANCER", 2, 2, CHANGES, false, change_balancer,
	 "round-robin, least-connections, random or peak-ewma"},
	{"pool pause", "NAME", 1, 1, CHANGES | OPTION_TIMEOUT, false, change_pause,
	 "let new requests wait, until none is in flight"},
	{"pool resume", "NAME", 1, 1, CHANGES, false, change_resume, "let them go on"},
	{"pool reconnect", "NAME", 1, 1, CHANGES, false, change_reconnect,
	 "replace every connection, the new one first"},
	{"pool unpin", "NAME", 1, 1, CHANGES, false, change_unpin,
	 "let the size follow the load again"},
	{"endpoint add", "POOL URL", 2, 2,
	 CHANGES | OPTION_NAME | OPTION_WEIGHT | OPTION_TIER, false, change_add,
	 "one more upstream server"},
	{"endpoint remove", "POOL/NAME", 1, 1, CHANGES | OPTION_FORCE, false, change_remove,
	 "drain it, close its connections and forget it"},
	{"endpoint drain", "POOL/NAME", 1, 1, CHANGES | OPTION_FORCE, false,
	 change_drain_endpoint, "no new requests; its connections stay"},
	{"endpoint maint", "POOL/NAME", 1, 1, CHANGES | OPTION_FORCE, false, change_maint,
	 "drain it, then close its connections"},
	{"endpoint ready", "POOL/NAME", 1, 1, CHANGES, false, change_ready,
	 "take it into use again"},
	{"endpoint weight", "POOL/NAME N", 2, 2, CHANGES, false, change_weight,
	 "its share of connections and requests"},
	{"cache stats", "", 0, 0, READS, false, cache_stats,
	 "how full the cache is, and what it has done"},
	{"cache get", "KEY", 1, 1, READS, false, cache_get,
	 "one entry: state, age, hits, tags"},
	{"cache flush", "", 0, 0, CHANGES | OPTION_SOFT, false, invalidate_flush,
	 "drop everything that is cached, on all brokers"},
	{"invalidate", "", 0, 0,
	 CHANGES | OPTION_TAG | OPTION_KEY | OPTION_METHOD | OPTION_MATCH | OPTION_ALL |
		 OPTION_SOFT,
	 false, invalidate_run,
	 "drop what is not true any more, on all brokers: by tag, key, method"},
	{"watch", "", 0, 0,
	 OPTION_ADMIN | OPTION_TOKEN_FILE | OPTION_OUTPUT | OPTION_TAG | OPTION_SINCE |
		 OPTION_CURSOR | OPTION_EXEC | OPTION_FAIL_ON_RESYNC,
	 false, watch_run, "invalidations as they happen, one JSON event per line"},
	{"client kick", "ID", 1, 1, CHANGES, false, change_kick, "close a client with 1008"},
	{"config show", "[KEY]", 0, 1, READS | OPTION_SORT, false, settings_show,
	 "every value: its default, where it comes from, who set it; KEY: pools.main, *.size"},
	{"config diff", "", 0, 0, READS, false, settings_diff,
	 "what to write into the file so that it says what runs; what waits for a restart"},
	{"config set", "KEY VALUE", 2, 2, CHANGES, false, settings_set,
	 "change one value at once: limits.batch 50; a reload keeps it"},
	{"config reload", "", 0, 0, CHANGES, false, settings_reload,
	 "read the file again and take what it says, or nothing of it: as SIGHUP does"},
	{"drain", "", 0, 0, CHANGES, false, change_drain,
	 "answer what is in flight, let clients go, end: as SIGTERM does"},
	{"wait", "CONDITION", 1, 1,
	 OPTION_ADMIN | OPTION_TOKEN_FILE | OPTION_OUTPUT | OPTION_TIMEOUT, false, await_run,
	 "until ready, drained, pool.NAME.ready>=4, endpoint.POOL/NAME.state==drained"},
	{"completion", "bash|zsh|fish", 1, 1, 0, true, completion_run,
	 "a script for the shell: source <(wsbroker completion bash)"},
};
/* clang-format on */

const size_t command_count = sizeof(commands) / sizeof(commands[0]);

static size_t first_word(const char *name)
{
	return strcspn(name, " ");
}

static bool begins(const struct command *command, const char *word)
{
	size_t len = first_word(command->name);

	return strlen(word) == len && strncmp(command->name, word, len) == 0;
}

bool command_begins(const char *word)
{
	for (size_t i = 0; i < command_count; i++) {
		if (begins(&commands[i], word))
			return true;
	}
	return false;
}

/* "pool needs one of resize|balancer|...", "unknown command pool resiz (did you mean ...?)". */
static void tell_verbs(const char *word, const char *second, char why[ARGUMENTS_WHY_MAX])
{
	const char *separator = "";
	struct nearest nearest;
	struct strbuf verbs, text;

	nearest_init(&nearest, second ? span_text(second) : span_of("", 0));
	strbuf_init(&verbs);
	strbuf_init(&text);
	for (size_t i = 0; i < command_count; i++) {
		if (!begins(&commands[i], word))
			continue;
		nearest_offer_as(&nearest, span_text(commands[i].name + strlen(word) + 1),
				 span_text(commands[i].name));
		strbuf_printf(&verbs, "%s%s", separator, commands[i].name + strlen(word) + 1);
		separator = "|";
	}
	if (second)
		strbuf_printf(&text, "unknown command %s %.20s", word, second);
	if (nearest.best.at)
		nearest_suggest(&nearest, &text);
	else
		strbuf_printf(&text, "%s%s needs one of %s", second ? "; " : "", word,
			      strbuf_span(&verbs).at);
	snprintf(why, ARGUMENTS_WHY_MAX, "%s", strbuf_span(&text).at);
	strbuf_fini(&verbs);
	strbuf_fini(&text);
}

const struct command *command_find(const struct arguments *arguments, int *words,
				   char why[ARGUMENTS_WHY_MAX])
{
	const char *word = arguments->command;
	const char *second = arguments->operand_count > 0 ? arguments->operands[0] : NULL;

	if (!word) {
		snprintf(why, ARGUMENTS_WHY_MAX, "a command must be given");
		return NULL;
	}
	if (!command_begins(word)) {
		snprintf(why, ARGUMENTS_WHY_MAX, "unknown command %.64s", word);
		return NULL;
	}
	for (size_t i = 0; i < command_count; i++) {
		const char *name = commands[i].name;
		size_t len = first_word(name);

		if (!begins(&commands[i], word))
			continue;
		*words = name[len] ? 2 : 1;
		if (*words == 1 || (second && strcmp(name + len + 1, second) == 0))
			return &commands[i];
	}
	tell_verbs(word, second, why);
	return NULL;
}
