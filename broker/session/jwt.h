/* broker/session/jwt.h: signed tokens (RFC 7519 in the compact form of RFC 7515): read, proven,
 * judged, in this order. Pure: the arithmetic of signatures is handed in. What is wrong is told in
 * a sentence that repeats nothing of the token; NULL stands for nothing. */
#ifndef WSB_BROKER_SESSION_JWT_H
#define WSB_BROKER_SESSION_JWT_H

#include <stdbool.h>
#include <stdint.h>
#include "broker/session/jwk.h"
#include "common/span.h"

#define JWT_BYTES_MAX	8192
#define JWT_ID_MAX	256
#define JWT_SUBJECT_MAX 256
#define JWT_ROLE_MAX	16

/* How far the issuer's clock may be from ours. */
#define JWT_LEEWAY_S 60

/* Whom tokens must come from, and whom they must be for. */
struct jwt_rules {
	struct jwk_set keys; /* none: tokens of this form are not taken */
	const char *audience;
	const char *issuer; /* NULL: any */
};

/* A token in parts that nobody has vouched for yet. The spans lie in the token or in room. */
struct jwt {
	enum jwt_algorithm algorithm;
	char id[JWT_ID_MAX]; /* kid; "": none */
	struct span signed_text;
	struct span signature;
	struct span claims; /* a JSON text, perhaps */
	uint8_t room[JWT_BYTES_MAX];
};

/* Whether a signature by this key, which fits the algorithm, is right. */
typedef bool jwt_verify(const struct jwk *key, enum jwt_algorithm algorithm,
			struct span signed_text, struct span signature);

/* What a proven token says. */
struct jwt_claims {
	char subject[JWT_SUBJECT_MAX]; /* "": nobody in particular */
	char role[JWT_ROLE_MAX];       /* "": none, or one too long to be known */
	uint64_t expires_s;	       /* Unix time */
};

/* token must stay while jwt is used. */
const char *jwt_read(struct jwt *jwt, struct span token);

/* Tries each key that has the token's kid or none, and fits its algorithm. */
const char *jwt_prove(const struct jwt *jwt, const struct jwk_set *keys, jwt_verify *verify);

/* exp must be there; nbf, aud and iss as RFC 7519 has them, with leeway on both clocks. */
const char *jwt_judge(const struct jwt *jwt, const struct jwt_rules *rules, uint64_t wall_us,
		      struct jwt_claims *out);

/* For how long a proven and judged token holds from now on: until it expires; one that is taken
 * only by the leeway until that has passed. */
uint64_t jwt_holds_us(const struct jwt_claims *claims, uint64_t wall_us);

#endif
