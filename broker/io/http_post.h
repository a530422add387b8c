/* broker/io/http_post.h: a request or batch as the body of an HTTP POST. */
#ifndef WSB_BROKER_IO_HTTP_POST_H
#define WSB_BROKER_IO_HTTP_POST_H

#include <stddef.h>
#include <stdint.h>
#include "broker/engine/engine.h"
#include "broker/io/http_socket.h"
#include "common/span.h"

/* An admitted request: reads its body. */
void http_post_begin(struct http_socket *socket, const struct http_head *head,
		     uint64_t message_bytes);

/* The body is there: hands it to the engine, which answers by http_post_respond. */
void http_post_body(struct http_socket *socket, struct engine *engine, size_t listener,
		    struct span body);

/* The engine's answer. */
void http_post_respond(struct http_socket *socket, int status, uint32_t retry_after_s,
		       enum encoding encoding, struct span body);

#endif
