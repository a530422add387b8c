#include "broker/console/invalidate.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include "broker/console/ask.h"
#include "broker/console/console.h"
#include "broker/console/human.h"
#include "broker/console/pause.h"
#include "broker/console/show.h"
#include "proto/admin_api.h"

#define LOOK_EVERY_US UINT64_C(10000)

static void add_list(json_t *body, const char *name, const struct argument_list *list)
{
	json_t *array;

	if (list->count == 0)
		return;
	array = json_array();
	for (int i = 0; i < list->count; i++)
		json_array_append_new(array, json_string(list->at[i]));
	json_object_set_new(body, name, array);
}

/* NULL: no memory. What makes no sense together the broker says. */
static json_t *body_of(const struct arguments *arguments, bool all)
{
	json_t *body = json_object();
	char wait[HUMAN_TEXT_MAX + 8];

	add_list(body, "tags", &arguments->tags);
	add_list(body, "keys", &arguments->keys);
	add_list(body, "methods", &arguments->methods);
	if (all)
		json_object_set_new(body, "all", json_true());
	if (arguments->match)
		json_object_set_new(body, "match", json_string(arguments->match));
	if (arguments->given & OPTION_SOFT)
		json_object_set_new(body, "mode", json_string("soft"));
	if (arguments->reason)
		json_object_set_new(body, "reason", json_string(arguments->reason));
	if (arguments->wait_us > 0) {
		snprintf(wait, sizeof(wait), "%lluus", (unsigned long long)arguments->wait_us);
		json_object_set_new(body, "wait", json_string(wait));
	}
	return body;
}

/* "12 entries are gone (position 1763795520123-4711)" */
static void describe(const json_t *answer, bool soft, struct strbuf *out)
{
	const json_t *position = json_object_get(answer, "position");
	json_int_t hits = json_integer_value(json_object_get(answer, "invalidated"));

	strbuf_printf(out, "%" JSON_INTEGER_FORMAT " %s of this broker %s %s", hits,
		      hits == 1 ? "entry" : "entries", hits == 1 ? "is" : "are",
		      soft ? "stale" : "gone");
	if (json_is_string(position)) {
		strbuf_text(out, " (position ");
		strbuf_plain(out, span_text(json_string_value(position)));
		strbuf_text(out, ")");
	}
	strbuf_text(out, "\n");
}

static int tell(const struct invocation *invocation, const struct answer *answer)
{
	struct strbuf text;
	int code;

	if (!json_is_object(answer->value))
		return ask_complain(EXIT_FAILED, "the answer is not that of a broker's admin API",
				    "");
	strbuf_init(&text);
	if (invocation->arguments->json)
		strbuf_add(&text, strbuf_span(&answer->body));
	else
		describe(answer->value, invocation->arguments->given & OPTION_SOFT, &text);
	code = show_text(&text);
	strbuf_fini(&text);
	return code;
}

/* The broker looks at the time, and names those that it waits for. */
static int await_all(const struct invocation *invocation, json_int_t operation)
{
	struct answer answer;
	const char *state = "running";
	char path[64];
	int code = EXIT_DONE;

	snprintf(path, sizeof(path), ADMIN_OPERATIONS "/%" JSON_INTEGER_FORMAT, operation);
	answer_init(&answer);
	while (code == EXIT_DONE && strcmp(state, "running") == 0) {
		pause_us(LOOK_EVERY_US);
		code = ask_get(invocation->client, path, JSON_OBJECT, &answer);
		state = json_string_value(json_object_get(answer.value, "state"));
		state = state ? state : "";
	}
	if (code == EXIT_DONE && strcmp(state, "done") != 0) {
		const char *text = json_string_value(json_object_get(answer.value, "text"));

		code = ask_complain(EXIT_TIMEOUT, "waited in vain", text ? text : "");
	}
	answer_fini(&answer);
	return code;
}

static int send_invalidation(const struct invocation *invocation, bool all)
{
	json_t *body = body_of(invocation->arguments, all);
	struct answer answer;
	json_int_t operation;
	int code;

	if (!body)
		return ask_complain(EXIT_FAILED, "out of memory", "");
	answer_init(&answer);
	code = ask(invocation->client, "POST", ADMIN_CACHE_INVALIDATE, body, &answer);
	if (code == EXIT_DONE)
		code = tell(invocation, &answer);
	operation = json_integer_value(json_object_get(answer.value, "operation"));
	if (code == EXIT_DONE && operation > 0)
		code = await_all(invocation, operation);
	answer_fini(&answer);
	json_decref(body);
	return code;
}

/* It drops all that was loaded at some cost, so that has to be said. */
int invalidate_run(const struct invocation *invocation)
{
	const struct arguments *arguments = invocation->arguments;
	bool all = arguments->given & OPTION_ALL;
	bool named = arguments->given & (OPTION_TAG | OPTION_KEY | OPTION_METHOD | OPTION_MATCH);

	if (all && named)
		return ask_complain(EXIT_USAGE, "--all stands alone", "it hits everything");
	if (arguments->match && arguments->tags.count == 0)
		return ask_complain(EXIT_USAGE, "--match is about tags", "give --tag");
	if (!all && arguments->tags.count + arguments->keys.count + arguments->methods.count == 0)
		return ask_complain(EXIT_USAGE, "nothing to invalidate",
				    "give --tag, --key or --method, or --all for everything");
	return send_invalidation(invocation, all);
}

int invalidate_flush(const struct invocation *invocation)
{
	return send_invalidation(invocation, true);
}
