/* broker/session/jwk.h: the keys that tokens are signed with (RFC 7517), and which signature goes
 * with which key. A key is never used with an algorithm of another kind, so that a public key
 * cannot pass for the secret of an HMAC. */
#ifndef WSB_BROKER_SESSION_JWK_H
#define WSB_BROKER_SESSION_JWK_H

#include <stdbool.h>
#include <stddef.h>
#include "common/span.h"

enum jwk_kind { JWK_RSA, JWK_P256, JWK_P384, JWK_P521, JWK_ED25519, JWK_OCT };

enum jwt_algorithm {
	JWT_RS256,
	JWT_RS384,
	JWT_RS512,
	JWT_PS256,
	JWT_PS384,
	JWT_PS512,
	JWT_ES256,
	JWT_ES384,
	JWT_ES512,
	JWT_EDDSA,
	JWT_HS256,
	JWT_HS384,
	JWT_HS512,
	JWT_ALGORITHMS,
};

struct jwk {
	enum jwk_kind kind;
	const char *id; /* kid; NULL: none */
	bool bound;	/* is for one algorithm only */
	enum jwt_algorithm algorithm;
	struct span first;  /* n, x or k */
	struct span second; /* e or y */
};

struct jwk_set {
	const char *file; /* that they came from */
	struct jwk *keys;
	size_t count;
};

/* False: a name that stands for nothing here, "none" among them. */
bool jwt_algorithm_find(struct span name, enum jwt_algorithm *out);

/* Bits of the digest that an algorithm signs; 0: it makes its own. */
unsigned int jwt_digest_bits(enum jwt_algorithm algorithm);

/* Whether the key may have made a signature of this algorithm. */
bool jwk_fits(const struct jwk *key, enum jwt_algorithm algorithm);

/* Whether two sets hold the same keys in the same order, wherever they came from. */
bool jwk_set_equal(const struct jwk_set *a, const struct jwk_set *b);

#endif
