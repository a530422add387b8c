/* broker/subscription/look.h: ids that clients keep, and that look like those the upstream gives.
 *
 * An id is a number of the process, stirred by a key, so that none comes twice and none can be
 * guessed. */
#ifndef WSB_BROKER_SUBSCRIPTION_LOOK_H
#define WSB_BROKER_SUBSCRIPTION_LOOK_H

#include <stdint.h>
#include "common/rng.h"
#include "common/span.h"
#include "proto/codec.h"

enum look_kind {
	LOOK_NUMBER,
	LOOK_HEX,     /* "0x9ce5..." */
	LOOK_DECIMAL, /* a string of digits */
	LOOK_UUID,
	LOOK_TEXT, /* any other string */
};

#define LOOK_LEN_MIN 16
#define LOOK_LEN_MAX 64

struct look {
	enum look_kind kind;
	uint8_t len; /* hexadecimal digits of an id, or the characters of a text */
};

/* How the ids look of which this token, a string or a number, is the first. */
struct look look_of(enum encoding encoding, struct span token);

struct mint {
	uint64_t serial; /* of the latest */
	uint64_t keys[3];
};

void mint_init(struct mint *mint, struct rng *rng);

#define OWN_TOKEN_MAX (LOOK_LEN_MAX + 8)

/* A new id as a token of each encoding. */
struct own_token {
	uint8_t len[2]; /* by enum encoding; 0: there is none */
	char text[2][OWN_TOKEN_MAX];
};
void mint_make(struct mint *mint, const struct look *look, struct own_token *out);

/* A token from elsewhere in both encodings. One that is too long has neither, one that the other
 * encoding cannot carry has only its own. */
void own_token_copy(struct own_token *out, enum encoding encoding, struct span token);

static inline struct span own_token_span(const struct own_token *token, enum encoding encoding)
{
	return span_of(token->len[encoding] ? token->text[encoding] : NULL, token->len[encoding]);
}

#endif
