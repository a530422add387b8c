/* proto/json_to_msgpack.h: one half of transcode. */
#ifndef WSB_PROTO_JSON_TO_MSGPACK_H
#define WSB_PROTO_JSON_TO_MSGPACK_H

#include "common/err.h"
#include "common/span.h"
#include "common/strbuf.h"

/* Errors as transcode; then out has been written to. */
enum wsb_err json_to_msgpack(struct span text, struct strbuf *out) WSB_CHECKED;

#endif
