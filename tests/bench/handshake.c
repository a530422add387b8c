#include "handshake.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#define SHA1_SIZE   20
#define SHA1_BLOCK  64
#define ACCEPT_GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define KEY_MAX	    64

static uint32_t rotate(uint32_t value, unsigned int bits)
{
	return value << bits | value >> (32 - bits);
}

static void sha1_block(uint32_t state[5], const uint8_t block[SHA1_BLOCK])
{
	uint32_t w[80];
	for (size_t i = 0; i < 16; i++)
		w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
		       (uint32_t)block[4 * i + 2] << 8 | (uint32_t)block[4 * i + 3];
	for (size_t i = 16; i < 80; i++)
		w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);

	uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
	for (size_t i = 0; i < 80; i++) {
		uint32_t f, k;
		if (i < 20) {
			f = (b & c) | (~b & d);
			k = 0x5A827999;
		} else if (i < 40) {
			f = b ^ c ^ d;
			k = 0x6ED9EBA1;
		} else if (i < 60) {
			f = (b & c) | (b & d) | (c & d);
			k = 0x8F1BBCDC;
		} else {
			f = b ^ c ^ d;
			k = 0xCA62C1D6;
		}
		uint32_t next = rotate(a, 5) + f + e + k + w[i];
		e = d;
		d = c;
		c = rotate(b, 30);
		b = a;
		a = next;
	}
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
	state[4] += e;
}

/* SHA-1 (FIPS 180-4) of a text that fits two blocks, as every key with the GUID does. */
static void sha1_short(const uint8_t *text, size_t len, uint8_t digest[SHA1_SIZE])
{
	uint8_t padded[2 * SHA1_BLOCK] = {0};
	size_t blocks = len + 9 <= SHA1_BLOCK ? 1 : 2;
	uint64_t bits = (uint64_t)len * 8;
	memcpy(padded, text, len);
	padded[len] = 0x80;
	for (size_t i = 0; i < 8; i++)
		padded[blocks * SHA1_BLOCK - 1 - i] = (uint8_t)(bits >> (8 * i));

	uint32_t state[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
	for (size_t i = 0; i < blocks; i++)
		sha1_block(state, padded + i * SHA1_BLOCK);
	for (size_t i = 0; i < SHA1_SIZE; i++)
		digest[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
}

bool handshake_accept(const char *key, size_t key_len, char accept[HANDSHAKE_ACCEPT_SIZE])
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint8_t text[KEY_MAX + sizeof(ACCEPT_GUID)];
	uint8_t digest[SHA1_SIZE + 1] = {0}; /* one byte more: the last group of three */

	if (key_len > KEY_MAX)
		return false;
	memcpy(text, key, key_len);
	memcpy(text + key_len, ACCEPT_GUID, sizeof(ACCEPT_GUID) - 1);
	sha1_short(text, key_len + sizeof(ACCEPT_GUID) - 1, digest);

	char *out = accept;
	for (size_t i = 0; i < SHA1_SIZE; i += 3) {
		uint32_t group = (uint32_t)digest[i] << 16 | (uint32_t)digest[i + 1] << 8 |
				 (uint32_t)digest[i + 2];
		for (int shift = 18; shift >= 0; shift -= 6)
			*out++ = alphabet[group >> shift & 63];
	}
	out[-1] = '='; /* 20 bytes leave one character of padding */
	*out = '\0';
	return true;
}

size_t handshake_head_length(const char *data, size_t len)
{
	const char *end = memmem(data, len, "\r\n\r\n", 4);
	return end ? (size_t)(end - data) + 4 : 0;
}

bool handshake_header(const char *head, size_t len, const char *name, const char **value,
		      size_t *value_len)
{
	size_t name_len = strlen(name);
	const char *end = head + len;
	const char *line = memmem(head, len, "\r\n", 2);

	while (line) {
		line += 2;
		const char *line_end = memmem(line, (size_t)(end - line), "\r\n", 2);
		if (!line_end)
			return false;
		if ((size_t)(line_end - line) > name_len && line[name_len] == ':' &&
		    strncasecmp(line, name, name_len) == 0) {
			const char *start = line + name_len + 1;
			while (start < line_end && (*start == ' ' || *start == '\t'))
				start++;
			while (line_end > start && (line_end[-1] == ' ' || line_end[-1] == '\t'))
				line_end--;
			*value = start;
			*value_len = (size_t)(line_end - start);
			return true;
		}
		line = line_end;
	}
	return false;
}
