/* A token that a stranger has made. Its signature is right when its first byte is even, so that
 * what only the proven reach is reached. */
#include "broker/session/jwt.h"
#include "tests/fuzz/fuzz.h"

#define NOW_US UINT64_C(1800000000000000)

static struct jwk keys[] = {
	{.kind = JWK_RSA, .id = "a"},
	{.kind = JWK_P256},
	{.kind = JWK_ED25519, .id = "b"},
	{.kind = JWK_OCT, .first = {"0123456789abcdef0123456789abcdef", 32}},
};

static bool verify(const struct jwk *key, enum jwt_algorithm algorithm, struct span signed_text,
		   struct span signature)
{
	must(jwk_fits(key, algorithm));
	must(memchr(signed_text.at, '.', signed_text.len) != NULL);
	return signature.len > 0 && signature.at[0] % 2 == 0;
}

static void check_claims(const struct jwt_claims *claims)
{
	must(claims->expires_s + JWT_LEEWAY_S > NOW_US / 1000000);
	must(memchr(claims->subject, '\0', sizeof(claims->subject)) != NULL);
	must(memchr(claims->role, '\0', sizeof(claims->role)) != NULL);
	must(jwt_holds_us(claims, NOW_US) > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct jwt_rules rules = {.keys = {.keys = keys, .count = 4},
					.audience = "wsbroker",
					.issuer = size % 3 ? NULL : "me"};
	struct span token = span_of((const char *)data, size);
	struct jwt_claims claims;
	static struct jwt jwt;

	if (jwt_read(&jwt, token))
		return 0;
	must_lie_within(jwt.signed_text, token);
	must_lie_within(jwt.signature, span_of((const char *)jwt.room, sizeof(jwt.room)));
	must_lie_within(jwt.claims, span_of((const char *)jwt.room, sizeof(jwt.room)));
	must(jwt.algorithm < JWT_ALGORITHMS);
	if (!jwt_prove(&jwt, &rules.keys, verify) && !jwt_judge(&jwt, &rules, NOW_US, &claims))
		check_claims(&claims);
	return 0;
}
