/* proto/token.h: questions about one validated value, whichever way it is encoded. */
#ifndef WSB_PROTO_TOKEN_H
#define WSB_PROTO_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include "common/span.h"
#include "proto/codec.h"
#include "proto/number.h"

enum token_kind {
	TOKEN_NULL,
	TOKEN_FALSE,
	TOKEN_TRUE,
	TOKEN_NUMBER,
	TOKEN_STRING,
	TOKEN_ARRAY,
	TOKEN_OBJECT,
	TOKEN_OTHER, /* bin and ext of MessagePack */
};

enum token_kind token_kind_other(enum encoding encoding, struct span token);

static inline enum token_kind token_kind(enum encoding encoding, struct span token)
{
	/* What most are, in the text that most write. */
	if (encoding == ENCODING_JSON && *token.at == '"')
		return TOKEN_STRING;
	if (encoding == ENCODING_JSON && *token.at >= '0' && *token.at <= '9')
		return TOKEN_NUMBER;
	return token_kind_other(encoding, token);
}

/* The content of a string token with escapes resolved: a part of the token, or written into buf;
 * absent when it needs more than size bytes there. */
struct span token_string(enum encoding encoding, struct span token, char *buf, size_t size);

/* The value of a number token; false when no 64-bit integer and no finite double holds it. */
bool token_number(enum encoding encoding, struct span token, struct number *out);

/* Whether token means the same scalar as a JSON token: strings are equal byte for byte, numbers by
 * value (1 is 1.0). Strings with escapes compare up to 256 bytes; longer ones are unequal. */
bool token_equal(enum encoding encoding, struct span token, struct span json);

#endif
