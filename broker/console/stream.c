#include "broker/console/stream.h"

#include <stdio.h>
#include <string.h>
#include "broker/console/ask.h"
#include "broker/console/console.h"
#include "broker/console/pause.h"
#include "common/clock.h"
#include "proto/admin_api.h"

/* Before one that broke off is asked for again. */
#define AGAIN_US US_PER_S

/* All up to here has been handled. */
static bool note_place(struct stream *stream)
{
	snprintf(stream->place, sizeof(stream->place), "%s", stream->sse.id);
	stream->done = stream->reached && !stream->reached(stream->context, stream->place);
	return !stream->done;
}

static bool take_event(void *context, struct span data)
{
	struct stream *stream = context;

	stream->done = !stream->event(stream->context, data);
	return !stream->done && note_place(stream);
}

/* A place may also be told without an event. */
static bool take_piece(void *context, struct span piece)
{
	struct stream *stream = context;

	if (!sse_take(&stream->sse, piece))
		return false;
	return strcmp(stream->place, stream->sse.id) == 0 || note_place(stream);
}

/* One connection's worth. EXIT_UNREACHABLE: it broke off, or there is none. */
static int follow_once(struct stream *stream)
{
	struct client_request request = {
		.method = "GET",
		.path = stream->path,
		.piece = take_piece,
		.context = stream,
		.last_event_id = stream->place[0] ? stream->place : NULL,
	};
	struct answer answer;
	char why[CLIENT_WHY_MAX];
	enum wsb_err err;
	int code = EXIT_UNREACHABLE;

	answer_init(&answer);
	err = client_ask(stream->client, &request, &answer.status, &answer.body, why);
	if (stream->done) {
		code = EXIT_DONE;
	} else if (err == WSB_OK && answer.status != 200) {
		answer.value = json_loadb(strbuf_span(&answer.body).at, answer.body.len, 0, NULL);
		code = ask_refused(stream->client, &answer);
	} else if (err != WSB_OK && err != WSB_EUNAVAIL) {
		code = ask_unreachable(stream->client, err, why);
	}
	answer_fini(&answer);
	return code;
}

int stream_follow(struct stream *stream)
{
	struct answer probe;
	int code;

	sse_init(&stream->sse, take_event, stream);
	answer_init(&probe);
	code = ask(stream->client, "GET", ADMIN_STATUS, NULL, &probe);
	while (code == EXIT_DONE) {
		code = follow_once(stream);
		if (code != EXIT_UNREACHABLE)
			break;
		code = EXIT_DONE;
		sse_restart(&stream->sse);
		pause_us(AGAIN_US);
	}
	answer_fini(&probe);
	sse_fini(&stream->sse);
	return code;
}
