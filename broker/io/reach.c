#include "broker/io/reach.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "broker/io/tls.h"

#define COMPLAINT_MAX 160

static void schedule(struct reach *reach)
{
	if (!list_is_linked(&reach->step))
		list_append(reach->steps, &reach->step);
}

void reach_init(struct reach *reach, struct ws_context *context, const struct reach_events *events,
		struct list *steps, struct stream *stream)
{
	reach->events = events;
	reach->context = context;
	reach->steps = steps;
	reach->stream = stream;
	reach->stage = REACH_IDLE;
	reach->query = NULL;
	reach->ssl_context = NULL;
	list_node_init(&reach->step);
}

/* A reload may replace the context of the dials to come while this one is under way. */
static void release_context(struct reach *reach)
{
	tls_context_destroy(reach->ssl_context);
	reach->ssl_context = NULL;
}

void reach_give_up(struct reach *reach)
{
	if (reach->query)
		resolver_forget(reach->query);
	reach->query = NULL;
	list_remove(reach->steps, &reach->step);
	reach->stage = REACH_IDLE;
	release_context(reach);
}

static void fail(struct reach *reach, const char *cause, const char *text)
{
	reach_give_up(reach);
	reach->events->failed(reach, cause, text);
}

const char *reach_cause(const struct reach *reach)
{
	switch (reach->stage) {
	case REACH_RESOLVING:
		return "dns";
	case REACH_SECURING:
		return "tls";
	default:
		return "connect";
	}
}

static void finish(struct reach *reach)
{
	reach->stage = REACH_IDLE;
	release_context(reach);
	reach->events->done(reach);
}

static void shake(struct reach *reach)
{
	struct stream *stream = reach->stream;
	char text[COMPLAINT_MAX] = "the peer hung up";
	enum stream_verdict verdict = stream_shake(stream);

	if (verdict == STREAM_DONE) {
		finish(reach);
		return;
	}
	if (verdict == STREAM_BLOCKED) {
		stream_watch(stream, stream->read_needs);
		return;
	}
	if (stream->broken)
		tls_complaint(stream->ssl, text, sizeof(text));
	else if (verdict == STREAM_FAILED)
		snprintf(text, sizeof(text), "%s", strerror(errno));
	fail(reach, "tls", text);
}

static void on_connected(struct reach *reach)
{
	int error = stream_connect_error(reach->stream);

	if (error) {
		/* There may be another address. */
		reach->error = error;
		reach->address_at++;
		stream_close(reach->stream);
		schedule(reach);
	} else if (!reach->target->tls) {
		finish(reach);
	} else {
		reach->stage = REACH_SECURING;
		if (stream_secure(reach->stream, reach->ssl_context, reach->target->host,
				  reach->verify))
			fail(reach, "tls", "no session could be begun");
		else
			shake(reach);
	}
}

static void on_ready(void *context, int events)
{
	struct reach *reach = context;

	(void)events;
	if (reach->stage == REACH_CONNECTING)
		on_connected(reach);
	else if (reach->stage == REACH_SECURING)
		shake(reach);
}

/* 0, or an errno. */
static int connect_to(struct reach *reach, const char *address)
{
	const struct ws_target *target = reach->target;
	uv_loop_t *uv = &reach->context->loop->uv;

	if (target->unix_path)
		return stream_connect_unix(reach->stream, uv, target->unix_path, on_ready, reach);
	return stream_connect_tcp(reach->stream, uv, address, target->port, on_ready, reach);
}

/* One address after the other, until one lets us in or all have been tried. */
static void connect_next(struct reach *reach)
{
	while (!reach->context->ending && reach->address_at < reach->answer.count) {
		reach->error = connect_to(reach, reach->answer.addresses[reach->address_at]);
		if (!reach->error)
			return;
		reach->address_at++;
	}
	fail(reach, "connect",
	     reach->error ? strerror(reach->error) : "no address could be reached");
}

static void on_resolved(void *context, const struct resolver_answer *answer)
{
	struct reach *reach = context;

	reach->query = NULL;
	reach->answer = *answer;
	if (answer->count == 0) {
		fail(reach, "dns", answer->error);
		return;
	}
	reach->stage = REACH_CONNECTING;
	schedule(reach);
}

static void resolve(struct reach *reach)
{
	const struct ws_target *target = reach->target;
	const char *address = target->address ? target->address : target->host;
	uv_loop_t *uv = &reach->context->loop->uv;

	if (target->unix_path || resolver_is_address(address)) {
		reach->answer.count = 1;
		if (!target->unix_path)
			snprintf(reach->answer.addresses[0], RESOLVER_TEXT_MAX, "%s", address);
		reach->stage = REACH_CONNECTING;
		schedule(reach);
		return;
	}
	if (resolver_ask(&reach->query, uv, target->host, on_resolved, reach))
		fail(reach, "dns", "the look-up could not begin");
}

void reach_begin(struct reach *reach, const struct ws_target *target, void *ssl_context,
		 bool verify)
{
	reach->target = target;
	reach->ssl_context = tls_context_hold(ssl_context);
	reach->verify = verify;
	reach->stage = REACH_RESOLVING;
	reach->address_at = 0;
	reach->error = 0;
	reach->answer.count = 0;
	schedule(reach);
}

/* A step may add another one, of the same reach or of a new one: those wait for the next turn. */
void reach_turn(struct list *steps)
{
	for (size_t left = steps->count; left > 0; left--) {
		struct list_node *node = list_pop(steps);
		struct reach *reach;

		if (!node)
			return;
		reach = list_entry(node, struct reach, step);
		if (reach->stage == REACH_RESOLVING)
			resolve(reach);
		else if (reach->stage == REACH_CONNECTING)
			connect_next(reach);
	}
}
