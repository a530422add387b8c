/* broker/io/http_socket.h: one accepted socket: the HTTP requests on it, or the WebSocket it
 * became.
 *
 * What a listener serves is a site: it is asked for each request and told of each message. The site
 * of a socket is that of the listener it came in by and never changes, whatever the peer writes
 * into its Host header or asks for by SNI. */
#ifndef WSB_BROKER_IO_HTTP_SOCKET_H
#define WSB_BROKER_IO_HTTP_SOCKET_H

#include <libwebsockets.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "broker/io/http_head.h"
#include "broker/io/http_reply.h"
#include "broker/io/wire.h"
#include "broker/io/ws_context.h"
#include "common/err.h"
#include "common/list.h"
#include "common/span.h"
#include "common/strbuf.h"

struct http_socket;

struct http_site {
	void *context;
	uint64_t handshake_us; /* for the first request to arrive, TLS included */

	/* A plain request: either http_socket_reply, or http_socket_take_body. */
	void (*request)(struct http_socket *socket, const struct http_head *head);
	/* Its whole body, after http_socket_take_body: http_socket_reply, now or later. */
	void (*body)(struct http_socket *socket, struct span body);
	/* Wants to become a WebSocket: true lets it, else http_socket_reply has been called. NULL:
	 * never. */
	bool (*upgrade)(struct http_socket *socket, const struct http_head *head);
	/* It is one. False: drop it. The site calls wire_opened. */
	bool (*opened)(struct http_socket *socket);
	void (*data)(struct http_socket *socket, bool binary, struct span piece,
		     uint64_t frame_left, bool ends_message);
	void (*pong)(struct http_socket *socket);
	/* It is gone; called only while socket->session is set. */
	void (*closed)(struct http_socket *socket);
};

enum http_phase {
	HTTP_READING,	 /* a head, or the body of a request */
	HTTP_ANSWERING,	 /* the whole request is with the site */
	HTTP_REPLYING,	 /* the reply waits for the socket */
	HTTP_DISCARDING, /* the reply is out; what is left of the request is thrown away */
};

struct http_socket {
	struct wire wire;
	struct lws *wsi; /* NULL before the library has it, and after */
	const struct http_site *site;
	void *session;	      /* the site's: set while it must be told of the end */
	const char *identity; /* the site's: as whom the peer came in; NULL: anonymous */
	uint8_t role;	      /* the site's */
	bool json;	      /* the site's: encoding of the request under way */
	bool takes_body;
	bool closes;	  /* the connection ends after the reply */
	uint8_t overruns; /* how often bytes beyond the request were offered */
	enum http_phase phase;
	size_t body_max;
	struct strbuf *body; /* NULL unless a request is under way */
	struct strbuf *reply;
};

static inline struct http_socket *http_socket_of(struct wire *wire)
{
	return (struct http_socket *)((char *)wire - offsetof(struct http_socket, wire));
}

/* Every vhost that sockets are accepted into has these. `protocols` are the subprotocols. */
extern const struct lws_protocols http_socket_protocols[];

/* Takes over the descriptor; on error it is closed. WSB_ENOMEM, WSB_EIO. */
enum wsb_err http_socket_accept(const struct http_site *site, struct ws_context *context,
				struct lws_vhost *vhost, int fd) WSB_CHECKED;

/* Answers the request under way; the bytes of reply are copied. */
void http_socket_reply(struct http_socket *socket, const struct http_reply *reply);

/* Answers it with a problem. extra as in struct http_reply. */
void http_socket_refuse(struct http_socket *socket, int status, const char *title,
			const char *detail, uint32_t retry_after_s, const char *extra);

/* Reads the body, at most bytes_max of it (more is refused with 413), and then calls site->body. */
void http_socket_take_body(struct http_socket *socket, const struct http_head *head,
			   size_t bytes_max);

#endif
