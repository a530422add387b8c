#include <stdio.h>
#include <stdlib.h>

#include "broker/tool/answer.h"
#include "broker/tool/commands.h"
#include "broker/tool/pretty.h"
#include "broker/tool/request.h"
#include "broker/tool/station.h"
#include "common/clock.h"
#include "common/inbox.h"

#define REQUEST_ID 1

#define REQUEST_BYTES_MAX ((size_t)64 * 1024 * 1024)

/* For the peer's close frame, once the answer is there. */
#define GOODBYE_US (US_PER_S / 2)

enum call_stage {
	CALL_CONNECTING,
	CALL_WAITING, /* for the answer */
	CALL_ANSWERED,
	CALL_FAILED,
};

struct call {
	struct station station;
	struct ws_client client;
	struct outbox outbox;
	struct inbox inbox;
	struct envelope *envelope;
	struct request request;
	const struct tool_arguments *arguments;
	enum call_stage stage;
	bool over; /* the connection */
	uint64_t deadline_us;
	int code;
};

static struct call *call_of(struct ws_client *client)
{
	return list_entry(client, struct call, client);
}

/* Says so and ends; code is the exit code. */
static void fail(struct call *call, int code, const char *what)
{
	if (call->stage >= CALL_ANSWERED)
		return;
	tool_complain("call", call->arguments->url, what);
	call->stage = CALL_FAILED;
	call->code = code;
	loop_stop(&call->station.loop);
}

static void on_opened(struct ws_client *client)
{
	struct call *call = call_of(client);
	struct span pieces[REQUEST_PIECES];

	call->stage = CALL_WAITING;
	call->deadline_us = clock_monotonic_us() + call->arguments->timeout_us;
	if (request_pieces(&call->request, REQUEST_ID, 0, pieces) ||
	    station_send(&call->station, client, pieces, REQUEST_PIECES))
		fail(call, TOOL_FAILED, "the request is too large");
}

static bool is_ours(const struct message *message)
{
	uint64_t id;

	return !message->batch && message->flaw == FLAW_NONE && !message->method.at &&
	       own_id_read(ID_INTEGER, ENCODING_JSON, message->id, &id) && id == REQUEST_ID;
}

/* An answer without an id belongs to nobody, unless it says that nobody could read what was asked.
 */
static bool is_refusal(const struct message *message)
{
	return !message->batch && message->flaw == FLAW_NONE && message->id_is_null &&
	       message->failed;
}

static void print(struct call *call, const struct message *message)
{
	bool raw = call->arguments->json;
	struct strbuf text;

	strbuf_init(&text);
	if (raw) {
		one_line_json(message->text, &text);
		strbuf_text(&text, "\n");
	} else if (message->failed) {
		answer_error(message->error, &text);
	} else {
		answer_result(message, &text);
	}
	call->code = message->failed ? TOOL_FAILED : TOOL_DONE;
	if (text.failed || fputs(text.text, message->failed && !raw ? stderr : stdout) < 0 ||
	    fflush(stdout) != 0)
		call->code = TOOL_FAILED;
	strbuf_fini(&text);
}

/* Pushes, and what answers nothing that was asked, are passed over. */
static void on_message(struct call *call, bool binary, struct span text)
{
	struct message message;

	if (encoding_of_frame(binary, text) != ENCODING_JSON ||
	    envelope_scan(call->envelope, FROM_UPSTREAM, ENCODING_JSON, text, &message))
		return;
	if (!is_ours(&message) && !is_refusal(&message))
		return;
	if (!message.failed && !message.result.at) {
		fail(call, TOOL_FAILED, "the answer has neither a result nor an error");
		return;
	}
	print(call, &message);
	call->stage = CALL_ANSWERED;
	call->deadline_us = clock_monotonic_us() + GOODBYE_US;
	ws_client_close(&call->client, 1000, span_of("", 0));
}

static void on_data(struct ws_client *client, bool binary, struct span piece, uint64_t frame_left,
		    bool ends_message)
{
	struct call *call = call_of(client);
	struct span message;

	if (call->stage != CALL_WAITING)
		return;
	switch (inbox_add(&call->inbox, piece, frame_left == 0, ends_message, ANSWER_BYTES_MAX,
			  ANSWER_FRAMES_MAX, &message)) {
	case INBOX_MORE:
		return;
	case INBOX_COMPLETE:
		on_message(call, binary, message);
		return;
	default:
		fail(call, TOOL_FAILED, "the answer is too large");
	}
}

static void on_closed(struct ws_client *client, const struct ws_end *end)
{
	struct call *call = call_of(client);
	char why[WS_CLIENT_TEXT_MAX + 16];

	call->over = true;
	outbox_fini(&call->outbox);
	inbox_fini(&call->inbox);
	if (call->stage == CALL_ANSWERED)
		loop_stop(&call->station.loop);
	snprintf(why, sizeof(why), "%s%s%.*s", end->cause, end->text.len > 0 ? ": " : "",
		 (int)end->text.len, end->text.at);
	if (call->stage == CALL_CONNECTING) {
		call->code = tool_not_connected("call", call->arguments->url, end->status, why);
		call->stage = CALL_FAILED;
		loop_stop(&call->station.loop);
	} else if (call->stage == CALL_WAITING) {
		fprintf(stderr, "wsbroker call: the connection was lost before the answer came\n");
		fail(call, TOOL_FAILED, why);
	}
}

static const struct ws_client_events events = {
	.headers = station_headers,
	.opened = on_opened,
	.data = on_data,
	.closed = on_closed,
};

static void on_turn(void *context)
{
	struct call *call = context;

	station_turn(&call->station);
}

static void on_tick(void *context, uint64_t now_us, uint64_t lag_us)
{
	struct call *call = context;

	(void)lag_us;
	station_tick(&call->station, now_us);
	if (call->stage == CALL_WAITING && now_us >= call->deadline_us)
		fail(call, TOOL_FAILED, "no answer within --timeout");
	else if (call->stage == CALL_ANSWERED && now_us >= call->deadline_us)
		loop_stop(&call->station.loop);
}

static void on_stop_asked(void *context)
{
	fail(context, TOOL_FAILED, "interrupted");
}

static const struct loop_hooks hooks = {
	.turn = on_turn,
	.tick = on_tick,
	.stop_asked = on_stop_asked,
};

/* False: something did not end, and call must not be freed. */
static bool dial_and_wait(struct call *call)
{
	char why[256];
	enum wsb_err err = station_open(&call->station, call->arguments, 1, &hooks, &events, call,
					why, sizeof(why));

	if (err) {
		fprintf(stderr, "wsbroker call: %s\n", why);
		call->code = err == WSB_EINVAL ? TOOL_USAGE : TOOL_FAILED;
		return true;
	}
	outbox_init(&call->outbox, &call->station.chunks, REQUEST_BYTES_MAX);
	inbox_init(&call->inbox, NULL);
	station_dial(&call->station, &call->client, &call->outbox);
	loop_run(&call->station.loop);
	if (!call->over)
		ws_client_drop(&call->client, "asked", "");
	return station_close(&call->station);
}

static enum wsb_err prepare(struct call *call)
{
	const struct call_arguments *arguments = &call->arguments->call;
	char why[128];
	enum wsb_err err = envelope_create(&call->envelope, NULL, why, sizeof(why));

	return err ? err
		   : request_init(&call->request, arguments->method, arguments->params, false,
				  arguments->explain);
}

int call_run(const struct tool_arguments *arguments)
{
	struct call *call = calloc(1, sizeof(*call));
	bool ended = true;
	int code;

	if (!call)
		return TOOL_FAILED;
	call->arguments = arguments;
	call->code = TOOL_FAILED;
	if (prepare(call))
		fprintf(stderr, "wsbroker call: out of memory\n");
	else
		ended = dial_and_wait(call);
	code = call->code;
	if (ended) {
		request_fini(&call->request);
		envelope_destroy(call->envelope);
		free(call);
	}
	return code;
}
