/* proto/transcode.h: the same message in the other encoding, exactly or not at all.
 * Integers of 64 bits and doubles that round-trip are exact; the rest is refused. */
#ifndef WSB_PROTO_TRANSCODE_H
#define WSB_PROTO_TRANSCODE_H

#include "common/err.h"
#include "common/span.h"
#include "common/strbuf.h"
#include "proto/codec.h"

/* text is one well-formed message in `from`; it is appended to out in `to` (as it is when equal).
 * WSB_EINVAL: something in it cannot be carried exactly (an integer over 64 bits, a fraction that
 * no double holds, bin, ext, a map key that is no string, NaN or an infinity): out is as before.
 * WSB_EPARSE: not well-formed after all. WSB_ENOMEM. */
enum wsb_err transcode(enum encoding from, enum encoding to, struct span text,
		       struct strbuf *out) WSB_CHECKED;

#endif
