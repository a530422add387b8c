#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "rig.h"

#define X32 "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define Y32 "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
#define EC  "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X32 "\",\"y\":\"" Y32 "\"}"

static struct rig rig;

static void set_up(void)
{
	rig_init(&rig);
}

static void tear_down(void)
{
	rig_fini(&rig);
}

TestSuite(jwks_file, .init = set_up, .fini = tear_down);

static const char config[] = RIG_MINIMAL "listen: [{auth: {jwt: {keys: jwks.json}}}]\n";

/* 257 bytes and a zero before them, as some programs write it. */
static const char *modulus(void)
{
	static char text[258 / 3 * 4 + 1];

	memset(text, 'w', sizeof(text) - 1);
	memcpy(text, "AP", 2);
	return text;
}

static const struct jwk_set *good(const char *text)
{
	rig_write(&rig, "jwks.json", text);
	return &rig_good(&rig, config)->listeners[0].jwt.keys;
}

/* error begins after the file's name: ":1:2: not valid JSON". */
static void bad(const char *text, const char *error)
{
	const char *told;

	rig_write(&rig, "jwks.json", text);
	cr_assert_eq(rig_load(&rig, config), WSB_EINVAL, "accepted: %s", text);
	cr_expect_eq(strncmp(rig.errors.text, "5:30: ", 6), 0, "%s", rig.errors.text);
	told = strstr(rig.errors.text, "/jwks.json");
	cr_assert_not_null(told, "%s", rig.errors.text);
	cr_expect_eq(strncmp(told + strlen("/jwks.json"), error, strlen(error)), 0, "%s of %s",
		     rig.errors.text, text);
	cr_expect_null(strstr(rig.errors.text, X32), "%s", rig.errors.text);
}

Test(jwks_file, holds_keys_of_all_kinds)
{
	char text[8192];
	const struct jwk_set *set;

	snprintf(text, sizeof(text),
		 "{\"keys\":[" EC ","
		 "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" X32
		 "\",\"kid\":\"ed\",\"use\":\"sig\"},"
		 "{\"kty\":\"oct\",\"k\":\"" X32 "\",\"alg\":\"HS256\",\"kid\":\"\"},"
		 "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"AQAB\",\"key_ops\":[\"verify\"],"
		 "\"x5c\":[\"...\"],\"other\":1}]}",
		 modulus());
	set = good(text);
	cr_assert_eq(set->count, 4);
	cr_expect(strstr(set->file, "/jwks.json"));
	cr_expect_eq(set->keys[0].kind, JWK_P256);
	cr_expect_eq(set->keys[0].first.len, 32);
	cr_expect_eq(set->keys[0].second.len, 32);
	cr_expect_null(set->keys[0].id);
	cr_expect_not(set->keys[0].bound);
	cr_expect_eq(set->keys[1].kind, JWK_ED25519);
	cr_expect_str_eq(set->keys[1].id, "ed");
	cr_expect_eq(set->keys[2].kind, JWK_OCT);
	cr_expect(set->keys[2].bound);
	cr_expect_eq(set->keys[2].algorithm, JWT_HS256);
	cr_expect_null(set->keys[2].id, "an empty kid is none");
	cr_expect_eq(set->keys[3].kind, JWK_RSA);
	cr_expect_eq(set->keys[3].first.len, 257, "no zeros before a number");
	cr_expect_str_eq(rig.config->listeners[0].jwt.audience, "wsbroker");
	cr_expect_null(rig.config->listeners[0].jwt.issuer);
	cr_expect(rig.config->listeners[0].auth);
}

/* RFC 7517, section 5. */
Test(jwks_file, keys_for_something_else_are_passed_over)
{
	static const char *const others[] = {
		"{\"kty\":\"AKP\",\"alg\":\"ML-DSA-44\"}",
		"{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"\",\"y\":\"\"}",
		"{\"kty\":\"RSA\",\"use\":\"enc\",\"n\":\"\",\"e\":\"\"}",
		"{\"kty\":\"RSA\",\"alg\":\"RSA-OAEP\",\"n\":\"\",\"e\":\"\"}",
		"{\"kty\":\"oct\",\"key_ops\":[\"encrypt\",\"sign\"],\"k\":\"\"}",
	};
	char text[1024];

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		snprintf(text, sizeof(text), "{\"keys\":[%s," EC "]}", others[i]);
		cr_expect_eq(good(text)->count, 1, "%s", text);
		snprintf(text, sizeof(text), "{\"keys\":[%s]}", others[i]);
		bad(text, ": no key is for signatures that can be checked");
	}
}

Test(jwks_file, mistakes_are_told_with_their_place_and_without_the_key)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{"", ":1:0: not valid JSON"},
		{"{\n \"keys\": [" X32 "]}", ":2:"},
		{"{\"keys\":[],\"keys\":[]}", ":1:17: not valid JSON"},
		{"[]", ": not a key set: there is no array `keys`"},
		{"{\"keys\":{}}", ": not a key set: there is no array `keys`"},
		{EC, ": not a key set: there is no array `keys`"},
		{"{\"keys\":[]}", ": no key is for signatures that can be checked"},
		{"{\"keys\":[" EC ",7]}", ": key 2: is not an object with a `kty`"},
		{"{\"keys\":[{\"kid\":\"x\"}]}", ": key 1: is not an object with a `kty`"},
		{"{\"keys\":[{\"kty\":\"RSA\",\"e\":\"AQAB\"}]}",
		 ": key 1: n is not there, or not base64url"},
		{"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}",
		 ": key 1: n must have 2048 to 8192 bits"},
		{"{\"keys\":[{\"kty\":\"oct\",\"k\":\"AQAB\"}]}",
		 ": key 1: k must have 32 to 1024 bytes"},
		{"{\"keys\":[{\"kty\":\"oct\",\"k\":\"" X32 "=\"}]}",
		 ": key 1: k is not there, or not base64url"},
		{"{\"keys\":[{\"kty\":\"oct\",\"k\":\"" X32 "\",\"alg\":\"HS512\"}]}",
		 ": key 1: alg does not fit the key"},
		{"{\"keys\":[{\"kty\":\"oct\",\"k\":\"" X32 "\",\"alg\":\"RS256\"}]}",
		 ": key 1: alg does not fit the key"},
		{"{\"keys\":[{\"kty\":\"oct\",\"k\":\"" X32 "\",\"kid\":7}]}",
		 ": key 1: kid is not a text"},
		{"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"" X32 "\",\"y\":\"" Y32
		 "\"}]}",
		 ": key 1: x does not have the length of its curve"},
		{"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X32 "\",\"y\":\"AQAB\"}]}",
		 ": key 1: y is not there, or not as it must be"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		bad(rows[i].text, rows[i].error);
}

Test(jwks_file, is_asked_for_where_jwt_is)
{
	rig_bad(&rig, RIG_MINIMAL "listen: [{auth: {jwt: {audience: a}}}]\n",
		"5:23: `jwt` needs `keys`\n");
	rig_bad(&rig, RIG_MINIMAL "listen: [{auth: {}}]\n",
		"5:17: `auth` needs `tokens` or `jwt`\n");
	rig_bad_somewhere(&rig, RIG_MINIMAL "listen: [{auth: {jwt: {keys: none.json}}}]\n",
			  "5:30: expected a readable file");
	rig_write(&rig, "jwks.json", "{\"keys\":[" EC "]}");
	rig_bad(&rig, RIG_MINIMAL "listen: [{auth: {jwt: {keys: jwks.json, audience: ''}}}]\n",
		"5:23: `audience` cannot be empty\n");
}
