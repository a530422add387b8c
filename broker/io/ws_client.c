#include "broker/io/ws_client.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include "broker/control/address.h"
#include "broker/io/dial_headers.h"
#include "broker/io/tls.h"

static const char protocol_name[] = "client";

static const char *const stage_causes[] = {
	[CLIENT_RESOLVING] = "dns",	[CLIENT_CONNECTING] = "connect", [CLIENT_SECURING] = "tls",
	[CLIENT_UPGRADING] = "upgrade", [CLIENT_OPEN] = "eof",
};

static void schedule(struct ws_client *client)
{
	if (!list_is_linked(&client->step))
		list_append(&client->group->steps, &client->step);
}

/* The first cause is the one that counts: later ones follow from it. */
static void note_cause(struct ws_client *client, const char *cause, const char *text)
{
	if (client->end.cause)
		return;
	client->end.cause = cause;
	snprintf(client->text, sizeof(client->text), "%s", text);
}

/* The socket is gone, or there never was one. */
static void over(struct ws_client *client)
{
	client->stage = CLIENT_OVER;
	schedule(client);
}

static void on_late(struct wire *wire)
{
	struct ws_client *client = list_entry(wire, struct ws_client, wire);

	ws_client_drop(client, stage_causes[client->stage], client->group->late);
}

static const struct wire_kind wire_kind = {.masks = true, .late = on_late};

struct ws_client *ws_client_of(struct wire *wire)
{
	return wire->kind == &wire_kind ? list_entry(wire, struct ws_client, wire) : NULL;
}

static void on_resolved(void *context, const struct resolver_answer *answer)
{
	struct ws_client *client = context;

	client->query = NULL;
	client->answer = *answer;
	if (answer->count == 0) {
		note_cause(client, "dns", answer->error);
		over(client);
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
	if (resolver_ask(&client->query, uv, target->host, on_resolved, client)) {
		note_cause(client, "dns", "the look-up could not begin");
		over(client);
	}
}

static int tls_flags(const struct ws_client *client)
{
	int flags = LCCSCF_HTTP_NO_FOLLOW_REDIRECT;

	if (!client->target->tls)
		return flags;
	flags |= LCCSCF_USE_SSL;
	if (!client->group->verify)
		flags |= LCCSCF_ALLOW_SELFSIGNED | LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK |
			 LCCSCF_ALLOW_EXPIRED | LCCSCF_ALLOW_INSECURE;
	return flags;
}

static void try_address(struct ws_client *client)
{
	const struct ws_target *target = client->target;
	struct lws_client_connect_info info = {0};
	char address[1 + UNIX_PATH_BYTES_MAX + 1];
	char host[DIAL_HOST_MAX];

	/* A path behind a plus sign is a Unix socket to the library. */
	if (target->unix_path)
		snprintf(address, sizeof(address), "+%s", target->unix_path);
	else
		snprintf(address, sizeof(address), "%s",
			 client->answer.addresses[client->address_at]);
	if (target->unix_path)
		snprintf(host, sizeof(host), "localhost");
	else
		dial_host_write(target->host, target->port, target->tls, host);
	info.context = client->group->context->lws;
	info.vhost = client->group->vhost;
	info.address = address;
	info.port = target->port;
	info.path = target->path;
	info.host = host;
	info.ssl_connection = tls_flags(client);
	info.protocol = client->group->subprotocol;
	info.local_protocol_name = protocol_name;
	info.ietf_version_or_minus_one = -1;
	info.alpn = "http/1.1";
	info.opaque_user_data = client;
	info.retry_and_idle_policy = ws_context_no_keep_alive();
	client->wire.state = WIRE_SHAKING;
	client->wire.wsi = lws_client_connect_via_info(&info);
}

/* One address after the other, until one lets us in or all have been tried. */
static void connect_next(struct ws_client *client)
{
	while (!client->group->context->ending && client->address_at < client->answer.count) {
		try_address(client);
		if (client->wire.wsi)
			return;
		ws_context_sweep(client->group->context);
		client->address_at++;
	}
	note_cause(client, "connect",
		   client->error ? strerror(client->error) : "no address could be reached");
	over(client);
}

/* The last thing that happens to a client. */
static void report_end(struct ws_client *client)
{
	struct wire *wire = &client->wire;
	struct ws_end end = client->end;

	if (client->asked)
		end.cause = "asked";
	else if (!end.cause)
		end.cause = "eof";
	end.code = wire->peer_code;
	end.text = wire->peer_closed ? wire_peer_reason(wire) : span_text(client->text);
	list_remove(&client->group->steps, &client->step);
	wire_ended(wire);
	client->group->events->closed(client, &end);
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
	case CLIENT_OVER:
		report_end(client);
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
	wire_init(&client->wire, group->context, &wire_kind);
	client->group = group;
	client->target = target;
	client->outbox = outbox;
	list_node_init(&client->step);
	wire_give_time(&client->wire, deadline_us);
	schedule(client);
}

void ws_client_drop(struct ws_client *client, const char *cause, const char *text)
{
	note_cause(client, cause, text);
	if (client->query)
		resolver_forget(client->query);
	client->query = NULL;
	if (client->wire.wsi)
		wire_abort(&client->wire);
	else
		over(client);
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

/* Why TCP has failed; 0 when the system does not know any more. */
static int connect_error(struct lws *wsi)
{
	int error = 0;
	socklen_t len = sizeof(error);

	return getsockopt(lws_get_socket_fd(wsi), SOL_SOCKET, SO_ERROR, &error, &len) ? 0 : error;
}

/* What the library says of a handshake that has failed, or what we know better. */
static void note_handshake_error(struct ws_client *client, struct lws *wsi, const char *text,
				 size_t len)
{
	unsigned int status = lws_http_client_http_response(wsi);
	const char *complaint = tls_client_complaint(wsi);
	char line[WS_CLIENT_TEXT_MAX];

	if (client->stage == CLIENT_UPGRADING && status != 0) {
		client->end.status = status;
		snprintf(line, sizeof(line), "the upgrade was answered with status %u", status);
	} else if (client->stage == CLIENT_SECURING && complaint) {
		snprintf(line, sizeof(line), "the certificate was refused: %s", complaint);
	} else {
		snprintf(line, sizeof(line), "%.*s", (int)(text ? len : 0), text ? text : "");
	}
	note_cause(client, stage_causes[client->stage], line);
}

/* The library speaks of one failed attempt; while only TCP has failed there may be another address.
 */
static void on_failed(struct ws_client *client, struct lws *wsi, const char *text, size_t len)
{
	lws_set_opaque_user_data(wsi, NULL);
	client->wire.wsi = NULL;
	if (!client->end.cause && client->stage == CLIENT_CONNECTING) {
		client->error = connect_error(wsi);
		client->address_at++;
		schedule(client);
		return;
	}
	note_handshake_error(client, wsi, text, len);
	over(client);
}

static int on_established(struct ws_client *client)
{
	client->stage = CLIENT_OPEN;
	wire_opened(&client->wire, client->outbox);
	client->group->events->opened(client);
	return 0;
}

static void on_closed(struct ws_client *client, struct lws *wsi)
{
	lws_set_opaque_user_data(wsi, NULL);
	if (client->wire.peer_closed)
		note_cause(client, "closed", "");
	else if (client->group->context->ending)
		note_cause(client, "asked", "");
	else
		/* Without a word: either it has gone, or it broke the protocol and the library
		 * ended it. */
		note_cause(client, wire_at_end(&client->wire) ? "eof" : "protocol", "");
	client->wire.wsi = NULL;
	report_end(client);
}

static int on_received(struct ws_client *client, struct lws *wsi, const char *bytes, size_t len)
{
	if (client->wire.state == WIRE_OPEN)
		client->group->events->data(client, lws_frame_is_binary(wsi), span_of(bytes, len),
					    lws_remaining_packet_payload(wsi),
					    lws_is_final_fragment(wsi));
	return 0;
}

/* The request is being written, so TCP and TLS stand. */
static int on_request(struct ws_client *client, char **at, size_t room)
{
	client->stage = CLIENT_UPGRADING;
	if (!client->group->events->headers)
		return 0;
	return client->group->events->headers(client, at, room) ? -1 : 0;
}

static int on_socket(struct ws_client *client, struct lws *wsi, enum lws_callback_reasons reason,
		     void *in, size_t len)
{
	switch ((int)reason) {
	case LWS_CALLBACK_WSI_CREATE:
		if (client->target->tls)
			client->stage = CLIENT_SECURING;
		return 0;
	case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
		return on_request(client, in, len);
	case LWS_CALLBACK_CLIENT_ESTABLISHED:
		return on_established(client);
	case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
		if (client->wire.state == WIRE_OPEN && client->group->events->pong)
			client->group->events->pong(client);
		return 0;
	case LWS_CALLBACK_CLIENT_WRITEABLE:
		wire_flush(&client->wire);
		return 0;
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
		wire_heard_close(&client->wire, in, len);
		return -1;
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
	case LWS_CALLBACK_CLOSED_CLIENT_HTTP:
		on_failed(client, wsi, in, len);
		return 0;
	case LWS_CALLBACK_CLIENT_CLOSED:
		on_closed(client, wsi);
		return 0;
	default:
		return 0;
	}
}

/* Some callbacks come with a wsi that is none, and the end of a socket that never was one of ours
 * may be reported after its client has gone: only those that on_socket knows are followed. */
static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		    size_t len)
{
	struct ws_client *client;

	(void)user;
	switch ((int)reason) {
	case LWS_CALLBACK_CLIENT_RECEIVE:
		client = lws_get_opaque_user_data(wsi);
		return client ? on_received(client, wsi, in, len) : -1;
	case LWS_CALLBACK_WSI_CREATE:
	case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
	case LWS_CALLBACK_CLIENT_ESTABLISHED:
	case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
	case LWS_CALLBACK_CLIENT_WRITEABLE:
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
	case LWS_CALLBACK_CLOSED_CLIENT_HTTP:
	case LWS_CALLBACK_CLIENT_CLOSED:
		client = lws_get_opaque_user_data(wsi);
		return client ? on_socket(client, wsi, reason, in, len) : 0;
	case LWS_CALLBACK_OPENSSL_PERFORM_CLIENT_CERT_VERIFICATION:
		/* Of some listener's socket: OpenSSL's verdict stands. */
		return len == 1 ? 0 : 1;
	default:
		return 0;
	}
}

/* Each group has a vhost of its own, since that is what the library hangs a client's TLS on. */
enum wsb_err ws_client_group_init(struct ws_client_group *group, struct ws_context *context,
				  const char *name, size_t rx_buffer_bytes,
				  const struct ws_client_events *events,
				  const struct pool_tls_settings *tls, struct strbuf *errors)
{
	struct lws_context_creation_info info = ws_context_vhost_info(name, group->protocols);

	*group = (struct ws_client_group){.context = context, .events = events};
	group->late = "it took too long";
	group->protocols[0] = (struct lws_protocols){
		.name = protocol_name,
		.callback = on_event,
		.rx_buffer_size = rx_buffer_bytes,
		.tx_packet_size = WS_TX_PACKET_BYTES,
	};
	list_init(&group->steps);
	info.port = CONTEXT_PORT_NO_LISTEN;
	if (tls) {
		enum wsb_err err = tls_client_create(&group->ssl_context, tls, errors);

		if (err)
			return err;
		group->verify = tls->verify;
		info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
		info.provided_client_ssl_ctx = group->ssl_context;
	}
	group->vhost = lws_create_vhost(context->lws, &info);
	return group->vhost ? WSB_OK : WSB_EIO;
}

void ws_client_group_fini(struct ws_client_group *group)
{
	tls_client_destroy(group->ssl_context);
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
