/* Tokens without arithmetic: a signature is right when it says so. */
#include "broker/session/jwt.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define NOW_S  UINT64_C(1800000000)
#define NOW_US (NOW_S * UINT64_C(1000000))

/* "right", in base64url. */
#define RIGHT "cmlnaHQ"

static const struct jwk keys[] = {
	{.kind = JWK_RSA, .id = "rsa"},
	{.kind = JWK_P256, .id = "ec"},
	{.kind = JWK_RSA, .id = "only-rs256", .bound = true, .algorithm = JWT_RS256},
	{.kind = JWK_OCT, .id = "secret", .first = {"0123456789abcdef0123456789abcdef", 32}},
};

static size_t checks; /* signatures that were looked at */
static const struct jwk *checked;

static bool fake_verify(const struct jwk *key, enum jwt_algorithm algorithm,
			struct span signed_text, struct span signature)
{
	cr_assert(jwk_fits(key, algorithm));
	cr_assert(memchr(signed_text.at, '.', signed_text.len));
	checks++;
	checked = key;
	return span_is(signature, "right");
}

/* Base64url, the other way round. */
static void encode(const char *text, char *out)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	unsigned int bits = 0;
	unsigned int held = 0;

	for (; *text; text++) {
		bits = bits << 8 | (unsigned char)*text;
		for (held += 8; held >= 6; held -= 6)
			*out++ = digits[bits >> (held - 6) & 63];
	}
	if (held > 0)
		*out++ = digits[bits << (6 - held) & 63];
	*out = '\0';
}

static struct span compose(const char *header, const char *claims, const char *signature)
{
	static char token[JWT_BYTES_MAX * 2];
	size_t len;

	encode(header, token);
	len = strlen(token);
	token[len++] = '.';
	encode(claims, token + len);
	len += strlen(token + len);
	len += (size_t)snprintf(token + len, sizeof(token) - len, ".%s", signature);
	return span_of(token, len);
}

static const char *pass(struct span token, const struct jwt_rules *rules, struct jwt_claims *claims)
{
	static struct jwt jwt;
	const char *problem = jwt_read(&jwt, token);

	if (!problem)
		problem = jwt_prove(&jwt, &rules->keys, fake_verify);
	return problem ? problem : jwt_judge(&jwt, rules, NOW_US, claims);
}

static const struct jwt_rules rules = {.keys = {.keys = (struct jwk *)keys, .count = 4},
				       .audience = "wsbroker"};

#define GOOD_CLAIMS "{\"aud\":\"wsbroker\",\"exp\":1800000060,\"sub\":\"alice\"}"

Test(jwt, outer_form)
{
	static const struct {
		const char *token, *problem;
	} rows[] = {
		{"", "this token is not known"},
		{"s3cret", "this token is not known"},
		{"a.b", "this token is not known"},
		{"a.b.c.d", "this token is not known"},
		{"a.b.c.d.e", "this token is not known"},
		{"..", "the token's header is not a JSON object"},
		{"e30..", "the token is signed with no algorithm that is taken"},
		{"e30=.e30.cmlnaHQ", "a part of the token is not base64url"},
		{"e30.e3!.cmlnaHQ", "a part of the token is not base64url"},
		{"e30.e30.cmlnaHR", "a part of the token is not base64url"},
		{"e30 .e30.cmlnaHQ", "a part of the token is not base64url"},
	};
	static struct jwt jwt;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_str_eq(jwt_read(&jwt, span_text(rows[i].token)), rows[i].problem, "%s",
				 rows[i].token);
}

static const struct {
	const char *header;
	const char *problem; /* NULL: passes */
} headers[] = {
	{"{\"alg\":\"RS256\"}", NULL},
	{"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"typ\":\"JWT\",\"x5u\":\"http://evil\"}", NULL},
	{"{\"alg\":\"PS512\",\"kid\":\"rsa\"}", NULL},
	{"{\"alg\":\"ES256\",\"kid\":\"ec\"}", NULL},
	{"{\"alg\":\"HS256\",\"kid\":\"secret\"}", NULL},
	{"{\"alg\":\"RS256\",\"kid\":\"only-rs256\"}", NULL},
	{"{\"alg\":\"RS256\",\"kid\":\"\"}", NULL},
	/* A key is for its own kind of algorithm only. */
	{"{\"alg\":\"HS256\",\"kid\":\"rsa\"}", "no key fits the token's kid and algorithm"},
	{"{\"alg\":\"HS256\",\"kid\":\"ec\"}", "no key fits the token's kid and algorithm"},
	{"{\"alg\":\"RS256\",\"kid\":\"secret\"}", "no key fits the token's kid and algorithm"},
	{"{\"alg\":\"ES256\",\"kid\":\"rsa\"}", "no key fits the token's kid and algorithm"},
	{"{\"alg\":\"ES384\",\"kid\":\"ec\"}", "no key fits the token's kid and algorithm"},
	{"{\"alg\":\"RS384\",\"kid\":\"only-rs256\"}", "no key fits the token's kid and algorithm"},
	{"{\"alg\":\"HS384\",\"kid\":\"secret\"}", "no key fits the token's kid and algorithm"},
	{"{\"alg\":\"EdDSA\"}", "no key fits the token's kid and algorithm"},
	{"{\"alg\":\"RS256\",\"kid\":\"other\"}", "no key fits the token's kid and algorithm"},
	{"{\"alg\":\"RS256\",\"kid\":\"RSA\"}", "no key fits the token's kid and algorithm"},
	{"{\"alg\":\"none\"}", "the token is signed with no algorithm that is taken"},
	{"{\"alg\":\"None\"}", "the token is signed with no algorithm that is taken"},
	{"{\"alg\":\"rs256\"}", "the token is signed with no algorithm that is taken"},
	{"{\"alg\":\"RSA-OAEP\"}", "the token is signed with no algorithm that is taken"},
	{"{\"alg\":\"\"}", "the token is signed with no algorithm that is taken"},
	{"{\"alg\":null}", "the token is signed with no algorithm that is taken"},
	{"{\"alg\":[\"RS256\"]}", "the token is signed with no algorithm that is taken"},
	{"{\"Alg\":\"RS256\"}", "the token is signed with no algorithm that is taken"},
	{"{}", "the token is signed with no algorithm that is taken"},
	{"{\"alg\":\"RS256\",\"crit\":[\"b64\"],\"b64\":false}",
	 "the token has an extension that is not known"},
	{"{\"alg\":\"RS256\",\"crit\":[]}", "the token has an extension that is not known"},
	{"{\"alg\":\"RS256\",\"kid\":7}", "the token's kid is not a text of at most 255 bytes"},
	{"{\"alg\":\"RS256\",\"kid\":\"a\\nb\"}",
	 "the token's kid is not a text of at most 255 bytes"},
	{"{\"alg\":\"RS256\",\"alg\":\"none\"}", "the token's header is not a JSON object"},
	{"[\"RS256\"]", "the token's header is not a JSON object"},
	{"{\"alg\":\"RS256\"", "the token's header is not a JSON object"},
	{"{\"alg\":\"RS256\"}x", "the token's header is not a JSON object"},
	{"{\"alg\":\"RS256\\u0000\"}", "the token's header is not a JSON object"},
	{"{\"alg\":\"\xff\"}", "the token's header is not a JSON object"},
	{"", "the token's header is not a JSON object"},
};

Test(jwt, headers)
{
	struct jwt_claims claims;

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		const char *problem =
			pass(compose(headers[i].header, GOOD_CLAIMS, RIGHT), &rules, &claims);

		if (headers[i].problem)
			cr_expect(problem && strcmp(problem, headers[i].problem) == 0, "%s: %s",
				  headers[i].header, problem ? problem : "taken");
		else
			cr_expect_null(problem, "%s: %s", headers[i].header, problem);
	}
}

Test(jwt, keys_are_chosen_by_kid)
{
	struct jwt_claims claims;

	checks = 0;
	cr_expect_str_eq(
		pass(compose("{\"alg\":\"RS256\"}", GOOD_CLAIMS, "d3Jvbmc"), &rules, &claims),
		"the token's signature is wrong");
	cr_expect_eq(checks, 2, "each key that may have been it");
	checks = 0;
	cr_expect_str_eq(
		pass(compose("{\"alg\":\"RS256\",\"kid\":\"rsa\"}", GOOD_CLAIMS, "d3Jvbmc"), &rules,
		     &claims),
		"the token's signature is wrong");
	cr_expect_eq(checks, 1);
	cr_expect_str_eq(checked->id, "rsa");
	checks = 0;
	cr_expect_not_null(pass(compose("{\"alg\":\"RS256\"}", GOOD_CLAIMS, ""), &rules, &claims));
	cr_expect_eq(checks, 2, "an empty signature is a wrong one");
}

Test(jwt, a_key_without_kid_may_be_any)
{
	struct jwk nameless = {.kind = JWK_RSA};
	const struct jwt_rules one = {.keys = {.keys = &nameless, .count = 1},
				      .audience = "wsbroker"};
	struct jwt_claims claims;

	cr_expect_null(pass(compose("{\"alg\":\"RS256\",\"kid\":\"x\"}", GOOD_CLAIMS, RIGHT), &one,
			    &claims));
}

static const struct {
	const char *claims;
	const char *problem; /* NULL: passes */
} claim_sets[] = {
	{GOOD_CLAIMS, NULL},
	{"{\"aud\":[\"x\",\"wsbroker\"],\"exp\":1800000001}", NULL},
	{"{\"aud\":\"wsbroker\",\"exp\":1800000000.5}", NULL},
	{"{\"aud\":\"wsbroker\",\"exp\":1e300}", NULL},
	{"{\"aud\":\"wsbroker\",\"exp\":1799999941}", NULL},
	{"{\"aud\":\"wsbroker\",\"exp\":1799999940}", "the token has expired"},
	{"{\"aud\":\"wsbroker\",\"exp\":0}", "the token has expired"},
	{"{\"aud\":\"wsbroker\",\"exp\":-1}", "the token has no time of expiry"},
	{"{\"aud\":\"wsbroker\"}", "the token has no time of expiry"},
	{"{\"aud\":\"wsbroker\",\"exp\":null}", "the token has no time of expiry"},
	{"{\"aud\":\"wsbroker\",\"exp\":\"1800000060\"}", "the token has no time of expiry"},
	{"{\"aud\":\"wsbroker\",\"exp\":99999999999999999999}",
	 "the token's claims are not a JSON object"},
	{"{\"aud\":\"wsbroker\",\"exp\":1,\"exp\":1800000060}",
	 "the token's claims are not a JSON object"},
	{"{\"aud\":\"wsbroker\",\"exp\":1800000060,\"nbf\":1800000060}", NULL},
	{"{\"aud\":\"wsbroker\",\"exp\":1800000060,\"nbf\":1800000061}",
	 "the token does not hold yet"},
	{"{\"aud\":\"wsbroker\",\"exp\":1800000060,\"nbf\":\"now\"}", "the token's nbf is no time"},
	{"{\"exp\":1800000060}", "the token is for another audience"},
	{"{\"aud\":\"other\",\"exp\":1800000060}", "the token is for another audience"},
	{"{\"aud\":\"wsbrokers\",\"exp\":1800000060}", "the token is for another audience"},
	{"{\"aud\":[],\"exp\":1800000060}", "the token is for another audience"},
	{"{\"aud\":[[\"wsbroker\"]],\"exp\":1800000060}", "the token is for another audience"},
	{"{\"aud\":{\"wsbroker\":1},\"exp\":1800000060}", "the token is for another audience"},
	{"{\"aud\":\"wsbroker\",\"exp\":1800000060,\"sub\":7}",
	 "the token's sub is not a text of at most 255 bytes"},
	{"{\"aud\":\"wsbroker\",\"exp\":1800000060,\"sub\":\"a\\u001bb\"}",
	 "the token's sub is not a text of at most 255 bytes"},
	{"[]", "the token's claims are not a JSON object"},
	{"", "the token's claims are not a JSON object"},
};

Test(jwt, claims)
{
	struct jwt_claims claims;

	for (size_t i = 0; i < sizeof(claim_sets) / sizeof(claim_sets[0]); i++) {
		const char *problem =
			pass(compose("{\"alg\":\"RS256\"}", claim_sets[i].claims, RIGHT), &rules,
			     &claims);

		if (claim_sets[i].problem)
			cr_expect(problem && strcmp(problem, claim_sets[i].problem) == 0, "%s: %s",
				  claim_sets[i].claims, problem ? problem : "taken");
		else
			cr_expect_null(problem, "%s: %s", claim_sets[i].claims, problem);
	}
}

Test(jwt, what_a_good_one_says)
{
	struct jwt_claims claims;

	cr_assert_null(pass(compose("{\"alg\":\"RS256\"}",
				    "{\"aud\":\"wsbroker\",\"exp\":1800000010,\"sub\":\"alice\","
				    "\"role\":\"publisher\"}",
				    RIGHT),
			    &rules, &claims));
	cr_expect_str_eq(claims.subject, "alice");
	cr_expect_str_eq(claims.role, "publisher");
	cr_expect_eq(jwt_holds_us(&claims, NOW_US), 10000000);
	cr_expect_eq(jwt_holds_us(&claims, NOW_US + 9999999), 1);
	cr_expect_eq(jwt_holds_us(&claims, NOW_US + 10000000), 60000000, "by the leeway");
	cr_assert_null(pass(
		compose("{\"alg\":\"RS256\"}",
			"{\"aud\":\"wsbroker\",\"exp\":1800000010,\"role\":[\"operator\"]}", RIGHT),
		&rules, &claims));
	cr_expect_str_eq(claims.subject, "");
	cr_expect_str_eq(claims.role, "", "another type of role is none");
}

Test(jwt, issuer)
{
	struct jwt_rules strict = rules;
	struct jwt_claims claims;

	strict.issuer = "https://id.example.com";
	cr_expect_str_eq(pass(compose("{\"alg\":\"RS256\"}", GOOD_CLAIMS, RIGHT), &strict, &claims),
			 "the token is by another issuer");
	cr_expect_null(pass(compose("{\"alg\":\"RS256\"}",
				    "{\"aud\":\"wsbroker\",\"exp\":1800000060,"
				    "\"iss\":\"https://id.example.com\"}",
				    RIGHT),
			    &strict, &claims));
}

Test(jwt, has_a_longest)
{
	static char token[JWT_BYTES_MAX + 2];
	static struct jwt jwt;

	memset(token, 'A', sizeof(token) - 1);
	token[10] = token[20] = '.';
	cr_expect_str_eq(jwt_read(&jwt, span_of(token, JWT_BYTES_MAX + 1)),
			 "the token is longer than 8192 bytes");
	cr_expect_str_neq(jwt_read(&jwt, span_of(token, JWT_BYTES_MAX)),
			  "the token is longer than 8192 bytes");
}
