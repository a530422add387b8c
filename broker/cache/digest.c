#include "broker/cache/digest.h"

#include <xxhash.h>
#include "broker/cache/cache.h"

struct digest digest_of_key(struct span key)
{
	XXH128_hash_t hash = XXH3_128bits(key.at, key.len);

	return (struct digest){hash.low64, hash.high64};
}

static bool read_hex(struct span text, uint64_t *out)
{
	uint64_t number = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];

		if (c >= '0' && c <= '9')
			number = number << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			number = number << 4 | (uint64_t)(c - 'a' + 10);
		else
			return false;
	}
	*out = number;
	return true;
}

static char *write_hex(char *at, uint64_t number)
{
	for (int shift = 60; shift >= 0; shift -= 4)
		*at++ = "0123456789abcdef"[number >> shift & 15];
	return at;
}

size_t digests_of_name(struct span name, struct digest out[DIGESTS_OF_NAME])
{
	char key[1 + CACHE_NAME_BYTES];
	size_t count = 0;

	if (name.len == CACHE_DIGEST_TEXT && read_hex(span_of(name.at, 16), &out[0].high) &&
	    read_hex(span_of(name.at + 16, 16), &out[0].low))
		count++;
	if (name.len <= CACHE_NAME_BYTES) {
		key[0] = CACHE_KEY_TEXT;
		if (name.len > 0)
			memcpy(key + 1, name.at, name.len);
		out[count++] = digest_of_key(span_of(key, 1 + name.len));
	}
	return count;
}

struct span cache_name(struct span key, char buf[CACHE_DIGEST_TEXT])
{
	struct digest digest;

	if (key.len > 0 && key.at[0] == CACHE_KEY_TEXT)
		return span_of(key.at + 1, key.len - 1);
	digest = digest_of_key(key);
	write_hex(write_hex(buf, digest.high), digest.low);
	return span_of(buf, CACHE_DIGEST_TEXT);
}
