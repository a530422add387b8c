#include "proto/envelope.h"

#include <inttypes.h>
#include <stdio.h>
#include "proto/token.h"

#define OWN_ID_TOP (UINT64_C(1) << 53)
#define UUID_LEN   36

/* A version 4 UUID in form; the number stands in its first and last group. */
static size_t uuid_write(uint64_t id, char *out)
{
	char text[UUID_LEN + 1];

	snprintf(text, sizeof(text), "%08" PRIx32 "-0000-4000-8000-%012" PRIx64,
		 (uint32_t)(id >> 48), id & UINT64_C(0xffffffffffff));
	memcpy(out, text, UUID_LEN);
	return UUID_LEN;
}

static size_t content_write(enum id_form form, uint64_t id, char *out)
{
	return form == ID_UUID ? uuid_write(id, out) : number_write_decimal(id, out);
}

/* In the fewest bytes, as every writer of MessagePack does. */
static size_t msgpack_uint_write(uint64_t id, char *out)
{
	size_t bytes = 8;

	if (id < 0x80) {
		out[0] = (char)id;
		return 1;
	}
	if (id <= UINT8_MAX)
		bytes = 1;
	else if (id <= UINT16_MAX)
		bytes = 2;
	else if (id <= UINT32_MAX)
		bytes = 4;
	out[0] = (char)(0xcc + __builtin_ctzll(bytes));
	for (size_t i = 0; i < bytes; i++)
		out[1 + i] = (char)(id >> 8 * (bytes - 1 - i));
	return 1 + bytes;
}

size_t own_id_write(enum id_form form, enum encoding encoding, uint64_t id, char out[OWN_ID_MAX])
{
	size_t len;

	if (encoding == ENCODING_MSGPACK) {
		if (form == ID_INTEGER)
			return msgpack_uint_write(id, out);
		/* Up to 31 bytes a str has its length in its type byte. */
		if (form == ID_STRING) {
			len = number_write_decimal(id, out + 1);
			out[0] = (char)(0xa0 | len);
			return 1 + len;
		}
		out[0] = (char)0xd9;
		out[1] = UUID_LEN;
		return 2 + uuid_write(id, out + 2);
	}
	if (form == ID_INTEGER)
		return number_write_decimal(id, out);
	out[0] = '"';
	len = content_write(form, id, out + 1);
	out[1 + len] = '"';
	return 2 + len;
}

/* Plain digits, no zero in front. */
static bool decimal_read(struct span text, uint64_t *id)
{
	uint64_t value = 0;

	if (text.len == 0 || text.len > 16 || text.at[0] == '0')
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return false;
		value = value * 10 + (uint64_t)(text.at[i] - '0');
	}
	*id = value;
	return true;
}

static bool hex_read(const char *at, size_t len, uint64_t *value)
{
	*value = 0;
	for (size_t i = 0; i < len; i++) {
		if (at[i] >= '0' && at[i] <= '9')
			*value = *value << 4 | (uint64_t)(at[i] - '0');
		else if (at[i] >= 'a' && at[i] <= 'f')
			*value = *value << 4 | (uint64_t)(at[i] - 'a' + 10);
		else
			return false;
	}
	return true;
}

static bool uuid_read(struct span text, uint64_t *id)
{
	uint64_t high, low;

	if (text.len != UUID_LEN || memcmp(text.at + 8, "-0000-4000-8000-", 16) != 0 ||
	    !hex_read(text.at, 8, &high) || !hex_read(text.at + 24, 12, &low) || high > 0xffff)
		return false;
	*id = high << 48 | low;
	return true;
}

static bool value_read(enum id_form form, enum encoding encoding, struct span token, uint64_t *id)
{
	struct span text;
	struct number number;

	if (form == ID_INTEGER && encoding == ENCODING_JSON)
		return decimal_read(token, id);
	if (form == ID_INTEGER) {
		/* The same number may come back wider than it was sent. */
		if (token_kind(encoding, token) != TOKEN_NUMBER ||
		    !token_number(encoding, token, &number) || number.kind != NUMBER_INT ||
		    number.signed_value < 0)
			return false;
		*id = (uint64_t)number.signed_value;
		return true;
	}
	if (token_kind(encoding, token) != TOKEN_STRING)
		return false;
	text = encoding == ENCODING_JSON ? span_of(token.at + 1, token.len - 2)
					 : token_string(encoding, token, NULL, 0);
	return form == ID_UUID ? uuid_read(text, id) : decimal_read(text, id);
}

bool own_id_read(enum id_form form, enum encoding encoding, struct span token, uint64_t *id)
{
	uint64_t value;

	if (!token.at || !value_read(form, encoding, token, &value))
		return false;
	if (value == 0 || value > OWN_ID_TOP)
		return false;
	*id = value;
	return true;
}
