/* proto/reply.h: the answers that the broker writes itself, in any envelope and encoding. Off the
 * hot path. */
#ifndef WSB_PROTO_REPLY_H
#define WSB_PROTO_REPLY_H

#include <stdbool.h>
#include <stdint.h>
#include "common/err.h"
#include "common/span.h"
#include "common/strbuf.h"
#include "proto/envelope.h"

/* To whom: jsonrpc chooses JSON-RPC's form over the envelope's; id is the request's token in its
 * own encoding, absent where it had none or it could not be read (JSON-RPC then says null). */
struct reply_to {
	const struct envelope *envelope;
	enum encoding encoding;
	bool jsonrpc;
	struct span id;
};

/* Each appends one whole message to out, in to->encoding. data and result are JSON texts.
 * options: a JSON text to add as `wsbroker` member; absent: none.
 * WSB_ENOMEM; WSB_EINVAL when result cannot be carried in MessagePack. */
enum wsb_err reply_error(const struct reply_to *to, int code, const char *message, struct span data,
			 struct span options, struct strbuf *out) WSB_CHECKED;
enum wsb_err reply_result(const struct reply_to *to, struct span result, struct span options,
			  struct strbuf *out) WSB_CHECKED;

/* A route's `respond` text. In JSON-RPC: a text that is an object with `jsonrpc` is the whole
 * message, any other is the result. In another envelope it is the whole message. The id is put
 * where answers keep it (replacing one that stands there), or left out when the request had none.
 */
enum wsb_err reply_respond(const struct reply_to *to, struct span respond, struct span options,
			   struct strbuf *out) WSB_CHECKED;

/* A request of the broker's own, in JSON. id and params are JSON tokens. WSB_ENOMEM. */
enum wsb_err request_compose(const struct envelope *envelope, bool jsonrpc, struct span id,
			     struct span method, struct span params,
			     struct strbuf *out) WSB_CHECKED;

/* What a request says in its `wsbroker` member. */
enum cache_wish { CACHE_USE, CACHE_BYPASS, CACHE_REFRESH, CACHE_ONLY };
struct request_options {
	enum cache_wish cache;
	uint64_t timeout_us; /* 0: the route's */
	bool explain;
};

/* WSB_EINVAL: not an object, an unknown member, or a value out of place; why says which. */
enum wsb_err request_options_read(enum encoding encoding, struct span value,
				  struct request_options *out, char *why,
				  size_t why_size) WSB_CHECKED;

#endif
