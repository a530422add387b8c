#include "broker/subscription/look.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "common/strbuf.h"
#include "proto/envelope.h"
#include "proto/number.h"
#include "proto/token.h"
#include "proto/transcode.h"

#define UUID_LEN 36

static bool is_made_of(struct span text, const char *characters)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] == '\0' || !strchr(characters, text.at[i]))
			return false;
	return text.len > 0;
}

static bool is_uuid(struct span text)
{
	if (text.len != UUID_LEN)
		return false;
	for (size_t i = 0; i < UUID_LEN; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? text.at[i] != '-' : !strchr("0123456789abcdefABCDEF", text.at[i]))
			return false;
	}
	return true;
}

static uint8_t bounded(size_t len)
{
	if (len < LOOK_LEN_MIN)
		return LOOK_LEN_MIN;
	return len > LOOK_LEN_MAX ? LOOK_LEN_MAX : (uint8_t)len;
}

struct look look_of(enum encoding encoding, struct span token)
{
	char buf[256];
	struct span text;

	if (token_kind(encoding, token) != TOKEN_STRING)
		return (struct look){.kind = LOOK_NUMBER};
	text = token_string(encoding, token, buf, sizeof(buf));
	if (!text.at)
		return (struct look){.kind = LOOK_TEXT, .len = LOOK_LEN_MAX};
	if (span_begins(text, "0x") &&
	    is_made_of(span_of(text.at + 2, text.len - 2), "0123456789abcdefABCDEF"))
		return (struct look){.kind = LOOK_HEX, .len = bounded(text.len - 2)};
	if (is_made_of(text, "0123456789"))
		return (struct look){.kind = LOOK_DECIMAL};
	if (is_uuid(text))
		return (struct look){.kind = LOOK_UUID, .len = 32};
	return (struct look){.kind = LOOK_TEXT, .len = bounded(text.len)};
}

void mint_init(struct mint *mint, struct rng *rng)
{
	mint->serial = 0;
	for (size_t i = 0; i < 3; i++)
		mint->keys[i] = rng_next(rng);
}

/* A bijection of numbers below 2^bits: xor with a key, odd factors and xors with what stands above
 * can each be undone. */
static uint64_t stir(uint64_t value, uint64_t key, unsigned bits)
{
	const uint64_t mask = (UINT64_C(1) << bits) - 1;

	value = (value ^ key) & mask;
	value = value * UINT64_C(0xbf58476d1ce4e5b9) & mask;
	value ^= value >> (bits / 2);
	value = (value + key) & mask;
	value = value * UINT64_C(0x94d049bb133111eb) & mask;
	value ^= value >> (bits / 2 - 2);
	return value;
}

/* Unlike stir it repeats nothing and proves nothing; it only fills what is longer. */
static uint64_t scramble(uint64_t value)
{
	value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
	return value ^ value >> 31;
}

/* The first digit is never 0, as in a quantity of Ethereum; the next fifteen tell ids apart. */
static void digits_write(const struct mint *mint, size_t count, char out[LOOK_LEN_MAX])
{
	static const char hex[] = "0123456789abcdef";
	const uint64_t unique = stir(mint->serial, mint->keys[0], 60);
	uint64_t more = scramble(mint->serial ^ mint->keys[1]);

	out[0] = hex[1 + more % 15];
	for (size_t i = 1; i < count; i++) {
		if (i < 16) {
			out[i] = hex[unique >> (60 - 4 * i) & 15];
			continue;
		}
		if (i % 16 == 0)
			more = scramble(more + mint->keys[2]);
		out[i] = hex[more >> (4 * (i % 16)) & 15];
	}
}

/* 2^52 to 2^53: exact in every parser, and above what a server counts up to. */
static uint64_t number_of(const struct mint *mint)
{
	return (UINT64_C(1) << 52) + stir(mint->serial, mint->keys[0], 52);
}

static size_t uuid_write(const struct mint *mint, char out[OWN_TOKEN_MAX])
{
	char digits[LOOK_LEN_MAX];

	digits_write(mint, 32, digits);
	return (size_t)snprintf(out, OWN_TOKEN_MAX, "%.8s-%.4s-4%.3s-8%.3s-%.12s", digits,
				digits + 8, digits + 12, digits + 16, digits + 20);
}

/* What stands between the quotes. */
static size_t content_write(const struct mint *mint, const struct look *look,
			    char out[OWN_TOKEN_MAX])
{
	switch (look->kind) {
	case LOOK_UUID:
		return uuid_write(mint, out);
	case LOOK_DECIMAL:
		return number_write_decimal(number_of(mint), out);
	case LOOK_HEX:
		memcpy(out, "0x", 2);
		digits_write(mint, look->len, out + 2);
		return look->len + 2U;
	default:
		digits_write(mint, look->len, out);
		return look->len;
	}
}

static void write_number(struct own_token *out, uint64_t number)
{
	char id[OWN_ID_MAX];

	for (int encoding = ENCODING_JSON; encoding <= ENCODING_MSGPACK; encoding++) {
		size_t len = own_id_write(ID_INTEGER, (enum encoding)encoding, number, id);

		memcpy(out->text[encoding], id, len);
		out->len[encoding] = (uint8_t)len;
	}
}

static void write_string(struct own_token *out, const char *content, size_t len)
{
	char *json = out->text[ENCODING_JSON];
	char *packed = out->text[ENCODING_MSGPACK];
	size_t head = len < 32 ? 1 : 2;

	json[0] = json[len + 1] = '"';
	memcpy(json + 1, content, len);
	out->len[ENCODING_JSON] = (uint8_t)(len + 2);
	packed[0] = (char)(len < 32 ? 0xa0 | len : 0xd9);
	packed[head - 1] = (char)(len < 32 ? 0xa0 | len : len);
	memcpy(packed + head, content, len);
	out->len[ENCODING_MSGPACK] = (uint8_t)(len + head);
}

void mint_make(struct mint *mint, const struct look *look, struct own_token *out)
{
	char content[OWN_TOKEN_MAX];

	mint->serial++;
	if (look->kind == LOOK_NUMBER)
		write_number(out, number_of(mint));
	else
		write_string(out, content, content_write(mint, look, content));
}

void own_token_copy(struct own_token *out, enum encoding encoding, struct span token)
{
	const enum encoding other = encoding == ENCODING_JSON ? ENCODING_MSGPACK : ENCODING_JSON;
	struct strbuf text;

	out->len[0] = out->len[1] = 0;
	if (token.len > OWN_TOKEN_MAX)
		return;
	memcpy(out->text[encoding], token.at, token.len);
	out->len[encoding] = (uint8_t)token.len;
	strbuf_init(&text);
	if (transcode(encoding, other, token, &text) == WSB_OK && text.len <= OWN_TOKEN_MAX) {
		memcpy(out->text[other], text.text, text.len);
		out->len[other] = (uint8_t)text.len;
	}
	strbuf_fini(&text);
}
