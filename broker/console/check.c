#include "broker/console/check.h"

#include <stdlib.h>
#include <string.h>
#include "broker/console/ask.h"
#include "broker/console/cells.h"
#include "broker/console/console.h"
#include "broker/console/show.h"
#include "proto/admin_api.h"

static enum check_state state_of(const char *verdict)
{
	static const struct {
		const char *verdict;
		enum check_state state;
	} states[] = {
		{"ok", CHECK_OK},
		{"degraded", CHECK_WARNING},
		{"draining", CHECK_WARNING},
		{"down", CHECK_CRITICAL},
	};

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		if (strcmp(states[i].verdict, verdict) == 0)
			return states[i].state;
	}
	return CHECK_UNKNOWN;
}

static const char *state_name(enum check_state state)
{
	static const char *const names[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};

	return names[state];
}

/* A bar would begin the numbers. */
static void add_words(struct strbuf *out, const char *text)
{
	for (; *text; text += strcspn(text, "|")) {
		if (*text == '|') {
			strbuf_text(out, "/");
			text++;
		}
		strbuf_plain(out, span_of(text, strcspn(text, "|")));
	}
}

static void add_pools(const json_t *pools, struct strbuf *out)
{
	for (size_t i = 0; i < json_array_size(pools); i++) {
		const json_t *pool = json_array_get(pools, i);

		strbuf_text(out, i > 0 ? ", " : "");
		add_words(out, cells_text_of(pool, "name"));
		strbuf_printf(out, " %" JSON_INTEGER_FORMAT "/%" JSON_INTEGER_FORMAT " ready",
			      json_integer_value(json_object_get(pool, "ready")),
			      json_integer_value(json_object_get(pool, "size")));
	}
}

static void add_number(struct strbuf *out, const json_t *status, const char *key, const char *unit)
{
	const json_t *value = json_object_get(status, key);

	if (json_is_integer(value))
		strbuf_printf(out, " %s=%" JSON_INTEGER_FORMAT "%s", key, json_integer_value(value),
			      unit);
	else if (json_is_real(value))
		strbuf_printf(out, " %s=%g%s", key, json_real_value(value), unit);
}

enum check_state check_judge(const json_t *status, struct strbuf *out)
{
	const json_t *reasons = json_object_get(status, "reasons");
	const char *verdict = cells_text_of(status, "verdict");
	enum check_state state = state_of(verdict);

	strbuf_printf(out, "WSBROKER %s - ", state_name(state));
	if (state == CHECK_OK || json_array_size(reasons) == 0)
		add_pools(json_object_get(status, "pools"), out);
	else
		add_words(out, cells_text_of(json_array_get(reasons, 0), "text"));
	if (state != CHECK_OK && json_array_size(reasons) > 1)
		strbuf_printf(out, " (and %zu more)", json_array_size(reasons) - 1);
	strbuf_text(out, " |");
	add_number(out, status, "clients", "");
	add_number(out, status, "in_flight", "");
	add_number(out, status, "p50_seconds", "s");
	add_number(out, status, "p99_seconds", "s");
	add_number(out, status, "buffer_bytes", "B");
	add_number(out, status, "loop_lag_seconds", "s");
	strbuf_text(out, "\n");
	return state;
}

/* The same line, for programs; what cannot be put into JSON stays as it is. */
static void become_json(struct strbuf *line, enum check_state state)
{
	static const char *const names[] = {"ok", "warning", "critical", "unknown"};
	json_t *object = json_pack("{s:s, s:i, s:s%}", "state", names[state], "exit_code",
				   (int)state, "text", line->text, line->len - 1);
	char *text = object ? json_dumps(object, JSON_INDENT(2)) : NULL;

	json_decref(object);
	if (!text)
		return;
	strbuf_clear(line);
	strbuf_printf(line, "%s\n", text);
	free(text);
}

int check_run(const struct invocation *invocation)
{
	char why[CLIENT_WHY_MAX] = "";
	struct answer answer;
	struct strbuf line;
	enum check_state state = CHECK_UNKNOWN;
	int code;

	answer_init(&answer);
	strbuf_init(&line);
	code = ask_quietly(invocation->client, ADMIN_STATUS, &answer, why);
	if (code == EXIT_DONE && answer.status == 200) {
		state = check_judge(answer.value, &line);
	} else {
		strbuf_text(&line, "WSBROKER UNKNOWN - ");
		add_words(&line, code == EXIT_UNREACHABLE ? "no broker answers: "
				 : code == EXIT_DENIED	  ? "not permitted: "
							  : "the answer is not that of a broker");
		add_words(&line, why[0] ? why : cells_text_of(answer.value, "detail"));
		strbuf_text(&line, "\n");
	}
	if (invocation->arguments->json)
		become_json(&line, state);
	if (show_text(&line) != EXIT_DONE)
		state = CHECK_UNKNOWN;
	strbuf_fini(&line);
	answer_fini(&answer);
	return (int)state;
}
