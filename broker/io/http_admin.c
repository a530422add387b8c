#include "broker/io/http_admin.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "broker/io/tls.h"
#include "common/clock.h"

static struct http_admin *admin_of(const struct http_socket *socket)
{
	return socket->site->context;
}

/* The system says whose process is at the other end of a Unix socket. */
static struct admin_peer peer_of(const struct http_socket *socket)
{
	struct admin_peer peer = {
		.local = admin_of(socket)->listener.address->kind == ADDRESS_UNIX,
		.uid = UINT32_MAX,
		.broker_uid = geteuid(),
	};
	struct ucred credentials;
	socklen_t size = sizeof(credentials);

	if (peer.local &&
	    getsockopt(socket->wire.stream.fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0)
		peer.uid = credentials.uid;
	return peer;
}

static struct admin_request request_of(const struct http_socket *socket,
				       const struct http_head *head)
{
	return (struct admin_request){
		.method = span_is(head->method, "HEAD") ? span_text("GET") : head->method,
		.path = head->path,
		.query = head->query,
		.content_type = head->content_type,
		.content_length = head->content_length,
		.credentials = {.peer = peer_of(socket),
				.authorization = head->authorization,
				.host = head->host,
				.origin = head->origin,
				.sha256 = tls_sha256},
		.wall_us = clock_wall_us(),
	};
}

static void reply(struct http_socket *socket, const struct admin_response *response, bool head_only)
{
	struct strbuf extra;
	struct http_reply reply = {
		.status = response->status,
		.content_type = response->content_type,
		.body = strbuf_span(&response->body),
		.head_only = head_only,
		.allow = response->allow[0] ? response->allow : NULL,
	};

	strbuf_init(&extra);
	strbuf_text(&extra, "Cache-Control: no-store\r\n");
	if (response->challenge)
		strbuf_text(&extra, "WWW-Authenticate: Bearer realm=\"wsbroker\"\r\n");
	if (response->location[0])
		strbuf_printf(&extra, "Location: %s\r\n", response->location);
	reply.extra = strbuf_span(&extra).at;
	http_socket_reply(socket, &reply);
	strbuf_fini(&extra);
}

static void finish(struct http_socket *socket, const struct admin_call *call, struct span body,
		   bool head_only)
{
	struct admin_response response = {.status = 500};

	strbuf_init(&response.body);
	admin_finish(admin_of(socket)->backend, call, body, &response);
	reply(socket, &response, head_only);
	strbuf_fini(&response.body);
}

/* What the call is has to outlive its head, of which nothing is kept while the body comes. */
static void await_body(struct http_socket *socket, const struct http_head *head,
		       const struct admin_call *call)
{
	struct admin_call *kept = malloc(sizeof(*kept));

	if (!kept) {
		wire_abort(&socket->wire);
		return;
	}
	*kept = *call;
	socket->session = kept;
	http_socket_take_body(socket, head, ADMIN_BODY_BYTES_MAX);
}

static void on_request(struct http_socket *socket, const struct http_head *head)
{
	struct admin_request request = request_of(socket, head);
	struct admin_response response = {.status = 500};
	bool head_only = span_is(head->method, "HEAD");
	bool has_body = head->content_length > 0 || head->transfer_encoding.at;
	struct admin_call call;

	strbuf_init(&response.body);
	if (!admin_begin(admin_of(socket)->backend, &request, &call, &response))
		reply(socket, &response, head_only);
	else if (has_body && !span_is(request.method, "GET"))
		await_body(socket, head, &call);
	else
		finish(socket, &call, span_of(NULL, 0), head_only);
	strbuf_fini(&response.body);
}

static void forget_call(struct http_socket *socket)
{
	free(socket->session);
	socket->session = NULL;
}

static void on_body(struct http_socket *socket, struct span body)
{
	finish(socket, socket->session, body, false);
	forget_call(socket);
}

static void on_accepted(void *context, int fd)
{
	struct http_admin *admin = context;

	if (http_socket_accept(&admin->site, admin->context, fd))
		log_event(admin->context->log, LOG_WARN, "listener.accept_failed",
			  log_text("address", admin->listener.address->text));
}

enum wsb_err http_admin_open(struct http_admin *admin, struct ws_context *context,
			     const struct config *config, struct strbuf *errors)
{
	*admin = (struct http_admin){.context = context, .listener = {.fd = -1}};
	admin->site = (struct http_site){
		.context = admin,
		.handshake_us = config->limits.handshake_us,
		.request = on_request,
		.body = on_body,
		.closed = forget_call,
	};
	return listener_open(&admin->listener, context->loop, context->log, &config->admin.address,
			     false, errors);
}

enum wsb_err http_admin_start(struct http_admin *admin, const struct admin_backend *backend)
{
	admin->backend = backend;
	return listener_start(&admin->listener, on_accepted, admin);
}

void http_admin_close(struct http_admin *admin)
{
	listener_close(&admin->listener);
}
