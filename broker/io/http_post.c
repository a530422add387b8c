#include "broker/io/http_post.h"

#include <strings.h>
#include "common/clock.h"

static const char msgpack_type[] = "application/msgpack";

/* Anything that is not MessagePack is taken for JSON: curl calls what it sends a form. */
static enum encoding encoding_of(struct span type)
{
	size_t len = sizeof(msgpack_type) - 1;

	if (type.len < len || strncasecmp(type.at, msgpack_type, len) != 0)
		return ENCODING_JSON;
	return type.len == len || type.at[len] == ';' || type.at[len] == ' ' ? ENCODING_MSGPACK
									     : ENCODING_JSON;
}

void http_post_begin(struct http_socket *socket, const struct http_head *head,
		     uint64_t message_bytes)
{
	socket->json = encoding_of(head->content_type) == ENCODING_JSON;
	http_socket_take_body(socket, head, message_bytes);
}

void http_post_body(struct http_socket *socket, struct engine *engine, size_t listener,
		    struct span body)
{
	struct admittance verdict = {
		.status = 200, .identity = socket->identity, .role = (enum token_role)socket->role};

	stream_peer(&socket->wire.stream, verdict.peer);
	socket->session = engine_http_request(engine, listener, &verdict,
					      socket->json ? ENCODING_JSON : ENCODING_MSGPACK, body,
					      &socket->wire, clock_monotonic_us());
}

void http_post_respond(struct http_socket *socket, int status, uint32_t retry_after_s,
		       enum encoding encoding, struct span body)
{
	struct http_reply reply = {
		.status = status,
		.content_type = encoding == ENCODING_JSON ? "application/json" : msgpack_type,
		.body = body,
		.retry_after_s = retry_after_s,
	};

	socket->session = NULL;
	if (status == 204)
		reply.content_type = NULL;
	http_socket_reply(socket, &reply);
}
