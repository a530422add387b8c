#include "broker/control/jwks_file.h"
#include "tests/fuzz/fuzz.h"

static void check_key(const struct jwk *key)
{
	must(key->first.len > 0 && key->first.len <= 1024);
	must(key->kind != JWK_RSA || (key->first.len >= 256 && key->first.at[0] != '\0'));
	must(key->kind < JWK_P256 || key->kind > JWK_P521 || key->second.len == key->first.len);
	must(key->second.len <= 66);
	must(!key->id || key->id[0]);
	must(!key->bound || jwk_fits(key, key->algorithm));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct complaints complaints;
	struct document document = {.complaints = &complaints};
	struct jwk_set set;

	if (arena_create(&document.arena))
		return 0;
	complaints_init(&complaints, document.arena);
	must(jwks_file_parse(&document, "jwks.json", span_of((const char *)data, size),
			     (struct place){1, 1}, &set) == WSB_OK);
	must(set.count > 0 || complaints.count > 0);
	must(set.count <= JWKS_KEYS_MAX);
	for (size_t i = 0; i < set.count; i++)
		check_key(&set.keys[i]);
	arena_destroy(document.arena);
	return 0;
}
