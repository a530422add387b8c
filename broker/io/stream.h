/* broker/io/stream.h: one connection of bytes, over TCP or a Unix socket, bare or in TLS.
 * Never blocks; says what it waits for, and is told when that may go on. */
#ifndef WSB_BROKER_IO_STREAM_H
#define WSB_BROKER_IO_STREAM_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>
#include "common/err.h"
#include "common/span.h"

/* events: UV_READABLE, UV_WRITABLE, UV_DISCONNECT (the peer sends nothing any more, though some of
 * what it has sent may not have been read); all when the socket has failed, which the next call on
 * the stream will say. The stream may be closed in it. */
typedef void stream_ready(void *context, int events);

struct stream {
	uv_poll_t *poll; /* NULL: closed */
	SSL *ssl;	 /* NULL: bare */
	stream_ready *ready;
	void *context;
	int fd;
	int watched;	 /* events that are being waited for */
	int read_needs;	 /* what a blocked read waits for: TLS may have to write */
	int write_needs; /* and a blocked write */
	bool broken;	 /* TLS has failed: not even a goodbye can be said */
};

enum stream_verdict {
	STREAM_DONE,
	STREAM_BLOCKED, /* wait for read_needs or write_needs */
	STREAM_ENDED,	/* the peer will send nothing more */
	STREAM_FAILED,
};

/* A stream that is closed. */
void stream_init(struct stream *stream);

/* Begins to connect; it is done, or has failed, as soon as it is writable (stream_connect_error
 * tells which). 0, or the errno of what failed at once: the stream is closed then. address is a
 * number, no name. */
int stream_connect_tcp(struct stream *stream, uv_loop_t *loop, const char *address, uint16_t port,
		       stream_ready *ready, void *context);
int stream_connect_unix(struct stream *stream, uv_loop_t *loop, const char *path,
			stream_ready *ready, void *context);
/* 0: connected. */
int stream_connect_error(const struct stream *stream);

/* Takes over a descriptor that was accepted and does not block; waits for nothing yet. WSB_ENOMEM:
 * the stream and the descriptor are closed. */
enum wsb_err stream_adopt(struct stream *stream, uv_loop_t *loop, int fd, stream_ready *ready,
			  void *context) WSB_CHECKED;

/* TLS from here on; as tls_client_session and tls_server_session. Then stream_shake until it is
 * done. */
enum wsb_err stream_secure(struct stream *stream, void *ssl_context, const char *host,
			   bool verify) WSB_CHECKED;
enum wsb_err stream_secure_accepted(struct stream *stream, void *ssl_context) WSB_CHECKED;
/* STREAM_BLOCKED: wait for read_needs. */
enum stream_verdict stream_shake(struct stream *stream);

/* What TLS makes of the first bytes before it says that it is blocked: they leave as they are, and
 * the next write must begin with at least as many. */
#define STREAM_RECORD_MAX ((size_t)16 * 1024)

/* STREAM_DONE: *len bytes, at least one, have been read or taken. */
enum stream_verdict stream_read(struct stream *stream, char *bytes, size_t size, size_t *len);
enum stream_verdict stream_write(struct stream *stream, struct span bytes, size_t *len);

/* Waits for these events from now on, instead of those asked for before. */
void stream_watch(struct stream *stream, int events);

/* Whom to tell from now on. */
static inline void stream_hand(struct stream *stream, stream_ready *ready, void *context)
{
	stream->ready = ready;
	stream->context = context;
}
/* To another place, with all it is and waits for; `from` is closed afterwards. */
void stream_move(struct stream *to, struct stream *from);

/* Tells the peer that nothing more will be written; what it still sends can be read. */
void stream_finish(struct stream *stream);

/* Lets the system find out that the peer is gone, where nobody else asks. */
void stream_keep_alive(const struct stream *stream);

/* The address of the peer, without its port; "" over a Unix socket. */
#define STREAM_PEER_MAX 64
void stream_peer(const struct stream *stream, char text[STREAM_PEER_MAX]);

/* May be called twice. ready is not called any more. */
void stream_close(struct stream *stream);

static inline bool stream_is_secure(const struct stream *stream)
{
	return stream->ssl != NULL;
}

static inline bool stream_is_open(const struct stream *stream)
{
	return stream->poll != NULL;
}

#endif
