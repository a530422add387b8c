#include "broker/io/http_socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include "broker/io/http_wire.h"
#include "broker/io/tls.h"
#include "common/clock.h"

/* How long the rest of a refused request is read, so that the peer gets to see the refusal. */
#define LINGER_US (2 * US_PER_S)

/* How often bytes beyond a request may be offered before its reply is out: a turn of the loop or
 * two in good order. */
#define OVERRUNS_MAX 16

enum wsb_err http_socket_accept(const struct http_site *site, struct ws_context *context,
				struct lws_vhost *vhost, int fd)
{
	struct http_socket *socket = calloc(1, sizeof(*socket));
	lws_adopt_desc_t adoption = {0};

	if (!socket) {
		close(fd);
		return WSB_ENOMEM;
	}
	wire_init(&socket->wire, context, &http_wire_kind);
	socket->site = site;
	adoption.vh = vhost;
	adoption.type = LWS_ADOPT_SOCKET | LWS_ADOPT_HTTP | LWS_ADOPT_ALLOW_SSL;
	adoption.fd.sockfd = fd;
	socket->wsi = lws_adopt_descriptor_vhost_via_info(&adoption);
	if (!socket->wsi) {
		free(socket);
		return WSB_EIO;
	}
	lws_set_opaque_user_data(socket->wsi, socket);
	wire_give_time(&socket->wire, clock_monotonic_us() + site->handshake_us);
	return WSB_OK;
}

static void free_buffer(struct strbuf **buffer)
{
	if (!*buffer)
		return;
	strbuf_fini(*buffer);
	free(*buffer);
	*buffer = NULL;
}

static struct strbuf *new_buffer(void)
{
	struct strbuf *buffer = malloc(sizeof(*buffer));

	if (buffer)
		strbuf_init(buffer);
	return buffer;
}

static void tell_closed(struct http_socket *socket)
{
	if (!socket->session)
		return;
	socket->wsi = NULL;
	socket->site->closed(socket);
	socket->session = NULL;
}

static void destroy(struct http_socket *socket)
{
	tell_closed(socket);
	wire_ended(&socket->wire);
	free_buffer(&socket->body);
	free_buffer(&socket->reply);
	free(socket);
}

void http_socket_reply(struct http_socket *socket, const struct http_reply *reply)
{
	struct http_reply whole = *reply;

	whole.close = whole.close || socket->closes;
	socket->closes = whole.close;
	free_buffer(&socket->body);
	if (!socket->reply)
		socket->reply = new_buffer();
	if (!socket->reply) {
		wire_abort(&socket->wire);
		return;
	}
	http_reply_write(&whole, socket->reply);
	if (socket->reply->failed) {
		wire_abort(&socket->wire);
		return;
	}
	socket->phase = HTTP_REPLYING;
	if (!socket->wsi)
		return;
	/* The library does not look whether a socket can be written while it must not be read. */
	wire_pause(&socket->wire, false);
	lws_callback_on_writable(socket->wsi);
}

void http_socket_refuse(struct http_socket *socket, int status, const char *title,
			const char *detail, uint32_t retry_after_s, const char *extra)
{
	struct http_reply reply = {.status = status,
				   .content_type = "application/problem+json",
				   .retry_after_s = retry_after_s,
				   .extra = extra};
	struct strbuf problem;

	strbuf_init(&problem);
	http_problem_write(status, title, detail, &problem);
	reply.body = strbuf_span(&problem);
	http_socket_reply(socket, &reply);
	strbuf_fini(&problem);
}

void http_socket_take_body(struct http_socket *socket, const struct http_head *head,
			   size_t bytes_max)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	unsigned char line[LWS_PRE + sizeof(go_on)];

	socket->closes = true;
	if (head->transfer_encoding.at || !head->has_length) {
		http_socket_refuse(socket, 411, NULL, "a Content-Length is needed", 0, NULL);
		return;
	}
	if (head->content_length > bytes_max) {
		http_socket_refuse(socket, 413, NULL, "the body is longer than limits.message", 0,
				   NULL);
		return;
	}
	socket->body = new_buffer();
	if (!socket->body) {
		wire_abort(&socket->wire);
		return;
	}
	socket->closes = false;
	socket->takes_body = true;
	if (head->expect.len == strlen("100-continue") &&
	    strncasecmp(head->expect.at, "100-continue", head->expect.len) == 0) {
		memcpy(line + LWS_PRE, go_on, sizeof(go_on) - 1);
		if (lws_write(socket->wsi, line + LWS_PRE, sizeof(go_on) - 1, LWS_WRITE_HTTP) < 0)
			wire_abort(&socket->wire);
	}
}

/* Writes the reply whole; what the socket does not take at once stays with the library. */
static int write_reply(struct http_socket *socket)
{
	struct span bytes = strbuf_span(socket->reply);
	int written = lws_write(socket->wsi, (unsigned char *)socket->reply->text, bytes.len,
				LWS_WRITE_HTTP);

	free_buffer(&socket->reply);
	return written < 0 ? -1 : 0;
}

/* A request whose body nobody wanted is read on for a moment: a socket that is closed with bytes
 * unread is reset, and the peer may lose the reply. */
static int finish_reply(struct http_socket *socket)
{
	struct lws *wsi = socket->wsi;

	if (write_reply(socket))
		return -1;
	if (socket->closes) {
		socket->phase = HTTP_DISCARDING;
		wire_give_time(&socket->wire, clock_monotonic_us() + LINGER_US);
		if (!lws_partial_buffered(wsi))
			shutdown(lws_get_socket_fd(wsi), SHUT_WR);
		return 0;
	}
	socket->phase = HTTP_READING;
	socket->takes_body = false;
	return lws_http_transaction_completed(wsi) ? -1 : 0;
}

static int on_request(struct http_socket *socket)
{
	struct http_head head;

	timerq_disarm(&socket->wire.context->timers, &socket->wire.deadline);
	if (http_head_read(&head, socket->wsi)) {
		socket->closes = true;
		http_socket_refuse(socket, 400, NULL, "the request cannot be read", 0, NULL);
		return 0;
	}
	/* Where messages are taken, what is not a POST is a mistake, and is not kept alive: a POST
	 * pipelined behind it would be read from the wrong place (see on_overrun). */
	socket->closes =
		!span_is(head.method, "POST") &&
		(head.content_length > 0 || head.transfer_encoding.at || socket->site->body);
	socket->site->request(socket, &head);
	if (socket->takes_body && socket->phase == HTTP_READING)
		wire_give_time(&socket->wire, clock_monotonic_us() + socket->site->handshake_us);
	return 0;
}

static int on_body(struct http_socket *socket, const char *bytes, size_t len)
{
	if (socket->phase != HTTP_READING || !socket->body)
		return 0;
	strbuf_add(socket->body, span_of(bytes, len));
	return socket->body->failed ? -1 : 0;
}

/* The library offers what follows a request as more of its body, again and again, until it is taken
 * or refused, and would read a pipelined request with a body from the wrong place: for ever, in one
 * call, when yet another follows. So the reply to this request is the last one on the connection,
 * which ends unanswered when the library does not wait for it. */
static int on_overrun(struct http_socket *socket)
{
	socket->closes = true;
	if (socket->phase == HTTP_ANSWERING)
		wire_pause(&socket->wire, true);
	return ++socket->overruns > OVERRUNS_MAX ? -1 : 0;
}

static int on_body_complete(struct http_socket *socket)
{
	struct strbuf *body = socket->body;

	if (socket->phase == HTTP_DISCARDING)
		return -1;
	if (socket->phase != HTTP_READING || !body)
		return on_overrun(socket);
	timerq_disarm(&socket->wire.context->timers, &socket->wire.deadline);
	socket->phase = HTTP_ANSWERING;
	socket->body = NULL;
	socket->site->body(socket, strbuf_span(body));
	free_buffer(&body);
	return 0;
}

/* 0 lets the library go on with the upgrade, 1 says that it has been answered. An unknown upgrade
 * was refused by the library before this, and its header table is gone. */
static int on_upgrade(struct http_socket *socket, const char *protocol)
{
	struct http_head head;
	const char *why = NULL;

	if (lws_hdr_total_length(socket->wsi, WSI_TOKEN_UPGRADE) <= 0)
		return -1;
	socket->closes = true;
	if (http_head_read(&head, socket->wsi))
		why = "the request cannot be read";
	else if (strcasecmp(protocol, "websocket") != 0 || !socket->site->upgrade)
		why = "no such upgrade here";
	else if (http_head_fits_upgrade(&head, &why) && socket->site->upgrade(socket, &head))
		return 0;
	if (why)
		http_socket_refuse(socket, 400, NULL, why, 0, NULL);
	return socket->reply && write_reply(socket) == 0 ? 1 : -1;
}

static int on_received(struct http_socket *socket, const char *bytes, size_t len)
{
	struct lws *wsi = socket->wsi;

	if (socket->wire.state != WIRE_OPEN)
		return 0;
	socket->site->data(socket, lws_frame_is_binary(wsi), span_of(bytes, len),
			   lws_remaining_packet_payload(wsi), lws_is_final_fragment(wsi));
	return 0;
}

static int on_writable(struct http_socket *socket)
{
	if (socket->phase == HTTP_REPLYING && socket->reply)
		return finish_reply(socket);
	if (socket->phase == HTTP_DISCARDING)
		shutdown(lws_get_socket_fd(socket->wsi), SHUT_WR);
	return 0;
}

static int on_websocket(struct http_socket *socket, enum lws_callback_reasons reason,
			const char *bytes, size_t len)
{
	switch ((int)reason) {
	case LWS_CALLBACK_ESTABLISHED:
		return socket->site->opened(socket) ? 0 : -1;
	case LWS_CALLBACK_RECEIVE_PONG:
		if (socket->wire.state == WIRE_OPEN)
			socket->site->pong(socket);
		return 0;
	case LWS_CALLBACK_SERVER_WRITEABLE:
		wire_flush(&socket->wire);
		return 0;
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
		http_wire_heard_close(socket, bytes, len);
		return -1;
	case LWS_CALLBACK_WS_SERVER_DROP_PROTOCOL:
		http_wire_dropped(socket);
		return 0;
	case LWS_CALLBACK_CLOSED:
		tell_closed(socket);
		return 0;
	default:
		return 0;
	}
}

static int on_http(struct http_socket *socket, enum lws_callback_reasons reason, const char *bytes,
		   size_t len)
{
	switch ((int)reason) {
	case LWS_CALLBACK_HTTP:
		return on_request(socket);
	case LWS_CALLBACK_HTTP_BODY:
		return on_body(socket, bytes, len);
	case LWS_CALLBACK_HTTP_BODY_COMPLETION:
		return on_body_complete(socket);
	case LWS_CALLBACK_HTTP_WRITEABLE:
		return on_writable(socket);
	case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
		return on_upgrade(socket, bytes);
	case LWS_CALLBACK_CLOSED_HTTP:
		tell_closed(socket);
		return 0;
	case LWS_CALLBACK_RAW_ADOPT:
	case LWS_CALLBACK_RAW_CONNECTED:
	case LWS_CALLBACK_RAW_RX:
		/* What a CONNECT request turns a socket into. */
		return -1;
	default:
		return on_websocket(socket, reason, bytes, len);
	}
}

/* Many callbacks concern no socket of ours, and some come with a wsi that is none. */
static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		    size_t len)
{
	struct http_socket *socket;

	switch ((int)reason) {
	case LWS_CALLBACK_PROTOCOL_INIT:
	case LWS_CALLBACK_PROTOCOL_DESTROY:
	case LWS_CALLBACK_EVENT_WAIT_CANCELLED:
	case LWS_CALLBACK_GET_THREAD_ID:
	case LWS_CALLBACK_LOCK_POLL:
	case LWS_CALLBACK_UNLOCK_POLL:
	case LWS_CALLBACK_ADD_POLL_FD:
	case LWS_CALLBACK_DEL_POLL_FD:
	case LWS_CALLBACK_CHANGE_MODE_POLL_FD:
		return 0;
	case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS:
		return tls_dress_vhost(in, user);
	case LWS_CALLBACK_OPENSSL_PERFORM_CLIENT_CERT_VERIFICATION:
		/* The library asks us instead of believing OpenSSL, whose verdict is len. */
		return len == 1 ? 0 : 1;
	default:
		break;
	}
	socket = lws_get_opaque_user_data(wsi);
	if (!socket)
		return 0;
	if (reason == LWS_CALLBACK_RECEIVE)
		return on_received(socket, in, len);
	if (reason == LWS_CALLBACK_WSI_DESTROY) {
		destroy(socket);
		return 0;
	}
	return on_http(socket, reason, in, len);
}

/* 4 KiB per client is what an idle one costs; a message may be longer, it comes in pieces then. */
#define RX_BUFFER_BYTES 4096

/* The eight bytes per session are unused, but without them the library does not say when it ends a
 * socket by itself. */
#define SUBPROTOCOL(text)                                                                          \
	{                                                                                          \
		.name = (text), .callback = on_event, .per_session_data_size = sizeof(void *),     \
		.rx_buffer_size = RX_BUFFER_BYTES, .tx_packet_size = WS_TX_PACKET_BYTES            \
	}

const struct lws_protocols http_socket_protocols[] = {
	SUBPROTOCOL(""),
	SUBPROTOCOL("jsonrpc.2.json"),
	SUBPROTOCOL("jsonrpc.2.msgpack"),
	{.name = NULL},
};
