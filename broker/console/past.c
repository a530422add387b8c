#include "broker/console/past.h"

#include <stdio.h>
#include <string.h>
#include "broker/console/ask.h"
#include "broker/console/console.h"
#include "broker/console/pages_past.h"
#include "broker/console/pause.h"
#include "broker/console/show.h"
#include "broker/console/sse.h"
#include "common/clock.h"
#include "proto/admin_api.h"

/* Before a stream that broke off is asked for again. */
#define AGAIN_US US_PER_S

static void add_parameter(struct strbuf *path, const char *name, const char *value)
{
	if (!value)
		return;
	strbuf_text(path, strchr(strbuf_span(path).at, '?') ? "&" : "?");
	strbuf_text(path, name);
	strbuf_text(path, "=");
	ask_escape(path, value);
}

void past_query(const struct arguments *arguments, struct strbuf *path)
{
	add_parameter(path, "since", arguments->since);
	add_parameter(path, "until", arguments->until);
	add_parameter(path, "pool", arguments->pool);
	add_parameter(path, "type", arguments->type);
	add_parameter(path, "slow", arguments->given & OPTION_SLOW ? "true" : NULL);
	add_parameter(path, "failed", arguments->given & OPTION_FAILED ? "true" : NULL);
}

static int show_past(const struct invocation *invocation, const char *base,
		     void (*page)(const json_t *answer, struct strbuf *out))
{
	struct strbuf path;
	int code;

	strbuf_init(&path);
	strbuf_text(&path, base);
	past_query(invocation->arguments, &path);
	code = show(invocation, strbuf_span(&path).at, JSON_ARRAY, page);
	strbuf_fini(&path);
	return code;
}

/* What a stream is shown by. */
struct follower {
	bool json;
	bool brief; /* without the steps of connections on their way up */
	struct sse sse;
};

static bool put_event(void *context, struct span data)
{
	struct follower *follower = context;
	json_t *event = json_loadb(data.at, data.len, 0, NULL);
	struct strbuf line;
	bool written;

	strbuf_init(&line);
	if (follower->json) {
		strbuf_add(&line, data);
		strbuf_text(&line, "\n");
	} else if (event && !(follower->brief && event_is_step(event))) {
		line_of_event(event, &line);
	}
	written = fwrite(strbuf_span(&line).at, 1, line.len, stdout) == line.len &&
		  fflush(stdout) == 0;
	strbuf_fini(&line);
	json_decref(event);
	return written;
}

static bool take_piece(void *context, struct span piece)
{
	struct follower *follower = context;

	return sse_take(&follower->sse, piece);
}

/* One connection's worth. EXIT_UNREACHABLE: it broke off, or there is none. */
static int follow_once(const struct invocation *invocation, const char *path,
		       struct follower *follower)
{
	struct client_request request = {
		.method = "GET",
		.path = path,
		.piece = take_piece,
		.context = follower,
		.last_event_id = follower->sse.id[0] ? follower->sse.id : NULL,
	};
	struct answer answer;
	char why[CLIENT_WHY_MAX];
	enum wsb_err err;
	int code = EXIT_UNREACHABLE;

	answer_init(&answer);
	err = client_ask(invocation->client, &request, &answer.status, &answer.body, why);
	if (err == WSB_OK && answer.status != 200) {
		answer.value = json_loadb(strbuf_span(&answer.body).at, answer.body.len, 0, NULL);
		code = ask_refused(invocation->client, &answer);
	} else if (err != WSB_OK && err != WSB_EUNAVAIL) {
		code = ask_unreachable(invocation->client, err, why);
	} else if (err == WSB_OK && ferror(stdout)) {
		code = EXIT_FAILED;
	}
	answer_fini(&answer);
	return code;
}

/* At night each connection that comes up is one line, unless all are wished, or some by their type.
 */
static bool is_brief(const struct arguments *arguments)
{
	return !(arguments->given & (OPTION_ALL | OPTION_TYPE));
}

/* Goes on by itself when the broker comes back; what happened meanwhile is told then, as far as it
 * is kept. */
static int follow(const struct invocation *invocation)
{
	struct follower follower = {
		.json = invocation->arguments->json,
		.brief = is_brief(invocation->arguments),
	};
	struct answer probe;
	struct strbuf path;
	int code;

	strbuf_init(&path);
	strbuf_text(&path, ADMIN_EVENTS);
	past_query(invocation->arguments, &path);
	sse_init(&follower.sse, put_event, &follower);
	answer_init(&probe);
	code = ask(invocation->client, "GET", ADMIN_STATUS, NULL, &probe);
	while (code == EXIT_DONE) {
		code = follow_once(invocation, strbuf_span(&path).at, &follower);
		if (code != EXIT_UNREACHABLE)
			break;
		code = EXIT_DONE;
		sse_restart(&follower.sse);
		pause_us(AGAIN_US);
	}
	answer_fini(&probe);
	sse_fini(&follower.sse);
	strbuf_fini(&path);
	return code;
}

int past_events(const struct invocation *invocation)
{
	if (invocation->arguments->given & OPTION_FOLLOW)
		return follow(invocation);
	return show_past(invocation, ADMIN_EVENTS,
			 is_brief(invocation->arguments) ? page_events_in_brief : page_events);
}

int past_requests(const struct invocation *invocation)
{
	return show_past(invocation, ADMIN_REQUESTS, page_requests);
}

static void page_operation(const json_t *operation, struct strbuf *out)
{
	json_t *array = json_array();

	json_array_append(array, (json_t *)operation);
	page_operations(array, out);
	json_decref(array);
}

int past_operations(const struct invocation *invocation)
{
	struct strbuf path;
	int code;

	if (invocation->operand_count == 0)
		return show(invocation, ADMIN_OPERATIONS, JSON_ARRAY, page_operations);
	strbuf_init(&path);
	strbuf_text(&path, ADMIN_OPERATIONS "/");
	ask_escape(&path, invocation->operands[0]);
	code = show(invocation, strbuf_span(&path).at, JSON_OBJECT, page_operation);
	strbuf_fini(&path);
	return code;
}
