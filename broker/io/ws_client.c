#include "broker/io/ws_client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "broker/io/dial_headers.h"
#include "broker/io/entropy.h"
#include "broker/io/tls.h"
#include "broker/io/ws_frames.h"

static const char *const stage_causes[] = {
	[CLIENT_RESOLVING] = "dns",	[CLIENT_CONNECTING] = "connect", [CLIENT_SECURING] = "tls",
	[CLIENT_UPGRADING] = "upgrade", [CLIENT_OPEN] = "eof",
};

static struct ws_client *client_of(struct wire *wire)
{
	return list_entry(wire, struct ws_client, wire);
}

static void schedule(struct ws_client *client)
{
	if (!list_is_linked(&client->step))
		list_append(&client->group->steps, &client->step);
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

	on_fault(wire, stage_causes[client->stage], client->group->late);
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

	if (client->query)
		resolver_forget(client->query);
	client->query = NULL;
	list_remove(&client->group->steps, &client->step);
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

static void on_resolved(void *context, const struct resolver_answer *answer)
{
	struct ws_client *client = context;

	client->query = NULL;
	client->answer = *answer;
	if (answer->count == 0) {
		ws_client_drop(client, "dns", answer->error);
		return;
	}
	client->stage = CLIENT_CONNECTING;
	schedule(client);
}

static void resolve(struct ws_client *client)
{
	const struct ws_target *target = client->target;
	uv_loop_t *uv = &client->group->context->loop->uv;

	if (target->unix_path || resolver_is_address(target->host)) {
		client->answer.count = 1;
		if (!target->unix_path)
			snprintf(client->answer.addresses[0], RESOLVER_TEXT_MAX, "%s",
				 target->host);
		client->stage = CLIENT_CONNECTING;
		schedule(client);
		return;
	}
	if (resolver_ask(&client->query, uv, target->host, on_resolved, client))
		ws_client_drop(client, "dns", "the look-up could not begin");
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
	const char *cause = stage_causes[client->stage];

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

static void shake(struct ws_client *client)
{
	enum stream_verdict verdict = stream_shake(&client->wire.stream);

	if (verdict == STREAM_DONE)
		begin_upgrade(client);
	else
		on_obstacle(client, verdict, client->wire.stream.read_needs);
}

/* There may be another address. */
static void on_connect_failed(struct ws_client *client, int error)
{
	client->error = error;
	client->address_at++;
	stream_close(&client->wire.stream);
	schedule(client);
}

static void on_connected(struct ws_client *client)
{
	struct ws_client_group *group = client->group;
	int error = stream_connect_error(&client->wire.stream);

	if (error) {
		on_connect_failed(client, error);
	} else if (!client->target->tls) {
		begin_upgrade(client);
	} else {
		client->stage = CLIENT_SECURING;
		if (stream_secure(&client->wire.stream, group->ssl_context, client->target->host,
				  group->verify))
			ws_client_drop(client, "tls", "no session could be begun");
		else
			shake(client);
	}
}

static void on_ready(void *context, int events)
{
	struct ws_client *client = context;

	switch (client->stage) {
	case CLIENT_CONNECTING:
		on_connected(client);
		return;
	case CLIENT_SECURING:
		shake(client);
		return;
	case CLIENT_UPGRADING:
		go_on_upgrading(client);
		return;
	case CLIENT_OPEN:
		ws_frames_ready(&client->wire, events);
		return;
	default:
		return;
	}
}

/* 0, or an errno. */
static int connect_to(struct ws_client *client, const char *address)
{
	const struct ws_target *target = client->target;
	uv_loop_t *uv = &client->group->context->loop->uv;

	if (target->unix_path)
		return stream_connect_unix(&client->wire.stream, uv, target->unix_path, on_ready,
					   client);
	return stream_connect_tcp(&client->wire.stream, uv, address, target->port, on_ready,
				  client);
}

/* One address after the other, until one lets us in or all have been tried. */
static void connect_next(struct ws_client *client)
{
	while (!client->group->context->ending && client->address_at < client->answer.count) {
		client->error = connect_to(client, client->answer.addresses[client->address_at]);
		if (!client->error)
			return;
		client->address_at++;
	}
	ws_client_drop(client, "connect",
		       client->error ? strerror(client->error) : "no address could be reached");
}

static void take_step(struct ws_client *client)
{
	switch (client->stage) {
	case CLIENT_RESOLVING:
		resolve(client);
		return;
	case CLIENT_CONNECTING:
		connect_next(client);
		return;
	default:
		return;
	}
}

void ws_client_dial(struct ws_client *client, struct ws_client_group *group,
		    const struct ws_target *target, struct outbox *outbox, uint64_t deadline_us)
{
	memset(client, 0, offsetof(struct ws_client, answer));
	client->answer.count = 0;
	client->text[0] = '\0';
	wire_init(&client->wire, group->context, &wire_events, true);
	client->group = group;
	client->target = target;
	client->outbox = outbox;
	list_node_init(&client->step);
	list_node_init(&client->member);
	list_append(&group->clients, &client->member);
	upgrade_init(&client->upgrade);
	wire_give_time(&client->wire, deadline_us);
	schedule(client);
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

/* A step may add another one, of the same client or of a new one: those wait for the next turn. */
void ws_client_group_turn(struct ws_client_group *group)
{
	for (size_t left = group->steps.count; left > 0; left--) {
		struct list_node *node = list_pop(&group->steps);

		if (!node)
			return;
		take_step(list_entry(node, struct ws_client, step));
	}
}
