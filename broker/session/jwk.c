#include "broker/session/jwk.h"

static const struct {
	const char *name;
	enum jwk_kind kind;
	unsigned int digest_bits;
} algorithms[JWT_ALGORITHMS] = {
	[JWT_RS256] = {"RS256", JWK_RSA, 256},	[JWT_RS384] = {"RS384", JWK_RSA, 384},
	[JWT_RS512] = {"RS512", JWK_RSA, 512},	[JWT_PS256] = {"PS256", JWK_RSA, 256},
	[JWT_PS384] = {"PS384", JWK_RSA, 384},	[JWT_PS512] = {"PS512", JWK_RSA, 512},
	[JWT_ES256] = {"ES256", JWK_P256, 256}, [JWT_ES384] = {"ES384", JWK_P384, 384},
	[JWT_ES512] = {"ES512", JWK_P521, 512}, [JWT_EDDSA] = {"EdDSA", JWK_ED25519, 0},
	[JWT_HS256] = {"HS256", JWK_OCT, 256},	[JWT_HS384] = {"HS384", JWK_OCT, 384},
	[JWT_HS512] = {"HS512", JWK_OCT, 512},
};

bool jwt_algorithm_find(struct span name, enum jwt_algorithm *out)
{
	for (size_t i = 0; i < JWT_ALGORITHMS; i++) {
		if (span_is(name, algorithms[i].name)) {
			*out = (enum jwt_algorithm)i;
			return true;
		}
	}
	return false;
}

unsigned int jwt_digest_bits(enum jwt_algorithm algorithm)
{
	return algorithms[algorithm].digest_bits;
}

bool jwk_fits(const struct jwk *key, enum jwt_algorithm algorithm)
{
	if (key->kind != algorithms[algorithm].kind || (key->bound && key->algorithm != algorithm))
		return false;
	/* RFC 7518, section 3.2: a secret is as long as the digest, or longer. */
	return key->kind != JWK_OCT || key->first.len * 8 >= algorithms[algorithm].digest_bits;
}

static bool same_key(const struct jwk *a, const struct jwk *b)
{
	return a->kind == b->kind && a->bound == b->bound && a->algorithm == b->algorithm &&
	       span_equal(span_text(a->id), span_text(b->id)) && span_equal(a->first, b->first) &&
	       span_equal(a->second, b->second);
}

bool jwk_set_equal(const struct jwk_set *a, const struct jwk_set *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		if (!same_key(&a->keys[i], &b->keys[i]))
			return false;
	}
	return true;
}
