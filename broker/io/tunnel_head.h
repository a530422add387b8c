/* broker/io/tunnel_head.h: what a client of a session listener asked for, put to the upstream, and
 * the head of what that answers. Knows no socket. */
#ifndef WSB_BROKER_IO_TUNNEL_HEAD_H
#define WSB_BROKER_IO_TUNNEL_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "broker/io/http_head.h"
#include "broker/pool/settings.h"
#include "common/err.h"
#include "common/span.h"
#include "common/strbuf.h"

/* Where the client came in. */
struct tunnel_origin {
	const char *peer;	/* its address; "" when it has none */
	bool tls;		/* it came over TLS */
	bool authenticated;	/* its credential was for us, and goes no further */
	const char *auth_query; /* a query parameter that may have held it; NULL: none */
};

/* Appends the request line and every end-to-end header of head, with what a reverse proxy adds
 * (X-Forwarded-For, -Proto and -Host): all but the Host header, the pool's headers and the blank
 * line. Headers that the pool sets itself are left out. */
void tunnel_head_begin(struct strbuf *out, const struct http_head *head,
		       const struct tunnel_origin *origin, const struct pool_settings *pool);

/* Completes it for one endpoint. WSB_ENOMEM, WSB_ELIMIT. */
enum wsb_err tunnel_head_finish(struct strbuf *out, struct span begun, const char *host,
				const struct pool_settings *pool) WSB_CHECKED;

/* The head of an answer, blank line included. */
struct tunnel_answer {
	unsigned int status; /* 0: it cannot be read */
	bool websocket;	     /* 101, and to a WebSocket */
	bool has_length;     /* of its body */
	uint64_t content_length;
};
void tunnel_head_read(struct tunnel_answer *answer, struct span head);

/* The head as it goes to the client when the upgrade was declined: the connection ends after it. */
void tunnel_head_decline(struct strbuf *out, struct span head);

#endif
