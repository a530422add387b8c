#include "broker/io/signature.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <string.h>

#define COORDINATE_BYTES_MAX 66

static const unsigned char *bytes(struct span span)
{
	return (const unsigned char *)span.at;
}

/* EC keys are told by the name of their curve and the uncompressed point. */
static EVP_PKEY *build(const char *type, OSSL_PARAM_BLD *parts)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(parts);
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *key = NULL;

	if (params && context && EVP_PKEY_fromdata_init(context) == 1 &&
	    EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(context);
	OSSL_PARAM_free(params);
	return key;
}

static EVP_PKEY *rsa_key(const struct jwk *jwk)
{
	BIGNUM *modulus = BN_bin2bn(bytes(jwk->first), (int)jwk->first.len, NULL);
	BIGNUM *exponent = BN_bin2bn(bytes(jwk->second), (int)jwk->second.len, NULL);
	OSSL_PARAM_BLD *parts = OSSL_PARAM_BLD_new();
	EVP_PKEY *key = NULL;

	if (modulus && exponent && parts && BN_is_odd(modulus) && BN_is_odd(exponent) &&
	    !BN_is_one(exponent) &&
	    OSSL_PARAM_BLD_push_BN(parts, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
	    OSSL_PARAM_BLD_push_BN(parts, OSSL_PKEY_PARAM_RSA_E, exponent) == 1)
		key = build("RSA", parts);
	OSSL_PARAM_BLD_free(parts);
	BN_free(modulus);
	BN_free(exponent);
	return key;
}

static EVP_PKEY *ec_key(const struct jwk *jwk, const char *curve)
{
	unsigned char point[1 + 2 * COORDINATE_BYTES_MAX] = {POINT_CONVERSION_UNCOMPRESSED};
	size_t len = jwk->first.len;
	OSSL_PARAM_BLD *parts = OSSL_PARAM_BLD_new();
	EVP_PKEY *key = NULL;

	assert(len <= COORDINATE_BYTES_MAX && jwk->second.len == len);
	memcpy(point + 1, jwk->first.at, len);
	memcpy(point + 1 + len, jwk->second.at, len);
	if (parts &&
	    OSSL_PARAM_BLD_push_utf8_string(parts, OSSL_PKEY_PARAM_GROUP_NAME, curve, 0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(parts, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * len) ==
		    1)
		key = build("EC", parts);
	OSSL_PARAM_BLD_free(parts);
	return key;
}

/* NULL: it is none, or there is no memory. */
static EVP_PKEY *public_key(const struct jwk *jwk)
{
	switch (jwk->kind) {
	case JWK_RSA:
		return rsa_key(jwk);
	case JWK_P256:
		return ec_key(jwk, "P-256");
	case JWK_P384:
		return ec_key(jwk, "P-384");
	case JWK_P521:
		return ec_key(jwk, "P-521");
	case JWK_ED25519:
		return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, bytes(jwk->first),
						   jwk->first.len);
	default:
		return NULL;
	}
}

static const EVP_MD *digest_of(enum jwt_algorithm algorithm)
{
	switch (jwt_digest_bits(algorithm)) {
	case 256:
		return EVP_sha256();
	case 384:
		return EVP_sha384();
	case 512:
		return EVP_sha512();
	default:
		return NULL;
	}
}

static bool is_right_mac(const struct jwk *key, enum jwt_algorithm algorithm, struct span text,
			 struct span mac)
{
	unsigned char own[EVP_MAX_MD_SIZE];
	unsigned int len = 0;

	return HMAC(digest_of(algorithm), key->first.at, (int)key->first.len, bytes(text), text.len,
		    own, &len) &&
	       mac.len == len && CRYPTO_memcmp(own, mac.at, len) == 0;
}

/* r and s one behind the other become what OpenSSL reads. *der is freed by the caller. */
static int ecdsa_der(const struct jwk *key, struct span signature, unsigned char **der)
{
	size_t len = key->first.len;
	ECDSA_SIG *pair;
	BIGNUM *r, *s;
	int written = -1;

	*der = NULL;
	if (signature.len != 2 * len)
		return -1;
	pair = ECDSA_SIG_new();
	r = BN_bin2bn(bytes(signature), (int)len, NULL);
	s = BN_bin2bn(bytes(signature) + len, (int)len, NULL);
	if (pair && r && s && ECDSA_SIG_set0(pair, r, s) == 1) {
		written = i2d_ECDSA_SIG(pair, der);
	} else {
		BN_free(r);
		BN_free(s);
	}
	ECDSA_SIG_free(pair);
	return written;
}

static bool is_pss(enum jwt_algorithm algorithm)
{
	return algorithm == JWT_PS256 || algorithm == JWT_PS384 || algorithm == JWT_PS512;
}

static bool verify(EVP_PKEY *key, enum jwt_algorithm algorithm, struct span text,
		   const unsigned char *signature, size_t len)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *options = NULL;
	bool right = context &&
		     EVP_DigestVerifyInit(context, &options, digest_of(algorithm), NULL, key) == 1;

	if (right && is_pss(algorithm))
		right = EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1 &&
			EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) == 1;
	right = right && EVP_DigestVerify(context, signature, len, bytes(text), text.len) == 1;
	EVP_MD_CTX_free(context);
	return right;
}

static bool is_by(const struct jwk *jwk, EVP_PKEY *key, enum jwt_algorithm algorithm,
		  struct span text, struct span signature)
{
	unsigned char *der;
	bool right = false;
	int len;

	if (jwk->kind == JWK_RSA || jwk->kind == JWK_ED25519)
		return verify(key, algorithm, text, bytes(signature), signature.len);
	len = ecdsa_der(jwk, signature, &der);
	if (len > 0)
		right = verify(key, algorithm, text, der, (size_t)len);
	OPENSSL_free(der);
	return right;
}

bool signature_is_right(const struct jwk *jwk, enum jwt_algorithm algorithm, struct span text,
			struct span signature)
{
	EVP_PKEY *key;
	bool right;

	if (jwk->kind == JWK_OCT)
		return is_right_mac(jwk, algorithm, text, signature);
	key = public_key(jwk);
	right = key && is_by(jwk, key, algorithm, text, signature);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return right;
}

static void complain(struct strbuf *errors, const char *file, const struct jwk *jwk)
{
	strbuf_printf(errors, "%s: the key ", file);
	if (jwk->id)
		strbuf_plain(errors, span_text(jwk->id));
	else
		strbuf_text(errors, "without a kid");
	strbuf_text(errors, ": its numbers make no key of its kind\n");
}

void signature_prepare(const struct config *config, struct strbuf *errors)
{
	for (size_t i = 0; i < config->listener_count; i++) {
		const struct jwk_set *set = &config->listeners[i].jwt.keys;

		for (size_t j = 0; j < set->count; j++) {
			EVP_PKEY *key = public_key(&set->keys[j]);

			if (!key && set->keys[j].kind != JWK_OCT)
				complain(errors, set->file, &set->keys[j]);
			EVP_PKEY_free(key);
		}
	}
	ERR_clear_error();
}
