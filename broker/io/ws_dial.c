#include "broker/io/ws_dial.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "broker/io/dial_headers.h"
#include "common/clock.h"

static const char *const stage_causes[] = {
	[DIAL_RESOLVING] = "dns",     [DIAL_CONNECTING] = "connect", [DIAL_SECURING] = "tls",
	[DIAL_UPGRADING] = "upgrade", [DIAL_OPEN] = "eof",
};

static struct ws_dial *dial_of(struct wire *wire)
{
	return (struct ws_dial *)((char *)wire - offsetof(struct ws_dial, wire));
}

static void schedule(struct ws_dial *dial)
{
	struct ws_dialer *dialer = dial->dialer;

	if (!list_is_linked(&dial->step))
		list_append(&dialer->steps, &dial->step);
}

static void note_cause(struct ws_dial *dial, const char *cause, const char *text)
{
	if (dial->cause)
		return;
	dial->cause = cause;
	snprintf(dial->text, sizeof(dial->text), "%s", text);
}

/* The socket is gone, or there never was one. */
static void over(struct ws_dial *dial)
{
	dial->stage = DIAL_OVER;
	schedule(dial);
}

void ws_dial_give_up(struct ws_dial *dial, const char *cause, const char *text)
{
	note_cause(dial, cause, text);
	if (dial->query)
		resolver_forget(dial->query);
	dial->query = NULL;
	if (dial->wire.wsi)
		wire_abort(&dial->wire);
	else
		over(dial);
}

static void on_late(struct wire *wire)
{
	struct ws_dial *dial = dial_of(wire);

	ws_dial_give_up(dial, stage_causes[dial->stage], "limits.handshake has passed");
}

const struct wire_kind ws_dial_wire = {.masks = true, .late = on_late};

static void on_resolved(void *context, const struct resolver_answer *answer)
{
	struct ws_dial *dial = context;

	dial->query = NULL;
	dial->answer = *answer;
	if (answer->count == 0) {
		note_cause(dial, "dns", answer->error);
		over(dial);
		return;
	}
	dial->stage = DIAL_CONNECTING;
	schedule(dial);
}

static void resolve(struct ws_dial *dial)
{
	const char *host = dial->connection->endpoint->settings->host;

	if (resolver_is_address(host)) {
		dial->answer.count = 1;
		snprintf(dial->answer.addresses[0], RESOLVER_TEXT_MAX, "%s", host);
		dial->stage = DIAL_CONNECTING;
		schedule(dial);
		return;
	}
	if (resolver_ask(&dial->query, &dial->dialer->context->loop->uv, host, on_resolved, dial)) {
		note_cause(dial, "dns", "the look-up could not begin");
		over(dial);
	}
}

static int tls_flags(const struct ws_dial *dial)
{
	int flags = LCCSCF_HTTP_NO_FOLLOW_REDIRECT;

	if (!dial->connection->endpoint->settings->tls)
		return flags;
	flags |= LCCSCF_USE_SSL;
	if (!dial->pool->settings->tls.verify)
		flags |= LCCSCF_ALLOW_SELFSIGNED | LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK |
			 LCCSCF_ALLOW_EXPIRED | LCCSCF_ALLOW_INSECURE;
	return flags;
}

static void try_address(struct ws_dial *dial)
{
	const struct endpoint_settings *endpoint = dial->connection->endpoint->settings;
	char host[DIAL_HOST_MAX];
	struct lws_client_connect_info info = {0};

	dial_host_write(endpoint, host);
	info.context = dial->dialer->context->lws;
	info.vhost = dial->pool->vhost;
	info.address = dial->answer.addresses[dial->address_at];
	info.port = endpoint->port;
	info.path = endpoint->path;
	info.host = host;
	info.ssl_connection = tls_flags(dial);
	info.protocol = dial->pool->settings->subprotocol;
	info.local_protocol_name = ws_dial_protocols[0].name;
	info.ietf_version_or_minus_one = -1;
	info.alpn = "http/1.1";
	info.opaque_user_data = dial;
	info.retry_and_idle_policy = ws_context_no_keep_alive();
	dial->wire.state = WIRE_SHAKING;
	dial->wire.wsi = lws_client_connect_via_info(&info);
}

/* One address after the other, until one lets us in or all have been tried. */
static void connect_next(struct ws_dial *dial)
{
	while (!dial->dialer->context->ending && dial->address_at < dial->answer.count) {
		try_address(dial);
		if (dial->wire.wsi)
			return;
		dial->address_at++;
	}
	note_cause(dial, "connect", "no address could be reached");
	over(dial);
}

/* The last thing that happens to a dial. */
static void report_end(struct ws_dial *dial)
{
	struct ws_dialer *dialer = dial->dialer;
	struct wire *wire = &dial->wire;
	const char *cause = dial->asked ? "asked" : dial->cause ? dial->cause : "eof";
	struct span reason =
		wire->peer_closed ? wire_peer_reason(wire) : span_text(dial->text);

	list_remove(&dialer->dialing, &dial->dialing);
	list_remove(&dialer->steps, &dial->step);
	wire_ended(wire);
	engine_connection_closed(dialer->engine, dial->connection, cause, wire->peer_code, reason,
				 clock_monotonic_us());
	free(dial);
}

void ws_dial_step(struct ws_dial *dial)
{
	switch (dial->stage) {
	case DIAL_RESOLVING:
		resolve(dial);
		return;
	case DIAL_CONNECTING:
		connect_next(dial);
		return;
	case DIAL_OVER:
		report_end(dial);
		return;
	default:
		return;
	}
}

/* The library speaks of one failed attempt; while only TCP has failed there may be another address. */
static void on_failed(struct ws_dial *dial, struct lws *wsi, const char *text, size_t len)
{
	unsigned int status = lws_http_client_http_response(wsi);
	char line[DIAL_TEXT_MAX];

	lws_set_opaque_user_data(wsi, NULL);
	dial->wire.wsi = NULL;
	if (!dial->cause && dial->stage == DIAL_CONNECTING) {
		dial->address_at++;
		schedule(dial);
		return;
	}
	if (dial->stage == DIAL_UPGRADING && status != 0)
		snprintf(line, sizeof(line), "the upstream answered with status %u", status);
	else
		snprintf(line, sizeof(line), "%.*s", (int)(text ? len : 0), text ? text : "");
	note_cause(dial, stage_causes[dial->stage], line);
	over(dial);
}

static int on_established(struct ws_dial *dial)
{
	struct ws_dialer *dialer = dial->dialer;

	dial->stage = DIAL_OPEN;
	list_remove(&dialer->dialing, &dial->dialing);
	wire_opened(&dial->wire, &dial->connection->outbox);
	engine_connection_opened(dialer->engine, dial->connection, &dial->wire,
				 clock_monotonic_us());
	return 0;
}

static void on_closed(struct ws_dial *dial, struct lws *wsi)
{
	lws_set_opaque_user_data(wsi, NULL);
	if (dial->wire.peer_closed)
		note_cause(dial, "closed", "");
	else
		/* Without a word: either it has gone, or it broke the protocol and the library ended it. */
		note_cause(dial, wire_at_end(&dial->wire) ? "eof" : "protocol", "");
	dial->wire.wsi = NULL;
	report_end(dial);
}

static int on_received(struct ws_dial *dial, struct lws *wsi, const char *bytes, size_t len)
{
	if (dial->wire.state != WIRE_OPEN)
		return 0;
	engine_connection_data(dial->dialer->engine, dial->connection, lws_frame_is_binary(wsi),
			       span_of(bytes, len), lws_remaining_packet_payload(wsi) == 0,
			       lws_is_final_fragment(wsi), clock_monotonic_us());
	return 0;
}

/* The request is being written, so TCP and TLS stand. */
static int on_request(struct ws_dial *dial, char **at, size_t room)
{
	dial->stage = DIAL_UPGRADING;
	return dial_headers_append(dial->pool->settings, dial->connection->endpoint->settings, at,
				   room)
		       ? -1
		       : 0;
}

static int on_socket(struct ws_dial *dial, struct lws *wsi, enum lws_callback_reasons reason,
		     void *in, size_t len)
{
	switch ((int)reason) {
	case LWS_CALLBACK_WSI_CREATE:
		if (dial->connection->endpoint->settings->tls)
			dial->stage = DIAL_SECURING;
		return 0;
	case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
		return on_request(dial, in, len);
	case LWS_CALLBACK_CLIENT_ESTABLISHED:
		return on_established(dial);
	case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
		if (dial->wire.state == WIRE_OPEN)
			engine_connection_pong(dial->dialer->engine, dial->connection,
					       clock_monotonic_us());
		return 0;
	case LWS_CALLBACK_CLIENT_WRITEABLE:
		wire_flush(&dial->wire);
		return 0;
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
		wire_heard_close(&dial->wire, in, len);
		return -1;
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
	case LWS_CALLBACK_CLOSED_CLIENT_HTTP:
		on_failed(dial, wsi, in, len);
		return 0;
	case LWS_CALLBACK_CLIENT_CLOSED:
		on_closed(dial, wsi);
		return 0;
	default:
		return 0;
	}
}

/* Some callbacks come with a wsi that is none, and the end of a socket that never was one of ours
 * may be reported after its dial has been freed: only those that on_socket knows are followed. */
static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		    size_t len)
{
	struct ws_dial *dial;

	(void)user;
	switch ((int)reason) {
	case LWS_CALLBACK_CLIENT_RECEIVE:
		dial = lws_get_opaque_user_data(wsi);
		return dial ? on_received(dial, wsi, in, len) : -1;
	case LWS_CALLBACK_WSI_CREATE:
	case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
	case LWS_CALLBACK_CLIENT_ESTABLISHED:
	case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
	case LWS_CALLBACK_CLIENT_WRITEABLE:
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
	case LWS_CALLBACK_CLOSED_CLIENT_HTTP:
	case LWS_CALLBACK_CLIENT_CLOSED:
		dial = lws_get_opaque_user_data(wsi);
		return dial ? on_socket(dial, wsi, reason, in, len) : 0;
	case LWS_CALLBACK_OPENSSL_PERFORM_CLIENT_CERT_VERIFICATION:
		/* Of some listener's socket: OpenSSL's verdict stands. */
		return len == 1 ? 0 : 1;
	default:
		return 0;
	}
}

/* Large, so that many answers are taken with one read. */
#define RX_BUFFER_BYTES (64 * 1024)

const struct lws_protocols ws_dial_protocols[] = {
	{
		.name = "upstream",
		.callback = on_event,
		.rx_buffer_size = RX_BUFFER_BYTES,
		.tx_packet_size = WS_TX_PACKET_BYTES,
	},
	{.name = NULL},
};
