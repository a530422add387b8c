/* proto/codec.h: the two forms in which a message travels. */
#ifndef WSB_PROTO_CODEC_H
#define WSB_PROTO_CODEC_H

#include <stdbool.h>
#include "common/span.h"

enum encoding { ENCODING_JSON, ENCODING_MSGPACK };

/* Text frames are JSON, binary ones MessagePack; a binary one that begins with { or [ is JSON
 * (as MessagePack those bytes would be a lone small number: no message). */
enum encoding encoding_of_frame(bool binary, struct span payload);

const char *encoding_name(enum encoding encoding); /* "json", "msgpack" */

/* Deepest nesting of arrays and maps that either codec accepts; deeper is WSB_EPARSE. */
#define CODEC_DEPTH_MAX 512

#endif
