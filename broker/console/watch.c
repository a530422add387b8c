#include "broker/console/watch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "broker/console/ask.h"
#include "broker/console/console.h"
#include "broker/console/cursor.h"
#include "broker/console/handler.h"
#include "broker/console/pause.h"
#include "broker/console/stream.h"
#include "common/clock.h"
#include "proto/admin_api.h"
#include "proto/event.h"

/* Between two tries of a command that fails. */
#define TRY_FIRST_US (100 * US_PER_MS)
#define TRY_LAST_US  (30 * US_PER_S)

/* What becomes of each event. */
struct watch {
	const struct arguments *arguments;
	struct strbuf line;
	int code; /* with which it ends, once it has to */
};

/* Until the command has dealt with it: whatever follows must not overtake it. */
static bool hand_over(struct watch *watch)
{
	const char *command = watch->arguments->exec;
	uint64_t wait_us = TRY_FIRST_US;
	char why[64];
	int status = 0;

	for (;;) {
		if (handler_run(command, strbuf_span(&watch->line), &status) != WSB_OK) {
			watch->code = ask_complain(EXIT_FAILED, "--exec", strerror(errno));
			return false;
		}
		if (status == 0)
			return true;
		snprintf(why, sizeof(why), "ended with %d: the event is tried again in %.1f s",
			 status, (double)wait_us / (double)US_PER_S);
		ask_complain(EXIT_FAILED, "--exec", why);
		pause_us(wait_us);
		wait_us = wait_us * 2 < TRY_LAST_US ? wait_us * 2 : TRY_LAST_US;
	}
}

static bool print(struct watch *watch)
{
	const struct strbuf *line = &watch->line;

	if (fwrite(line->text, 1, line->len, stdout) == line->len && fflush(stdout) == 0)
		return true;
	watch->code = ask_complain(EXIT_FAILED, "the standard output", strerror(errno));
	return false;
}

static const char *type_of(const json_t *event)
{
	const char *type = json_string_value(json_object_get(event, "type"));

	return type ? type : "";
}

static bool take_event(void *context, struct span data)
{
	struct watch *watch = context;
	json_t *event = json_loadb(data.at, data.len, 0, NULL);
	bool beats = strcmp(type_of(event), event_type_name(EVENT_HEARTBEAT)) == 0;
	bool resync = strcmp(type_of(event), event_type_name(EVENT_RESYNC)) == 0;

	json_decref(event);
	if (beats)
		return true;
	strbuf_clear(&watch->line);
	strbuf_add(&watch->line, data);
	strbuf_text(&watch->line, "\n");
	if (watch->line.failed) {
		watch->code = ask_complain(EXIT_FAILED, "an event", "out of memory");
		return false;
	}
	if (!(watch->arguments->exec ? hand_over(watch) : print(watch)))
		return false;
	if (resync && watch->arguments->given & OPTION_FAIL_ON_RESYNC)
		watch->code = EXIT_RESYNC;
	return true;
}

/* The place behind a resync is kept as well, so that the next watch goes on behind it. */
static bool reached(void *context, const char *place)
{
	struct watch *watch = context;
	const char *file = watch->arguments->cursor;

	if (file && place[0] && cursor_save(file, place) != WSB_OK)
		watch->code = ask_complain(EXIT_FAILED, file, strerror(errno));
	return watch->code == EXIT_DONE;
}

/* False: it has been told. */
static bool begin_at(struct stream *stream, const char *file, int *code)
{
	enum wsb_err err = file ? cursor_load(file, stream->place) : WSB_OK;

	if (err == WSB_EINVAL)
		*code = ask_complain(EXIT_FAILED, file, "holds no position");
	else if (err)
		*code = ask_complain(EXIT_FAILED, file, strerror(errno));
	return err == WSB_OK;
}

static void add_parameter(struct strbuf *path, const char **separator, const char *name,
			  const char *value)
{
	strbuf_printf(path, "%s%s=", *separator, name);
	ask_escape(path, value);
	*separator = "&";
}

static void make_path(const struct arguments *arguments, struct strbuf *path)
{
	const char *separator = "?";

	strbuf_text(path, ADMIN_INVALIDATIONS);
	for (int i = 0; i < arguments->tags.count; i++)
		add_parameter(path, &separator, "tag", arguments->tags.at[i]);
	if (arguments->since)
		add_parameter(path, &separator, "since", arguments->since);
}

int watch_run(const struct invocation *invocation)
{
	struct watch watch = {.arguments = invocation->arguments, .code = EXIT_DONE};
	struct stream stream = {
		.client = invocation->client,
		.event = take_event,
		.reached = reached,
		.context = &watch,
	};
	struct strbuf path;
	int code;

	if (watch.arguments->given & OPTION_OUTPUT && !watch.arguments->json)
		return ask_complain(EXIT_USAGE, "watch", "events are JSON, one a line");
	if (!begin_at(&stream, watch.arguments->cursor, &code))
		return code;
	strbuf_init(&watch.line);
	strbuf_init(&path);
	make_path(watch.arguments, &path);
	stream.path = strbuf_span(&path).at;
	code = stream_follow(&stream);
	strbuf_fini(&path);
	strbuf_fini(&watch.line);
	return code == EXIT_DONE ? watch.code : code;
}
