#include "broker/io/http_socket.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "broker/io/http_text.h"
#include "broker/io/tls.h"
#include "broker/io/ws_deflate.h"
#include "broker/io/ws_frames.h"
#include "common/clock.h"

static const char too_long[] = "the body is longer than what is taken here";

/* For the next request to begin, and for a reply to be taken. */
#define PATIENCE_US (60 * US_PER_S)

#define COMPLAINT_MAX 160

/* What a message touches of the site's session, at its beginning. */
#define SITE_SESSION_HOT (4 * CACHE_LINE)

static void give_time(struct http_socket *socket, uint64_t us)
{
	wire_give_time(&socket->wire, clock_monotonic_us() + us);
}

/* A peer that sends requests faster than they are answered is not read meanwhile. */
static bool wants_bytes(const struct http_socket *socket)
{
	if (socket->peer_ended)
		return false;
	return socket->phase == HTTP_BODY || socket->in.len < HTTP_HEAD_MAX;
}

static void watch(struct http_socket *socket)
{
	struct stream *stream = &socket->wire.stream;
	int events = 0;

	if (socket->wire.state != WIRE_SHAKING)
		return;
	if (wants_bytes(socket))
		events |= stream->read_needs;
	if (socket->wire.blocked)
		events |= stream->write_needs;
	stream_watch(stream, events);
}

void http_socket_reply(struct http_socket *socket, const struct http_reply *reply)
{
	struct http_reply whole = *reply;

	whole.close = whole.close || !socket->keeps;
	socket->keeps = !whole.close;
	http_reply_write(&whole, &socket->out);
	socket->phase = HTTP_REPLYING;
	give_time(socket, PATIENCE_US);
	wire_want_write(&socket->wire);
}

void http_socket_stream(struct http_socket *socket, const struct http_reply *reply)
{
	struct http_reply endless = *reply;

	endless.endless = true;
	endless.close = true;
	socket->keeps = false;
	http_reply_write(&endless, &socket->out);
	socket->phase = HTTP_STREAMING;
	give_time(socket, PATIENCE_US);
	wire_want_write(&socket->wire);
}

void http_socket_add(struct http_socket *socket, struct span bytes)
{
	if (socket->phase != HTTP_STREAMING || socket->wire.state != WIRE_SHAKING)
		return;
	if (socket->out.len == 0)
		give_time(socket, PATIENCE_US);
	strbuf_add(&socket->out, bytes);
	wire_want_write(&socket->wire);
}

size_t http_socket_waiting(const struct http_socket *socket)
{
	return socket->out.len - socket->sent;
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

/* What cannot be read leaves no place at which the next request would begin. */
static void refuse_unread(struct http_socket *socket, int status, const char *why)
{
	socket->keeps = false;
	http_socket_refuse(socket, status, NULL, why, 0, NULL);
}

void http_socket_take_body(struct http_socket *socket, const struct http_head *head,
			   size_t bytes_max)
{
	bool chunked = head->transfer_encoding.at;

	if (chunked && !http_equals(head->transfer_encoding, "chunked")) {
		refuse_unread(socket, 501, "of transfer codings only chunked is understood");
		return;
	}
	if (!chunked && !head->has_length) {
		refuse_unread(socket, 411, "a Content-Length or chunks are needed");
		return;
	}
	if (head->content_length > bytes_max) {
		refuse_unread(socket, 413, too_long);
		return;
	}
	socket->keeps = head->keeps_alive;
	socket->chunked = chunked;
	socket->chunks = (struct http_chunks){0};
	socket->body_len = chunked ? bytes_max : (size_t)head->content_length;
	socket->phase = HTTP_BODY;
	give_time(socket, socket->site->handshake_us);
	if (http_equals(head->expect, "100-continue")) {
		strbuf_text(&socket->out, "HTTP/1.1 100 Continue\r\n\r\n");
		wire_want_write(&socket->wire);
	}
}

/* It hears the 101, or does no more. */
static void count_opening(const struct http_socket *socket, bool hears)
{
	size_t *opening = socket->site->opening;

	if (opening && hears)
		++*opening;
	else if (opening)
		--*opening;
}

void http_socket_open(struct http_socket *socket, const char *subprotocol,
		      struct deflate_terms terms)
{
	char extension[DEFLATE_ANSWER_MAX];

	socket->terms = terms;
	deflate_offer_answer(terms, extension);
	socket->subprotocol = subprotocol;
	upgrade_write_answer(&socket->out, span_of(socket->key, sizeof(socket->key)), subprotocol,
			     terms.window_bits ? extension : NULL);
	socket->phase = HTTP_SWITCHING;
	count_opening(socket, true);
	give_time(socket, PATIENCE_US);
	wire_want_write(&socket->wire);
}

void http_socket_surrender(struct http_socket *socket, struct stream *stream, struct strbuf *rest)
{
	strbuf_add(rest,
		   span_of(socket->in.text + socket->head_len, socket->in.len - socket->head_len));
	stream_move(stream, &socket->wire.stream);
	wire_abort(&socket->wire);
}

static void ask_upgrade(struct http_socket *socket, const struct http_head *head)
{
	const char *why = "no such upgrade here";

	if (!socket->site->upgrade || !http_head_fits_upgrade(head, &why)) {
		http_socket_refuse(socket, 400, NULL, why, 0, NULL);
		return;
	}
	if (head->key.len == sizeof(socket->key))
		memcpy(socket->key, head->key.at, sizeof(socket->key));
	socket->site->upgrade(socket, head);
}

/* A request whose body nobody takes is the last one of its connection. */
static void ask(struct http_socket *socket, struct span text)
{
	struct http_fault fault;
	struct http_head head;

	timerq_disarm(&socket->wire.context->timers, &socket->wire.deadline);
	socket->phase = HTTP_ANSWERING;
	if (http_head_read(&head, text, &fault)) {
		refuse_unread(socket, fault.status, fault.why);
		return;
	}
	socket->keeps = head.keeps_alive && !http_head_has_body(&head);
	if (http_head_wants_websocket(&head))
		ask_upgrade(socket, &head);
	else
		socket->site->request(socket, &head);
}

/* The first len bytes have been dealt with. A socket that waits holds no memory. */
static void drop_read(struct http_socket *socket, size_t len)
{
	struct strbuf *in = &socket->in;

	socket->head_seen = 0;
	in->len -= len;
	if (in->len == 0)
		strbuf_fini(in);
	else
		memmove(in->text, in->text + len, in->len);
}

/* False: it has to be waited. */
static bool take_head(struct http_socket *socket)
{
	struct span text = strbuf_span(&socket->in);
	size_t len = http_head_len(text, &socket->head_seen);

	if (len > HTTP_HEAD_MAX || (len == 0 && text.len >= HTTP_HEAD_MAX)) {
		refuse_unread(socket, 431, "the head of a request is 16 KiB at most");
		return false;
	}
	if (len == 0) {
		if (!http_head_may_begin(text))
			refuse_unread(socket, 400, "HTTP/1.1 is spoken here");
		return false;
	}
	socket->head_len = len;
	ask(socket, span_of(text.at, len));
	drop_read(socket, len);
	return true;
}

/* False: the chunks are not all there, or they are refused. */
static bool take_chunks(struct http_socket *socket)
{
	switch (http_chunks_take(&socket->chunks, socket->in.text, &socket->in.len,
				 socket->body_len)) {
	case HTTP_CHUNKS_MORE:
		return false;
	case HTTP_CHUNKS_WHOLE:
		socket->body_len = socket->chunks.len;
		return true;
	case HTTP_CHUNKS_TOO_LONG:
		refuse_unread(socket, 413, too_long);
		return false;
	case HTTP_CHUNKS_BROKEN:
		break;
	}
	refuse_unread(socket, 400, "the chunks of the body cannot be read");
	return false;
}

static bool take_body(struct http_socket *socket)
{
	size_t len;

	if (socket->chunked && !take_chunks(socket))
		return false;
	len = socket->body_len;
	if (socket->in.len < len)
		return false;
	timerq_disarm(&socket->wire.context->timers, &socket->wire.deadline);
	socket->phase = HTTP_ANSWERING;
	socket->site->body(socket, span_of(strbuf_span(&socket->in).at, len));
	drop_read(socket, len);
	return true;
}

/* As far as one gets with what has been read. */
static void advance(struct http_socket *socket)
{
	bool more = true;

	while (more && socket->wire.state == WIRE_SHAKING) {
		if (socket->phase == HTTP_HEAD && socket->in.len > 0)
			more = take_head(socket);
		else if (socket->phase == HTTP_BODY)
			more = take_body(socket);
		else
			more = false;
	}
	watch(socket);
}

/* Frames may have come right behind the request. */
static void begin_frames(struct http_socket *socket)
{
	struct strbuf rest = socket->in;

	strbuf_init(&socket->in);
	socket->phase = HTTP_SWITCHED;
	count_opening(socket, false);
	if (!(socket->terms.window_bits && ws_deflate_begin(&socket->wire, socket->terms)) &&
	    socket->site->opened(socket))
		ws_frames_take(&socket->wire, rest.text, rest.len);
	else
		wire_abort(&socket->wire);
	ws_frames_watch(&socket->wire);
	strbuf_fini(&rest);
}

static void on_replied(struct http_socket *socket)
{
	if (!socket->keeps) {
		wire_leave(&socket->wire);
		return;
	}
	socket->served = true;
	socket->phase = HTTP_HEAD;
	give_time(socket, socket->in.len > 0 ? socket->site->handshake_us : PATIENCE_US);
	advance(socket);
}

static void on_written(struct http_socket *socket)
{
	strbuf_fini(&socket->out);
	socket->sent = 0;
	if (socket->peer_ended)
		wire_abort(&socket->wire);
	else if (socket->phase == HTTP_SWITCHING)
		begin_frames(socket);
	else if (socket->phase == HTTP_REPLYING)
		on_replied(socket);
	else if (socket->phase == HTTP_STREAMING)
		timerq_disarm(&socket->wire.context->timers, &socket->wire.deadline);
}

static void write_out(struct wire *wire)
{
	struct http_socket *socket = http_socket_of(wire);
	struct span out = strbuf_span(&socket->out);

	if (wire->blocked)
		return;
	if (socket->out.failed || socket->in.failed) {
		wire_abort(wire);
		return;
	}
	while (socket->sent < out.len) {
		size_t len;
		enum stream_verdict verdict =
			stream_write(&wire->stream,
				     span_of(out.at + socket->sent, out.len - socket->sent), &len);

		if (verdict == STREAM_DONE) {
			socket->sent += len;
			continue;
		}
		wire->blocked = verdict == STREAM_BLOCKED;
		if (wire->blocked)
			watch(socket);
		else
			wire_abort(wire);
		return;
	}
	on_written(socket);
}

/* A peer that says it is done may still wait for its reply; one that goes while the reply is being
 * made waits for nothing. */
static void on_peer_ended(struct http_socket *socket, enum stream_verdict verdict)
{
	if (verdict == STREAM_ENDED && socket->out.len > 0)
		socket->peer_ended = true;
	else
		wire_abort(&socket->wire);
}

static void read_in(struct http_socket *socket)
{
	struct wire *wire = &socket->wire;
	char *bytes = wire->context->received;
	size_t len;
	enum stream_verdict verdict = stream_read(&wire->stream, bytes, WS_RECEIVED_BYTES, &len);

	if (verdict == STREAM_BLOCKED)
		return;
	if (verdict != STREAM_DONE) {
		on_peer_ended(socket, verdict);
		return;
	}
	if (socket->served && socket->phase == HTTP_HEAD && socket->in.len == 0)
		give_time(socket, socket->site->handshake_us);
	strbuf_add(&socket->in, span_of(bytes, len));
	if (socket->in.failed)
		wire_abort(wire);
}

static void serve(struct http_socket *socket, int events)
{
	struct wire *wire = &socket->wire;

	if ((events & wire->stream.read_needs) && wants_bytes(socket))
		read_in(socket);
	if (wire->blocked && wire->state == WIRE_SHAKING && (events & wire->stream.write_needs)) {
		wire->blocked = false;
		write_out(wire);
	}
	advance(socket);
}

static void shake(struct http_socket *socket)
{
	struct wire *wire = &socket->wire;
	char text[COMPLAINT_MAX];

	switch (stream_shake(&wire->stream)) {
	case STREAM_DONE:
		socket->phase = HTTP_HEAD;
		serve(socket, wire->stream.read_needs);
		return;
	case STREAM_BLOCKED:
		stream_watch(&wire->stream, wire->stream.read_needs);
		return;
	default:
		tls_complaint(wire->stream.ssl, text, sizeof(text));
		log_event(wire->context->log, LOG_DEBUG, "listener.handshake_failed",
			  log_text("error", text));
		wire_abort(wire);
	}
}

static void on_ready(void *context, int events)
{
	struct http_socket *socket = context;

	if (socket->wire.state != WIRE_SHAKING) {
		/* It comes while the socket is read. */
		cacheline_foresee(socket->session, SITE_SESSION_HOT);
		ws_frames_ready(&socket->wire, events);
	} else if (socket->phase == HTTP_SECURING) {
		shake(socket);
	} else {
		serve(socket, events);
	}
}

static void on_data(struct wire *wire, bool binary, struct span piece, uint64_t frame_left,
		    bool ends_message)
{
	struct http_socket *socket = http_socket_of(wire);

	socket->site->data(socket, binary, piece, frame_left, ends_message);
}

static void on_pong(struct wire *wire)
{
	struct http_socket *socket = http_socket_of(wire);

	socket->site->pong(socket);
}

static void on_inflates(struct wire *wire, size_t bytes)
{
	struct http_socket *socket = http_socket_of(wire);

	socket->site->inflates(socket, bytes);
}

static void on_ended(struct wire *wire)
{
	struct http_socket *socket = http_socket_of(wire);

	if (socket->session)
		socket->site->closed(socket);
	if (socket->phase == HTTP_SWITCHING)
		count_opening(socket, false);
	if (socket->site->open)
		--*socket->site->open;
	strbuf_fini(&socket->in);
	strbuf_fini(&socket->out);
	free(socket->identity);
	free(socket);
}

static const struct wire_events wire_events = {.data = on_data,
					       .pong = on_pong,
					       .inflates = on_inflates,
					       .flush = write_out,
					       .ended = on_ended};

enum wsb_err http_socket_accept(const struct http_site *site, struct ws_context *context, int fd)
{
	struct http_socket *socket = cacheline_alloc(sizeof(*socket));
	enum wsb_err err;

	if (!socket) {
		close(fd);
		return WSB_ENOMEM;
	}
	wire_init(&socket->wire, context, &wire_events, false);
	socket->site = site;
	if (site->open)
		++*site->open;
	strbuf_init(&socket->in);
	strbuf_init(&socket->out);
	socket->phase = site->ssl_context ? HTTP_SECURING : HTTP_HEAD;
	err = stream_adopt(&socket->wire.stream, &context->loop->uv, fd, on_ready, socket);
	if (!err && site->ssl_context)
		err = stream_secure_accepted(&socket->wire.stream, site->ssl_context);
	if (err) {
		wire_abort(&socket->wire);
		return err;
	}
	give_time(socket, site->handshake_us);
	watch(socket);
	return WSB_OK;
}
