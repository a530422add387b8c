#include "broker/io/ws_server.h"

#include <stdlib.h>
#include <string.h>
#include "broker/io/http_post.h"
#include "broker/io/signature.h"
#include "broker/io/tls.h"
#include "broker/io/tunnel.h"
#include "common/clock.h"

static struct ws_server *server_of(const struct http_socket *socket)
{
	return socket->site->context;
}

static struct admission admission_of(const struct ws_server *server, const struct http_head *head,
				     bool upgrade)
{
	return (struct admission){
		.listener = server->index,
		.upgrade = upgrade,
		.method = head->method,
		.path = head->path,
		.query = head->query,
		.version = head->version,
		.key = head->key,
		.protocols = head->protocols,
		.origin = head->origin,
		.authorization = head->authorization,
		.content_length = head->content_length,
		.opening = server->context->opening,
		.wall_us = clock_wall_us(),
		.sha256 = tls_sha256,
		.verify = signature_is_right,
	};
}

/* With the address of the last of them. */
static void tell_refusal(const struct http_socket *socket, const struct admittance *verdict)
{
	char peer[STREAM_PEER_MAX];

	stream_peer(&socket->wire.stream, peer);
	log_event(server_of(socket)->context->log,
		  verdict->refusal == REFUSAL_DRAINING ? LOG_INFO : LOG_WARN, "client.refused",
		  log_text("reason", refusal_name(verdict->refusal)),
		  log_number("status", (uint64_t)verdict->status), log_text("peer", peer),
		  log_number("count", verdict->tell), log_text("detail", verdict->detail));
}

static void refuse(struct http_socket *socket, const struct admittance *verdict)
{
	const char *extra = NULL;

	if (verdict->tell > 0)
		tell_refusal(socket, verdict);
	if (verdict->status == 405)
		extra = verdict->tunnel ? "Allow: GET\r\n" : "Allow: GET, POST\r\n";
	else if (verdict->status == 426)
		extra = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
	else if (verdict->status == 401)
		extra = "WWW-Authenticate: Bearer\r\n";
	http_socket_refuse(socket, verdict->status, verdict->title, verdict->detail,
			   verdict->retry_after_s, extra);
}

/* As whom the peer came in is remembered; the words of the verdict are not. */
static bool remember(struct http_socket *socket, const struct admittance *verdict)
{
	free(socket->identity);
	socket->identity = verdict->identity ? strdup(verdict->identity) : NULL;
	socket->role = (uint8_t)verdict->role;
	socket->holds_us = verdict->holds_us;
	if (!verdict->identity || socket->identity)
		return true;
	http_socket_refuse(socket, 503, "Service Unavailable", "no memory", 1, NULL);
	return false;
}

static bool admit(struct http_socket *socket, const struct http_head *head, bool upgrade,
		  struct admittance *verdict)
{
	struct ws_server *server = server_of(socket);
	struct admission admission = admission_of(server, head, upgrade);

	if (server->retired) {
		http_socket_refuse(socket, 503, "Service Unavailable", "the listener is gone", 1,
				   NULL);
		return false;
	}
	engine_admit(server->engine, &admission, verdict);
	if (verdict->status != (upgrade ? 101 : 200)) {
		refuse(socket, verdict);
		return false;
	}
	return remember(socket, verdict);
}

static void on_request(struct http_socket *socket, const struct http_head *head)
{
	struct ws_server *server = server_of(socket);
	struct admittance verdict;

	if (admit(socket, head, false, &verdict))
		http_post_begin(socket, head, server->config->limits.message_bytes);
}

static struct deflate_terms choose_terms(const struct ws_server *server,
					 const struct http_head *head)
{
	const struct deflate_terms none = {0};

	return server->config->listeners[server->index].compression
		       ? deflate_offer_choose(head->extensions)
		       : none;
}

static void on_upgrade(struct http_socket *socket, const struct http_head *head)
{
	struct ws_server *server = server_of(socket);
	struct admittance verdict;

	if (!admit(socket, head, true, &verdict))
		return;
	if (!verdict.tunnel) {
		http_socket_open(socket, verdict.subprotocol, choose_terms(server, head));
		return;
	}
	stream_peer(&socket->wire.stream, verdict.peer);
	tunnels_take(server->tunnels, socket, head, server->config, server->index, &verdict);
}

static bool on_opened(struct http_socket *socket)
{
	struct ws_server *server = server_of(socket);
	struct admittance verdict = {.status = 101,
				     .identity = socket->identity,
				     .role = (enum token_role)socket->role,
				     .holds_us = socket->holds_us,
				     .subprotocol = socket->subprotocol};
	struct session *session;

	stream_peer(&socket->wire.stream, verdict.peer);
	session = engine_client_opened(server->engine, server->index, &verdict, &socket->wire,
				       clock_monotonic_us());
	if (!session)
		return false;
	socket->session = session;
	wire_opened(&socket->wire, &session->outbox);
	return true;
}

static void on_data(struct http_socket *socket, bool binary, struct span piece, uint64_t frame_left,
		    bool ends_message)
{
	engine_client_data(server_of(socket)->engine, socket->session, binary, piece, frame_left,
			   ends_message, socket->wire.context->now_us);
}

static void on_pong(struct http_socket *socket)
{
	engine_client_pong(server_of(socket)->engine, socket->session,
			   socket->wire.context->now_us);
}

static void on_inflates(struct http_socket *socket, size_t bytes)
{
	engine_client_inflates(server_of(socket)->engine, socket->session, bytes);
}

static void on_body(struct http_socket *socket, struct span body)
{
	struct ws_server *server = server_of(socket);

	http_post_body(socket, server->engine, server->index, body);
}

static void on_closed(struct http_socket *socket)
{
	struct wire *wire = &socket->wire;

	engine_client_closed(server_of(socket)->engine, socket->session, wire->peer_code,
			     wire_peer_reason(wire), clock_monotonic_us());
}

static void on_accepted(void *context, int fd)
{
	struct ws_server *server = context;

	if (http_socket_accept(&server->site, server->context, fd))
		log_event(server->context->log, LOG_WARN, "listener.accept_failed",
			  log_text("address", server->listener.address->text));
}

enum wsb_err ws_server_open(struct ws_server *server, struct ws_context *context,
			    const struct config *config, size_t index, struct strbuf *errors)
{
	const struct listener_settings *settings = &config->listeners[index];
	enum wsb_err err = WSB_OK;

	*server = (struct ws_server){
		.context = context, .config = config, .index = index, .listener = {.fd = -1}};
	server->site = (struct http_site){
		.context = server,
		.handshake_us = config->limits.handshake_us,
		.opening = &context->opening,
		.request = on_request,
		.body = on_body,
		.upgrade = on_upgrade,
		.opened = on_opened,
		.data = on_data,
		.pong = on_pong,
		.inflates = on_inflates,
		.closed = on_closed,
	};
	if (settings->tls.certificate)
		err = tls_server_create(&server->site.ssl_context, &settings->tls, errors);
	if (err)
		return err;
	return listener_open(&server->listener, context, &settings->address,
			     settings->reuse_port ? LISTENER_SHARED : LISTENER_DATA, errors);
}

enum wsb_err ws_server_start(struct ws_server *server, struct engine *engine)
{
	server->engine = engine;
	return listener_start(&server->listener, on_accepted, server);
}

void ws_server_obey(struct ws_server *server, const struct config *config, size_t index,
		    void *ssl_context)
{
	server->config = config;
	server->index = index;
	server->listener.address = &config->listeners[index].address;
	server->site.handshake_us = config->limits.handshake_us;
	tls_context_destroy(server->site.ssl_context);
	server->site.ssl_context = ssl_context;
}

void ws_server_retire(struct ws_server *server, const struct config *config)
{
	listener_close(&server->listener);
	server->retired = true;
	server->config = config;
	server->index = 0;
}

void ws_server_close(struct ws_server *server)
{
	listener_close(&server->listener);
}

void ws_server_fini(struct ws_server *server)
{
	tls_context_destroy(server->site.ssl_context);
}
