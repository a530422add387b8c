/* broker/io/http_head.h: what a request asks for, read from the library's header table. */
#ifndef WSB_BROKER_IO_HTTP_HEAD_H
#define WSB_BROKER_IO_HTTP_HEAD_H

#include <libwebsockets.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "broker/io/ws_context.h"
#include "common/err.h"
#include "common/span.h"

/* Absent spans: no such header. All are valid during the callback that the head was read in. */
struct http_head {
	struct span method;
	struct span path;  /* without the query */
	struct span query; /* without the question mark */
	struct span host;
	struct span origin;
	struct span authorization;
	struct span connection;
	struct span content_type;
	struct span transfer_encoding;
	struct span expect;
	struct span version;   /* Sec-WebSocket-Version */
	struct span key;       /* Sec-WebSocket-Key */
	struct span protocols; /* Sec-WebSocket-Protocol */
	bool has_length;
	uint64_t content_length;
	size_t used;
	char text[WS_HEAD_BYTES_MAX + 256];
};

/* WSB_EPARSE: there is no request line, or a length that is no number. */
enum wsb_err http_head_read(struct http_head *head, struct lws *wsi) WSB_CHECKED;

/* Whether the library would go through with this upgrade. It hangs up without a word on what it
 * does not like, so what it would refuse is found out before, and why says what. */
bool http_head_fits_upgrade(const struct http_head *head, const char **why);

#endif
