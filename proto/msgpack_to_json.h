/* proto/msgpack_to_json.h: the other half of transcode. */
#ifndef WSB_PROTO_MSGPACK_TO_JSON_H
#define WSB_PROTO_MSGPACK_TO_JSON_H

#include "common/err.h"
#include "common/span.h"
#include "common/strbuf.h"

/* Errors as transcode; then out has been written to. */
enum wsb_err msgpack_to_json(struct span text, struct strbuf *out) WSB_CHECKED;

#endif
