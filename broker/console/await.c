#include "broker/console/await.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "broker/console/condition.h"
#include "broker/console/console.h"
#include "broker/console/human.h"
#include "broker/console/pause.h"
#include "broker/console/show.h"
#include "common/clock.h"
#include "proto/admin_api.h"

#define LOOK_EVERY_US	   (100 * US_PER_MS)
#define TIMEOUT_DEFAULT_US (60 * US_PER_S)

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static json_int_t number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static bool is_running(const json_t *operation)
{
	return strcmp(text_of(operation, "state"), "running") == 0;
}

/* "pool resize main: running 3/8: warming 5 connections (operation 12)" */
static void describe(const json_t *operation, struct strbuf *line)
{
	const json_t *id = json_object_get(operation, "id");

	strbuf_plain(line, span_text(text_of(operation, "kind")));
	strbuf_text(line, text_of(operation, "pool")[0] ? " " : "");
	strbuf_plain(line, span_text(text_of(operation, "pool")));
	if (text_of(operation, "endpoint")[0]) {
		strbuf_text(line, "/");
		strbuf_plain(line, span_text(text_of(operation, "endpoint")));
	}
	strbuf_text(line, ": ");
	strbuf_plain(line, span_text(text_of(operation, "state")));
	if (number_of(operation, "total") > 0)
		strbuf_printf(line, " %" JSON_INTEGER_FORMAT "/%" JSON_INTEGER_FORMAT,
			      number_of(operation, "done"), number_of(operation, "total"));
	if (text_of(operation, "text")[0]) {
		strbuf_text(line, ": ");
		strbuf_plain(line, span_text(text_of(operation, "text")));
	}
	if (json_is_integer(id))
		strbuf_printf(line, " (operation %" JSON_INTEGER_FORMAT ")",
			      json_integer_value(id));
	strbuf_text(line, "\n");
}

/* Progress goes to the standard error, and only when there is any. */
static void tell_progress(const json_t *operation, struct strbuf *told)
{
	struct strbuf line;

	strbuf_init(&line);
	describe(operation, &line);
	if (!span_equal(strbuf_span(&line), strbuf_span(told))) {
		fputs(strbuf_span(&line).at, stderr);
		strbuf_clear(told);
		strbuf_add(told, strbuf_span(&line));
	}
	strbuf_fini(&line);
}

static int tell_end(const struct invocation *invocation, const struct answer *answer)
{
	struct strbuf text;
	int code;

	strbuf_init(&text);
	if (invocation->arguments->json)
		strbuf_add(&text, strbuf_span(&answer->body));
	else
		describe(answer->value, &text);
	code = show_text(&text);
	strbuf_fini(&text);
	if (code != EXIT_DONE || is_running(answer->value) ||
	    strcmp(text_of(answer->value, "state"), "done") == 0)
		return code;
	return EXIT_FAILED;
}

static int time_out(json_int_t id, uint64_t wait_us)
{
	char waited[HUMAN_TEXT_MAX];
	char what[160];

	human_duration((double)wait_us / (double)US_PER_S, waited);
	snprintf(what, sizeof(what),
		 "not done after %s; it goes on: wsbroker operations %" JSON_INTEGER_FORMAT, waited,
		 id);
	return ask_complain(EXIT_TIMEOUT, what, "");
}

static int follow_operation(const struct invocation *invocation, struct answer *answer,
			    uint64_t wait_us)
{
	uint64_t deadline_us = clock_monotonic_us() + wait_us;
	json_int_t id = number_of(answer->value, "id");
	struct strbuf told;
	char path[64];
	int code = EXIT_DONE;

	snprintf(path, sizeof(path), ADMIN_OPERATIONS "/%" JSON_INTEGER_FORMAT, id);
	strbuf_init(&told);
	while (code == EXIT_DONE && is_running(answer->value)) {
		tell_progress(answer->value, &told);
		if (clock_monotonic_us() >= deadline_us) {
			code = time_out(id, wait_us);
			break;
		}
		pause_us(LOOK_EVERY_US);
		code = ask_get(invocation->client, path, JSON_OBJECT, answer);
	}
	strbuf_fini(&told);
	return code;
}

int await_operation(const struct invocation *invocation, struct answer *answer, uint64_t wait_us)
{
	int code = EXIT_DONE;

	if (!json_is_object(answer->value))
		return ask_complain(EXIT_FAILED, "the answer is not that of a broker's admin API",
				    "");
	if (wait_us > 0)
		code = follow_operation(invocation, answer, wait_us);
	return code == EXIT_DONE ? tell_end(invocation, answer) : code;
}

/* What has been seen while waiting. */
struct watch {
	struct condition condition;
	bool reached; /* a broker has answered */
	char found[CONDITION_TEXT_MAX];
};

static int judge(struct watch *watch, const json_t *answer)
{
	bool holds = false;
	enum wsb_err err = condition_holds(&watch->condition, answer, &holds, watch->found);

	if (err == WSB_EINVAL)
		return ask_complain(EXIT_USAGE, watch->condition.member, watch->found);
	return err == WSB_OK && holds ? EXIT_DONE : EXIT_TIMEOUT;
}

/* EXIT_DONE: it holds. EXIT_TIMEOUT: not yet. Else it never will, and has been told. */
static int look(const struct invocation *invocation, struct watch *watch)
{
	char why[CLIENT_WHY_MAX];
	struct answer answer;
	int code;

	answer_init(&answer);
	code = ask_quietly(invocation->client, condition_path(&watch->condition), &answer, why);
	if (code == EXIT_DENIED) {
		code = answer.value ? ask_refused(invocation->client, &answer)
				    : ask_unreachable(invocation->client, WSB_EDENIED, why);
	} else if (code == EXIT_UNREACHABLE) {
		snprintf(watch->found, sizeof(watch->found), "no broker answers: %.120s", why);
		code = watch->condition.subject == CONDITION_DRAINED ? EXIT_DONE : EXIT_TIMEOUT;
	} else if (code == EXIT_DONE) {
		watch->reached = true;
		code = judge(watch, answer.value);
	}
	answer_fini(&answer);
	return code;
}

/* Whether it holds, for programs. */
static int tell_condition(const char *condition, int code, const struct watch *watch)
{
	json_t *object =
		json_pack("{s:s, s:b, s:s?}", "condition", condition, "holds", code == EXIT_DONE,
			  "found", watch->found[0] ? watch->found : NULL);
	char *text = object ? json_dumps(object, JSON_INDENT(2)) : NULL;
	struct strbuf out;
	int shown = EXIT_DONE;

	json_decref(object);
	if (!text)
		return code;
	strbuf_init(&out);
	strbuf_printf(&out, "%s\n", text);
	free(text);
	shown = show_text(&out);
	strbuf_fini(&out);
	return shown == EXIT_DONE ? code : shown;
}

static int wait_for(const struct invocation *invocation, const char *condition, uint64_t timeout_us,
		    struct watch *watch)
{
	uint64_t deadline_us = clock_monotonic_us() + timeout_us;
	char what[CONDITION_TEXT_MAX + 32];
	char why[256];
	int code;

	if (condition_parse(condition, &watch->condition, why, sizeof(why)) != WSB_OK)
		return ask_complain(EXIT_USAGE, condition, why);
	while ((code = look(invocation, watch)) == EXIT_TIMEOUT &&
	       clock_monotonic_us() < deadline_us)
		pause_us(LOOK_EVERY_US);
	if (code != EXIT_TIMEOUT)
		return code;
	snprintf(what, sizeof(what), "waited in vain for %.140s", condition);
	return ask_complain(watch->reached ? EXIT_TIMEOUT : EXIT_UNREACHABLE, what, watch->found);
}

int await_condition(const struct invocation *invocation, const char *condition, uint64_t timeout_us)
{
	struct watch watch = {0};

	return wait_for(invocation, condition, timeout_us, &watch);
}

int await_run(const struct invocation *invocation)
{
	uint64_t timeout_us = invocation->arguments->timeout_us;
	struct watch watch = {0};
	int code = wait_for(invocation, invocation->operands[0],
			    timeout_us > 0 ? timeout_us : TIMEOUT_DEFAULT_US, &watch);

	if (invocation->arguments->json && (code == EXIT_DONE || code == EXIT_TIMEOUT))
		code = tell_condition(invocation->operands[0], code, &watch);
	return code;
}
