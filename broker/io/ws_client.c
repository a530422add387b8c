#include "broker/io/ws_client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "broker/io/dial_headers.h"
#include "broker/io/entropy.h"
#include "broker/io/tls.h"
#include "broker/io/ws_frames.h"

static struct ws_client *client_of(struct wire *wire)
{
	return list_entry(wire, struct ws_client, wire);
}

/* What fails when it fails now. */
static const char *stage_cause(const struct ws_client *client)
{
	switch (client->stage) {
	case CLIENT_REACHING:
		return reach_cause(&client->reach);
	case CLIENT_UPGRADING:
		return "upgrade";
	default:
		return "eof";
	}
}

/* The first cause is the one that counts: later ones follow from it. */
static void on_fault(struct wire *wire, const char *cause, const char *text)
{
	struct ws_client *client = client_of(wire);

	if (client->end.cause)
		return;
	client->end.cause = cause;
	snprintf(client->text, sizeof(client->text), "%s", text);
}

static void on_late(struct wire *wire)
{
	struct ws_client *client = client_of(wire);

	on_fault(wire, stage_cause(client), client->group->late);
}

static void on_data(struct wire *wire, bool binary, struct span piece, uint64_t frame_left,
		    bool ends_message)
{
	struct ws_client *client = client_of(wire);

	client->group->events->data(client, binary, piece, frame_left, ends_message);
}

static void on_pong(struct wire *wire)
{
	struct ws_client *client = client_of(wire);

	if (client->group->events->pong)
		client->group->events->pong(client);
}

static void on_dropped(struct wire *wire)
{
	struct ws_client *client = client_of(wire);

	reach_give_up(&client->reach);
}

/* The last thing that happens to a client. */
static void on_ended(struct wire *wire)
{
	struct ws_client *client = client_of(wire);
	struct ws_end end = client->end;

	if (client->asked)
		end.cause = "asked";
	else if (!end.cause)
		end.cause = "eof";
	end.code = wire->peer_code;
	end.text = wire->peer_closed ? wire_peer_reason(wire) : span_text(client->text);
	list_remove(&client->group->clients, &client->member);
	upgrade_end(&client->upgrade);
	client->group->events->closed(client, &end);
}

static const struct wire_events wire_events = {.data = on_data,
					       .pong = on_pong,
					       .late = on_late,
					       .fault = on_fault,
					       .dropped = on_dropped,
					       .ended = on_ended};

struct ws_client *ws_client_of(struct wire *wire)
{
	return wire->events == &wire_events ? client_of(wire) : NULL;
}

/* What has been received belongs to the upgrade, or to the frames behind it. */
static void on_upgraded(struct ws_client *client, char *rest, size_t len)
{
	upgrade_end(&client->upgrade);
	client->stage = CLIENT_OPEN;
	wire_opened(&client->wire, client->outbox);
	client->group->events->opened(client);
	ws_frames_take(&client->wire, rest, len);
	ws_frames_watch(&client->wire);
}

static void on_refused(struct ws_client *client, const struct upgrade_refusal *refusal)
{
	char text[WS_CLIENT_TEXT_MAX];

	client->end.status = refusal->status;
	if (refusal->why)
		snprintf(text, sizeof(text), "%s", refusal->why);
	else
		snprintf(text, sizeof(text), "the upgrade was answered with status %u",
			 refusal->status);
	ws_client_drop(client, "upgrade", text);
}

/* The socket waits for something, or the handshake has failed. */
static void on_obstacle(struct ws_client *client, enum stream_verdict verdict, int needs)
{
	char text[WS_CLIENT_TEXT_MAX] = "the peer hung up";
	const char *cause = stage_cause(client);

	if (verdict == STREAM_BLOCKED) {
		stream_watch(&client->wire.stream, needs);
		return;
	}
	if (client->wire.stream.broken) {
		cause = "tls";
		tls_complaint(client->wire.stream.ssl, text, sizeof(text));
	} else if (verdict == STREAM_FAILED) {
		snprintf(text, sizeof(text), "%s", strerror(errno));
	}
	ws_client_drop(client, cause, text);
}

static void read_answer(struct ws_client *client)
{
	char *bytes = client->group->context->received;

	for (;;) {
		struct upgrade_refusal refusal;
		size_t len, used;
		enum stream_verdict verdict =
			stream_read(&client->wire.stream, bytes, WS_RECEIVED_BYTES, &len);

		if (verdict != STREAM_DONE) {
			on_obstacle(client, verdict, client->wire.stream.read_needs);
			return;
		}
		switch (upgrade_take(&client->upgrade, span_of(bytes, len), &used, &refusal)) {
		case UPGRADE_MORE:
			break;
		case UPGRADE_ACCEPTED:
			on_upgraded(client, bytes + used, len - used);
			return;
		case UPGRADE_REFUSED:
			on_refused(client, &refusal);
			return;
		}
	}
}

static void go_on_upgrading(struct ws_client *client)
{
	struct span request = strbuf_span(&client->upgrade.request);

	while (client->request_sent < request.len) {
		size_t len;
		enum stream_verdict verdict =
			stream_write(&client->wire.stream,
				     span_of(request.at + client->request_sent,
					     request.len - client->request_sent),
				     &len);

		if (verdict != STREAM_DONE) {
			on_obstacle(client, verdict, client->wire.stream.write_needs);
			return;
		}
		client->request_sent += len;
	}
	read_answer(client);
}

static void begin_upgrade(struct ws_client *client)
{
	const struct ws_target *target = client->target;
	const struct ws_client_events *events = client->group->events;
	char host[DIAL_HOST_MAX] = "localhost";
	char headers[UPGRADE_HEAD_MAX];
	char *end = headers;
	struct upgrade_request request = {
		.host = host, .path = target->path, .subprotocol = client->group->subprotocol};

	client->stage = CLIENT_UPGRADING;
	if (!target->unix_path)
		dial_host_write(target->host, target->port, target->tls, host);
	if (events->headers && events->headers(client, &end, sizeof(headers))) {
		ws_client_drop(client, "upgrade", "the headers are too long");
		return;
	}
	request.headers = span_of(headers, (size_t)(end - headers));
	entropy_fill(request.nonce, sizeof(request.nonce));
	if (upgrade_begin(&client->upgrade, &request))
		ws_client_drop(client, "upgrade", "no memory for the request");
	else
		go_on_upgrading(client);
}

static void on_ready(void *context, int events)
{
	struct ws_client *client = context;

	if (client->stage == CLIENT_UPGRADING)
		go_on_upgrading(client);
	else if (client->stage == CLIENT_OPEN)
		ws_frames_ready(&client->wire, events);
}

static void on_reached(struct reach *reach)
{
	struct ws_client *client = list_entry(reach, struct ws_client, reach);

	stream_hand(&client->wire.stream, on_ready, client);
	begin_upgrade(client);
}

static void on_unreached(struct reach *reach, const char *cause, const char *text)
{
	ws_client_drop(list_entry(reach, struct ws_client, reach), cause, text);
}

static const struct reach_events reach_events = {.done = on_reached, .failed = on_unreached};

void ws_client_dial(struct ws_client *client, struct ws_client_group *group,
		    const struct ws_target *target, struct outbox *outbox, uint64_t deadline_us)
{
	memset(client, 0, offsetof(struct ws_client, reach));
	client->text[0] = '\0';
	wire_init(&client->wire, group->context, &wire_events, true);
	client->group = group;
	client->target = target;
	client->outbox = outbox;
	list_node_init(&client->member);
	list_append(&group->clients, &client->member);
	upgrade_init(&client->upgrade);
	reach_init(&client->reach, group->context, &reach_events, &group->steps,
		   &client->wire.stream);
	wire_give_time(&client->wire, deadline_us);
	reach_begin(&client->reach, target, group->ssl_context, group->verify);
}

void ws_client_drop(struct ws_client *client, const char *cause, const char *text)
{
	wire_fail(&client->wire, cause, text);
}

void ws_client_close(struct ws_client *client, uint16_t code, struct span reason)
{
	if (client->stage != CLIENT_OPEN) {
		ws_client_drop(client, "asked", "");
		return;
	}
	client->asked = true;
	wire_close(&client->wire, code, reason);
}

enum wsb_err ws_client_group_init(struct ws_client_group *group, struct ws_context *context,
				  const struct ws_client_events *events,
				  const struct pool_tls_settings *tls, struct strbuf *errors)
{
	*group = (struct ws_client_group){.context = context, .events = events};
	group->late = "it took too long";
	list_init(&group->clients);
	list_init(&group->steps);
	if (!tls)
		return WSB_OK;
	group->verify = tls->verify;
	return tls_client_create(&group->ssl_context, tls, errors);
}

void ws_client_group_end(struct ws_client_group *group)
{
	list_each(&group->clients, node) {
		struct ws_client *client = list_entry(node, struct ws_client, member);

		client->asked = true;
		ws_client_drop(client, "asked", "");
	}
}

void ws_client_group_fini(struct ws_client_group *group)
{
	tls_context_destroy(group->ssl_context);
	*group = (struct ws_client_group){0};
}

void ws_client_group_turn(struct ws_client_group *group)
{
	reach_turn(&group->steps);
}
