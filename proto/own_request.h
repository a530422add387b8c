/* proto/own_request.h: the requests that the broker makes itself, in any envelope, as JSON. Off the
 * hot path. */
#ifndef WSB_PROTO_OWN_REQUEST_H
#define WSB_PROTO_OWN_REQUEST_H

#include <jansson.h>
#include <stdint.h>
#include "common/err.h"
#include "common/strbuf.h"
#include "proto/envelope.h"

/* Appends one whole request to out: the method, the params (NULL: none) and one of the broker's own
 * ids where settings (NULL: JSON-RPC 2.0) have their places.
 * WSB_ENOMEM; WSB_EINVAL: params must be an object, since they are the message itself. */
enum wsb_err own_request(const struct envelope_settings *settings, uint64_t id, const char *method,
			 const json_t *params, struct strbuf *out) WSB_CHECKED;

#endif
