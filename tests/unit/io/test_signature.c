/* The examples of RFC 7515 and RFC 8037, and all that is one byte beside them. */
#include "broker/io/signature.h"

#include <criterion/criterion.h>
#include <string.h>
#include "common/base64url.h"

#define CLAIMS                                                                                     \
	"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0" \
	"cnVlfQ"

static const struct example {
	const char *name;
	enum jwk_kind kind;
	enum jwt_algorithm algorithm;
	const char *first, *second; /* NULL: none */
	const char *signed_text;
	const char *signature;
} examples[] = {
	{"RFC 7515, A.1", JWK_OCT, JWT_HS256,
	 "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
	 NULL, "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." CLAIMS,
	 "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"},
	{"RFC 7515, A.2", JWK_RSA, JWT_RS256,
	 "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt"
	 "0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSX"
	 "ndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5"
	 "IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
	 "AQAB", "eyJhbGciOiJSUzI1NiJ9." CLAIMS,
	 "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W"
	 "2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkS"
	 "jtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnv"
	 "Wh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"},
	{"RFC 7515, A.3", JWK_P256, JWT_ES256, "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
	 "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0", "eyJhbGciOiJFUzI1NiJ9." CLAIMS,
	 "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"},
	{"RFC 8037, A.4", JWK_ED25519, JWT_EDDSA, "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
	 NULL, "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
	 "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"},
};

#define EXAMPLE_COUNT (sizeof(examples) / sizeof(examples[0]))

struct bytes {
	uint8_t at[512];
	size_t len;
};

static struct span decode(const char *text, struct bytes *out)
{
	if (!text)
		return span_of(NULL, 0);
	cr_assert_eq(base64url_decode(span_text(text), out->at, &out->len), WSB_OK);
	return span_of((const char *)out->at, out->len);
}

/* An example with all its parts where they can be changed. */
struct copy {
	struct jwk key;
	struct bytes first, second, signature;
	struct span mac;
	char text[512];
	size_t text_len;
};

static void copy_init(struct copy *copy, const struct example *example)
{
	*copy = (struct copy){.key = {.kind = example->kind}};
	copy->key.first = decode(example->first, &copy->first);
	copy->key.second = decode(example->second, &copy->second);
	copy->mac = decode(example->signature, &copy->signature);
	copy->text_len = strlen(example->signed_text);
	memcpy(copy->text, example->signed_text, copy->text_len);
}

static bool is_right(const struct copy *copy, enum jwt_algorithm algorithm)
{
	return signature_is_right(&copy->key, algorithm, span_of(copy->text, copy->text_len),
				  copy->mac);
}

Test(signature, examples_of_the_standards)
{
	for (size_t i = 0; i < EXAMPLE_COUNT; i++) {
		static struct copy copy;

		copy_init(&copy, &examples[i]);
		cr_expect(is_right(&copy, examples[i].algorithm), "%s", examples[i].name);
	}
}

Test(signature, one_byte_beside)
{
	for (size_t i = 0; i < EXAMPLE_COUNT; i++) {
		const struct example *example = &examples[i];
		static struct copy copy;

		copy_init(&copy, example);
		for (size_t at = 0; at < copy.text_len; at++) {
			copy.text[at] ^= 1;
			cr_assert_not(is_right(&copy, example->algorithm), "%s: text, %zu",
				      example->name, at);
			copy.text[at] ^= 1;
		}
		for (size_t at = 0; at < copy.mac.len; at++) {
			copy.signature.at[at] ^= 0x80;
			cr_assert_not(is_right(&copy, example->algorithm), "%s: signature, %zu",
				      example->name, at);
			copy.signature.at[at] ^= 0x80;
		}
		cr_assert(is_right(&copy, example->algorithm), "%s: as before", example->name);
	}
}

Test(signature, of_another_length)
{
	for (size_t i = 0; i < EXAMPLE_COUNT; i++) {
		const struct example *example = &examples[i];
		static struct copy copy;

		copy_init(&copy, example);
		for (size_t len = 0; len < sizeof(copy.signature.at); len++) {
			bool right;

			copy.mac.len = len;
			right = is_right(&copy, example->algorithm);
			cr_assert_eq(right, len == copy.signature.len, "%s: %zu bytes",
				     example->name, len);
		}
	}
}

/* The public half of a key, as its bytes stand in the file, is not the secret of an HMAC. */
Test(signature, by_another_key)
{
	for (size_t i = 0; i < EXAMPLE_COUNT; i++) {
		const struct example *example = &examples[i];
		static struct copy copy;

		copy_init(&copy, example);
		copy.first.at[copy.first.len - 1] ^= 0x10;
		cr_expect_not(is_right(&copy, example->algorithm), "%s", example->name);
		copy_init(&copy, example);
		if (example->kind == JWK_RSA) {
			cr_expect_not(is_right(&copy, JWT_PS256));
			cr_expect_not(is_right(&copy, JWT_RS384));
		}
	}
}

Test(signature, all_zeros_sign_nothing)
{
	static struct copy copy;

	copy_init(&copy, &examples[2]);
	memset(copy.signature.at, 0, sizeof(copy.signature.at));
	cr_expect_not(is_right(&copy, JWT_ES256), "r = s = 0");
}

Test(signature, keys_that_are_none_are_told)
{
	static struct copy copy;
	struct jwk keys[3];
	struct listener_settings listener = {
		.jwt = {.keys = {.file = "jwks.json", .keys = keys, .count = 3}}};
	struct config config = {.listeners = &listener, .listener_count = 1};
	static struct copy rsa;
	struct strbuf errors;

	strbuf_init(&errors);
	copy_init(&copy, &examples[2]);
	copy_init(&rsa, &examples[1]);
	keys[0] = keys[1] = copy.key;
	keys[2] = rsa.key;
	signature_prepare(&config, &errors);
	cr_expect_eq(errors.len, 0, "%s", strbuf_span(&errors).at);
	keys[0].id = "a\033b";
	keys[0].second = keys[0].first;
	keys[2].second = span_of("\x02", 1);
	signature_prepare(&config, &errors);
	cr_expect_str_eq(strbuf_span(&errors).at,
			 "jwks.json: the key a\\u001bb: its numbers make no key of its kind\n"
			 "jwks.json: the key without a kid: its numbers make no key of its kind\n");
	strbuf_fini(&errors);
}
