/* broker/io/http_socket.h: one accepted socket: the HTTP/1.1 requests on it, or the WebSocket it
 * became.
 *
 * What a listener serves is a site: it is asked for each request and told of each message. The site
 * of a socket is that of the listener it came in by and never changes, whatever the peer writes
 * into its Host header or asks for by SNI. */
#ifndef WSB_BROKER_IO_HTTP_SOCKET_H
#define WSB_BROKER_IO_HTTP_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "broker/io/deflate_offer.h"
#include "broker/io/http_chunks.h"
#include "broker/io/http_head.h"
#include "broker/io/http_reply.h"
#include "broker/io/upgrade.h"
#include "broker/io/wire.h"
#include "broker/io/ws_context.h"
#include "common/err.h"
#include "common/span.h"
#include "common/strbuf.h"

struct http_socket;

struct http_site {
	void *context;
	uint64_t handshake_us; /* for the first request to arrive, TLS included */
	void *ssl_context;     /* NULL: no TLS. New sockets take what is there */
	size_t *opening;       /* counts those that hear the 101; NULL: nobody asks for it */
	size_t *open;	       /* counts its sockets; NULL: nobody wants to know */

	/* A plain request: http_socket_reply, now or later, or http_socket_take_body. The head is
	 * valid during the call. */
	void (*request)(struct http_socket *socket, const struct http_head *head);
	/* Its whole body, after http_socket_take_body: http_socket_reply, now or later. NULL when
	 * none is ever taken. */
	void (*body)(struct http_socket *socket, struct span body);
	/* Wants to become a WebSocket: http_socket_open or http_socket_reply, now or later. NULL:
	 * it never may. */
	void (*upgrade)(struct http_socket *socket, const struct http_head *head);
	/* It is one: the site calls wire_opened. False: drop it. */
	bool (*opened)(struct http_socket *socket);
	void (*data)(struct http_socket *socket, bool binary, struct span piece,
		     uint64_t frame_left, bool ends_message);
	void (*pong)(struct http_socket *socket);
	void (*inflates)(struct http_socket *socket, size_t bytes); /* as wire_events.inflates */
	/* It is gone; called only while socket->session is set. */
	void (*closed)(struct http_socket *socket);
};

enum http_phase {
	HTTP_SECURING,	/* TLS */
	HTTP_HEAD,	/* waits for a request */
	HTTP_BODY,	/* and for its body */
	HTTP_ANSWERING, /* the whole request is with the site */
	HTTP_REPLYING,	/* the reply is on its way */
	HTTP_STREAMING, /* a reply without an end is */
	HTTP_SWITCHING, /* the 101 is */
	HTTP_SWITCHED,	/* it is a WebSocket */
};

struct http_socket {
	const struct http_site *site;
	void *session;		 /* the site's: set while it must be told of the end */
	char *identity;		 /* the site's: as whom the peer came in; NULL: anonymous */
	uint64_t holds_us;	 /* the site's: for how long; 0: without end */
	const char *subprotocol; /* constant; NULL: none */
	uint8_t role;		 /* the site's */
	bool json;		 /* the site's: encoding of the request under way */
	bool served;		 /* there was a request before */
	bool keeps;		 /* another request may follow the one under way */
	bool peer_ended;	 /* nothing more comes */
	bool chunked;		 /* so the body comes */
	enum http_phase phase;
	_Alignas(CACHE_LINE) struct wire wire;
	struct deflate_terms terms; /* of the WebSocket that it becomes */
	char key[UPGRADE_KEY_LEN];
	size_t head_seen; /* as http_head_len wants it */
	size_t head_len;  /* of the request that the site is being asked about */
	size_t body_len;  /* at most, as long as it comes in chunks */
	struct http_chunks chunks;
	size_t sent; /* of out */
	struct strbuf in;
	struct strbuf out;
};

static inline struct http_socket *http_socket_of(struct wire *wire)
{
	return (struct http_socket *)((char *)wire - offsetof(struct http_socket, wire));
}

/* Takes over the descriptor; on error it is closed. WSB_ENOMEM. */
enum wsb_err http_socket_accept(const struct http_site *site, struct ws_context *context,
				int fd) WSB_CHECKED;

/* Answers the request under way; the bytes of reply are copied. */
void http_socket_reply(struct http_socket *socket, const struct http_reply *reply);

/* Answers it with the beginning of a body that goes on until the connection ends, by the peer or
 * by site->closed's cause; http_socket_add adds to it. */
void http_socket_stream(struct http_socket *socket, const struct http_reply *reply);
/* A peer that takes none of it for a minute is dropped. */
void http_socket_add(struct http_socket *socket, struct span bytes);
/* Bytes that the peer has not taken yet. */
size_t http_socket_waiting(const struct http_socket *socket);

/* Answers it with a problem. extra as in struct http_reply. */
void http_socket_refuse(struct http_socket *socket, int status, const char *title,
			const char *detail, uint32_t retry_after_s, const char *extra);

/* Reads the body, at most bytes_max of it (more is refused with 413), and then calls site->body. */
void http_socket_take_body(struct http_socket *socket, const struct http_head *head,
			   size_t bytes_max);

/* From within site->upgrade: gives the stream away, with what has come behind the request appended
 * to rest, and is forgotten. Whoever takes it answers the peer. */
void http_socket_surrender(struct http_socket *socket, struct stream *stream, struct strbuf *rest);

/* Answers the wish for a WebSocket with 101; site->opened follows when that is out. */
void http_socket_open(struct http_socket *socket, const char *subprotocol,
		      struct deflate_terms terms);

#endif
