#include "broker/console/past.h"

#include <stdio.h>
#include <string.h>
#include "broker/console/ask.h"
#include "broker/console/console.h"
#include "broker/console/pages_past.h"
#include "broker/console/show.h"
#include "broker/console/stream.h"
#include "proto/admin_api.h"

static void add_parameter(struct strbuf *path, const char *name, const char *value)
{
	if (!value)
		return;
	strbuf_text(path, strchr(strbuf_span(path).at, '?') ? "&" : "?");
	strbuf_text(path, name);
	strbuf_text(path, "=");
	ask_escape(path, value);
}

/* Appends "?since=...&pool=..." of the options that are there. */
static void add_query(const struct arguments *arguments, struct strbuf *path)
{
	add_parameter(path, "since", arguments->since);
	add_parameter(path, "until", arguments->until);
	add_parameter(path, "pool", arguments->pool);
	add_parameter(path, "type", arguments->type);
	add_parameter(path, "slow", arguments->given & OPTION_SLOW ? "true" : NULL);
	add_parameter(path, "failed", arguments->given & OPTION_FAILED ? "true" : NULL);
}

/* last: how many where nothing bounds them; NULL: as many as the broker likes. */
static int show_past(const struct invocation *invocation, const char *base, const char *last,
		     void (*page)(const json_t *answer, struct strbuf *out))
{
	struct strbuf path;
	int code;

	strbuf_init(&path);
	strbuf_text(&path, base);
	add_query(invocation->arguments, &path);
	if (!invocation->arguments->since)
		add_parameter(&path, "last", last);
	code = show(invocation, strbuf_span(&path).at, JSON_ARRAY, page);
	strbuf_fini(&path);
	return code;
}

/* What a stream is shown by. */
struct follower {
	bool json;
	bool brief;
	struct event_brief told; /* so far, where it is brief */
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
	} else if (event && !(follower->brief && event_brief_omits(&follower->told, event))) {
		line_of_event(event, &line);
	}
	written = fwrite(strbuf_span(&line).at, 1, line.len, stdout) == line.len &&
		  fflush(stdout) == 0;
	strbuf_fini(&line);
	json_decref(event);
	return written;
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
	struct stream stream = {
		.client = invocation->client,
		.event = put_event,
		.context = &follower,
	};
	struct strbuf path;
	int code;

	event_brief_init(&follower.told);
	strbuf_init(&path);
	strbuf_text(&path, ADMIN_EVENTS);
	add_query(invocation->arguments, &path);
	stream.path = strbuf_span(&path).at;
	code = stream_follow(&stream);
	strbuf_fini(&path);
	event_brief_fini(&follower.told);
	return code == EXIT_DONE ? EXIT_FAILED : code;
}

int past_events(const struct invocation *invocation)
{
	const struct arguments *arguments = invocation->arguments;

	if (arguments->given & OPTION_FOLLOW && arguments->given & (OPTION_UNTIL | OPTION_WATCH))
		return ask_complain(EXIT_USAGE, "--follow goes on by itself",
				    "it takes neither --until nor --watch");
	if (invocation->arguments->given & OPTION_FOLLOW)
		return follow(invocation);
	/* In brief a night of failed dials is one line, behind which lies what went before. */
	if (is_brief(arguments) && !arguments->json)
		return show_past(invocation, ADMIN_EVENTS, "10000", page_events_in_brief);
	return show_past(invocation, ADMIN_EVENTS, NULL, page_events);
}

int past_requests(const struct invocation *invocation)
{
	return show_past(invocation, ADMIN_REQUESTS, NULL, page_requests);
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
