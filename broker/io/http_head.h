/* broker/io/http_head.h: the head of an HTTP/1.1 request, read strictly (RFC 9112): what two
 * readers could understand in two ways is refused. Knows no socket. */
#ifndef WSB_BROKER_IO_HTTP_HEAD_H
#define WSB_BROKER_IO_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/err.h"
#include "common/span.h"

/* Longest head that is taken in, the blank line included. */
#define HTTP_HEAD_MAX ((size_t)16 * 1024)

#define HTTP_PATH_MAX	1024 /* of a path with escapes */
#define HTTP_JOINED_MAX 512  /* of all values of headers that were sent in parts */

/* Spans are absent where there is no such header, and valid as long as the text that was read and
 * the head itself; the value of a list that was sent in several headers is joined by commas. */
struct http_head {
	struct span method;
	struct span target; /* path and query as they came */
	struct span path;   /* without the query, escapes resolved */
	struct span query;  /* without the question mark, as it came */
	struct span lines;  /* every header line with its line end, as they came */
	struct span host;
	struct span origin;
	struct span authorization;
	struct span connection;
	struct span upgrade;
	struct span content_type;
	struct span content_length_text;
	struct span transfer_encoding;
	struct span expect;
	struct span accept;
	struct span last_event_id;
	struct span version;	/* Sec-WebSocket-Version */
	struct span key;	/* Sec-WebSocket-Key */
	struct span protocols;	/* Sec-WebSocket-Protocol */
	struct span extensions; /* Sec-WebSocket-Extensions */
	bool has_length;
	uint64_t content_length;
	bool keeps_alive; /* the peer may send another request on the same connection */
	bool is_1_0;
	size_t joined_len;
	char decoded[HTTP_PATH_MAX];
	char joined[HTTP_JOINED_MAX];
};

/* Why a head is refused. */
struct http_fault {
	int status;
	const char *why; /* constant */
};

/* Reads a head that is whole, as http_head_len finds it. WSB_EPARSE: *fault says what is wrong.
 * Borrows text. */
enum wsb_err http_head_read(struct http_head *head, struct span text,
			    struct http_fault *fault) WSB_CHECKED;

/* Whether a body follows it. */
static inline bool http_head_has_body(const struct http_head *head)
{
	return head->content_length > 0 || head->transfer_encoding.at;
}

/* Whether bytes can be the beginning of a request at all, so that whoever speaks something else is
 * told at once. */
bool http_head_may_begin(struct span bytes);

/* Whether the peer asks for a WebSocket. */
bool http_head_wants_websocket(const struct http_head *head);

/* Whether it asks in a way that can be granted; else *why says what is wrong. */
bool http_head_fits_upgrade(const struct http_head *head, const char **why);

#endif
