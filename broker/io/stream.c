#include "broker/io/stream.h"

#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "broker/io/tls.h"

void stream_init(struct stream *stream)
{
	*stream = (struct stream){.fd = -1, .read_needs = UV_READABLE, .write_needs = UV_WRITABLE};
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct stream *stream = poll->data;

	/* After an error the loop has stopped watching: it has to be asked again. */
	if (status < 0) {
		stream->watched = 0;
		events = UV_READABLE | UV_WRITABLE | UV_DISCONNECT;
	}
	stream->ready(stream->context, events);
}

static void free_poll(uv_handle_t *handle)
{
	free(handle);
}

static enum wsb_err begin_polling(struct stream *stream, uv_loop_t *loop)
{
	stream->poll = malloc(sizeof(*stream->poll));
	if (!stream->poll)
		return WSB_ENOMEM;
	if (uv_poll_init(loop, stream->poll, stream->fd)) {
		free(stream->poll);
		stream->poll = NULL;
		return WSB_ENOMEM;
	}
	stream->poll->data = stream;
	return WSB_OK;
}

static int begin(struct stream *stream, uv_loop_t *loop, const struct sockaddr *address,
		 socklen_t len)
{
	const int on = 1;

	stream->fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (stream->fd < 0)
		return errno;
	if (address->sa_family != AF_UNIX)
		setsockopt(stream->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(stream->fd, address, len) && errno != EINPROGRESS)
		return errno;
	return begin_polling(stream, loop) ? ENOMEM : 0;
}

static int connect_to(struct stream *stream, uv_loop_t *loop, const struct sockaddr *address,
		      socklen_t len, stream_ready *ready, void *context)
{
	int error;

	stream_init(stream);
	stream->ready = ready;
	stream->context = context;
	error = begin(stream, loop, address, len);
	if (error)
		stream_close(stream);
	else
		stream_watch(stream, UV_WRITABLE);
	return error;
}

/* For a number the look-up does not leave the process. */
int stream_connect_tcp(struct stream *stream, uv_loop_t *loop, const char *address, uint16_t port,
		       stream_ready *ready, void *context)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
				       .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
	struct addrinfo *info;
	char service[8];
	int error;

	snprintf(service, sizeof(service), "%u", port);
	if (getaddrinfo(address, service, &hints, &info))
		return EADDRNOTAVAIL;
	error = connect_to(stream, loop, info->ai_addr, info->ai_addrlen, ready, context);
	freeaddrinfo(info);
	return error;
}

int stream_connect_unix(struct stream *stream, uv_loop_t *loop, const char *path,
			stream_ready *ready, void *context)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(address.sun_path))
		return ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	return connect_to(stream, loop, (const struct sockaddr *)&address, sizeof(address), ready,
			  context);
}

int stream_connect_error(const struct stream *stream)
{
	int error = 0;
	socklen_t len = sizeof(error);

	return getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &error, &len) ? errno : error;
}

enum wsb_err stream_adopt(struct stream *stream, uv_loop_t *loop, int fd, stream_ready *ready,
			  void *context)
{
	enum wsb_err err;

	stream_init(stream);
	stream->ready = ready;
	stream->context = context;
	stream->fd = fd;
	err = begin_polling(stream, loop);
	if (err)
		stream_close(stream);
	return err;
}

enum wsb_err stream_secure(struct stream *stream, void *ssl_context, const char *host, bool verify)
{
	return tls_client_session(&stream->ssl, ssl_context, stream->fd, host, verify);
}

enum wsb_err stream_secure_accepted(struct stream *stream, void *ssl_context)
{
	return tls_server_session(&stream->ssl, ssl_context, stream->fd);
}

/* What a call that did not succeed is waiting for, if anything. */
static enum stream_verdict tls_verdict(struct stream *stream, int result, int *needs)
{
	switch (SSL_get_error(stream->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		*needs = UV_READABLE;
		return STREAM_BLOCKED;
	case SSL_ERROR_WANT_WRITE:
		*needs = UV_WRITABLE;
		return STREAM_BLOCKED;
	case SSL_ERROR_ZERO_RETURN:
		return STREAM_ENDED;
	default:
		stream->broken = true;
		return STREAM_FAILED;
	}
}

enum stream_verdict stream_shake(struct stream *stream)
{
	int result;

	ERR_clear_error();
	result = SSL_do_handshake(stream->ssl);
	if (result != 1)
		return tls_verdict(stream, result, &stream->read_needs);
	stream->read_needs = UV_READABLE;
	return STREAM_DONE;
}

static enum stream_verdict plain_verdict(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? STREAM_BLOCKED
									 : STREAM_FAILED;
}

enum stream_verdict stream_read(struct stream *stream, char *bytes, size_t size, size_t *len)
{
	if (stream->ssl) {
		int got;

		ERR_clear_error();
		got = SSL_read(stream->ssl, bytes, size < INT_MAX ? (int)size : INT_MAX);
		if (got <= 0)
			return tls_verdict(stream, got, &stream->read_needs);
		stream->read_needs = UV_READABLE;
		*len = (size_t)got;
	} else {
		ssize_t got = recv(stream->fd, bytes, size, 0);

		if (got <= 0)
			return got == 0 ? STREAM_ENDED : plain_verdict();
		*len = (size_t)got;
	}
	return STREAM_DONE;
}

enum stream_verdict stream_write(struct stream *stream, struct span bytes, size_t *len)
{
	if (stream->ssl) {
		int taken;

		ERR_clear_error();
		taken = SSL_write(stream->ssl, bytes.at,
				  bytes.len < INT_MAX ? (int)bytes.len : INT_MAX);
		if (taken <= 0)
			return tls_verdict(stream, taken, &stream->write_needs);
		stream->write_needs = UV_WRITABLE;
		*len = (size_t)taken;
	} else {
		ssize_t taken = send(stream->fd, bytes.at, bytes.len, MSG_NOSIGNAL);

		if (taken < 0)
			return plain_verdict();
		*len = (size_t)taken;
	}
	return STREAM_DONE;
}

void stream_watch(struct stream *stream, int events)
{
	if (!stream->poll || events == stream->watched)
		return;
	stream->watched = events;
	if (events)
		uv_poll_start(stream->poll, events, on_poll);
	else
		uv_poll_stop(stream->poll);
}

void stream_move(struct stream *to, struct stream *from)
{
	*to = *from;
	if (to->poll)
		to->poll->data = to;
	stream_init(from);
}

static void end_tls(struct stream *stream)
{
	if (!stream->ssl || stream->broken || !SSL_is_init_finished(stream->ssl) ||
	    (SSL_get_shutdown(stream->ssl) & SSL_SENT_SHUTDOWN))
		return;
	ERR_clear_error();
	SSL_shutdown(stream->ssl);
}

void stream_finish(struct stream *stream)
{
	end_tls(stream);
	shutdown(stream->fd, SHUT_WR);
}

/* Half a minute of silence, then three questions. On a Unix socket it means nothing and is refused.
 */
void stream_keep_alive(const struct stream *stream)
{
	const int on = 1, idle_s = 30, interval_s = 10, probes = 3;

	setsockopt(stream->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(stream->fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
	setsockopt(stream->fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof(interval_s));
	setsockopt(stream->fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
}

void stream_peer(const struct stream *stream, char text[STREAM_PEER_MAX])
{
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);

	text[0] = '\0';
	if (getpeername(stream->fd, (struct sockaddr *)&name, &len) == 0 &&
	    name.ss_family != AF_UNIX &&
	    getnameinfo((struct sockaddr *)&name, len, text, STREAM_PEER_MAX, NULL, 0,
			NI_NUMERICHOST))
		text[0] = '\0';
}

/* The watcher outlives the stream by a turn of the loop. */
void stream_close(struct stream *stream)
{
	if (stream->poll)
		uv_close((uv_handle_t *)stream->poll, free_poll);
	end_tls(stream);
	SSL_free(stream->ssl);
	if (stream->fd >= 0)
		close(stream->fd);
	stream_init(stream);
}
