#include "broker/io/http_admin.h"

static void on_request(struct http_socket *socket, const struct http_head *head)
{
	struct http_admin *admin = socket->site->context;
	struct admin_request request = {.method = head->method,
					.path = head->path,
					.query = head->query,
					.origin = head->origin,
					.host = head->host};
	struct admin_response response = {.status = 500};
	struct http_reply reply;

	strbuf_init(&response.body);
	if (span_is(head->method, "HEAD"))
		request.method = span_text("GET");
	admin_handle(admin->backend, &request, &response);
	reply = (struct http_reply){
		.status = response.status,
		.content_type = response.content_type,
		.body = strbuf_span(&response.body),
		.head_only = span_is(head->method, "HEAD"),
		.allow = response.allow,
		.extra = "Cache-Control: no-store\r\n",
		/* No request has a body that is read, and what is not read would be taken for the
		 * next one. */
		.close = head->content_length > 0 || head->transfer_encoding.at,
	};
	http_socket_reply(socket, &reply);
	strbuf_fini(&response.body);
}

static void on_accepted(void *context, int fd)
{
	struct http_admin *admin = context;

	if (http_socket_accept(&admin->site, admin->context, admin->vhost, fd))
		log_event(admin->context->log, LOG_WARN, "listener.accept_failed",
			  log_text("address", admin->listener.address->text));
}

enum wsb_err http_admin_open(struct http_admin *admin, struct ws_context *context,
			     const struct config *config, struct strbuf *errors)
{
	struct lws_context_creation_info info =
		ws_context_vhost_info("admin", http_socket_protocols);

	*admin = (struct http_admin){.context = context, .listener = {.fd = -1}};
	admin->site = (struct http_site){
		.context = admin,
		.handshake_us = config->limits.handshake_us,
		.request = on_request,
	};
	admin->vhost = lws_create_vhost(context->lws, &info);
	if (!admin->vhost) {
		strbuf_printf(errors, "%s: cannot be set up\n", config->admin.address.text);
		return WSB_EIO;
	}
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
