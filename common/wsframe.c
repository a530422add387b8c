#include "common/wsframe.h"

#include <endian.h>

#define WS_FIN	      0x80u
#define WS_MASKED     0x80u
#define WS_CONTROL    0x8u
#define WS_LEN_16     126u
#define WS_LEN_64     127u
#define WS_CODE_BYTES 2

size_t wsframe_header_len(size_t len, int masked)
{
	size_t base = len < WS_LEN_16 ? 2 : len <= UINT16_MAX ? 4 : 10;

	return base + (masked ? WS_MASK_BYTES : 0);
}

static char *put_big_endian(char *at, uint64_t value, int bytes)
{
	for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8)
		*at++ = (char)(unsigned char)(value >> shift);
	return at;
}

static char *put_header(char *at, enum ws_opcode opcode, const uint8_t *mask, size_t len)
{
	unsigned int flag = mask ? WS_MASKED : 0;

	*at++ = (char)(unsigned char)(WS_FIN | (unsigned int)opcode);
	if (len < WS_LEN_16) {
		*at++ = (char)(unsigned char)(flag | (unsigned int)len);
	} else if (len <= UINT16_MAX) {
		*at++ = (char)(unsigned char)(flag | WS_LEN_16);
		at = put_big_endian(at, len, 2);
	} else {
		*at++ = (char)(unsigned char)(flag | WS_LEN_64);
		at = put_big_endian(at, len, 8);
	}
	if (mask) {
		memcpy(at, mask, WS_MASK_BYTES);
		at += WS_MASK_BYTES;
	}
	return at;
}

/* The key twice, as it lies over eight bytes from the place on that len bytes have turned it to. */
static inline uint64_t wide_key(const uint8_t key[WS_MASK_BYTES], size_t len)
{
	const unsigned int bits = len % WS_MASK_BYTES * 8;
	uint64_t wide;

	memcpy(&wide, key, WS_MASK_BYTES);
	memcpy((char *)&wide + WS_MASK_BYTES, key, WS_MASK_BYTES);
	wide = le64toh(wide);
	return htole64(wide >> bits | wide << (64 - bits) % 64);
}

/* Copies len bytes under the key, eight at a time; to and from are the same or do not overlap. The
 * last eight lie over some of those before: they are read before any of them is written. */
static inline void copy_masked(char *to, const char *from, size_t len,
			       const uint8_t key[WS_MASK_BYTES])
{
	const uint64_t wide = wide_key(key, 0);
	uint64_t last;

	if (len < sizeof(last)) {
		for (size_t i = 0; i < len; i++)
			to[i] = (char)((unsigned char)from[i] ^ key[i % WS_MASK_BYTES]);
		return;
	}
	memcpy(&last, from + len - sizeof(last), sizeof(last));
	last ^= wide_key(key, len);
	for (size_t i = 0; i < len - sizeof(last); i += sizeof(last)) {
		uint64_t word;

		memcpy(&word, from + i, sizeof(word));
		word ^= wide;
		memcpy(to + i, &word, sizeof(word));
	}
	memcpy(to + len - sizeof(last), &last, sizeof(last));
}

void wsframe_turn_key(uint8_t key[WS_MASK_BYTES], size_t len)
{
	const unsigned int bits = len % WS_MASK_BYTES * 8;
	uint32_t word;

	memcpy(&word, key, sizeof(word));
	word = le32toh(word);
	word = htole32(word >> bits | word << (32 - bits) % 32);
	memcpy(key, &word, sizeof(word));
}

void wsframe_mask(char *bytes, size_t len, const uint8_t mask[WS_MASK_BYTES])
{
	copy_masked(bytes, bytes, len, mask);
}

static void put_payload(char *at, const struct span *pieces, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (pieces[i].len == 0)
			continue;
		memcpy(at, pieces[i].at, pieces[i].len);
		at += pieces[i].len;
	}
}

static void put_payload_masked(char *at, const struct span *pieces, size_t count,
			       const uint8_t mask[WS_MASK_BYTES])
{
	uint8_t key[WS_MASK_BYTES];

	memcpy(key, mask, sizeof(key));
	for (size_t i = 0; i < count; i++) {
		copy_masked(at, pieces[i].at, pieces[i].len, key);
		wsframe_turn_key(key, pieces[i].len);
		at += pieces[i].len;
	}
}

enum wsb_err wsframe_append(struct outbox *outbox, enum ws_opcode opcode,
			    const uint8_t mask[WS_MASK_BYTES], const struct span *pieces,
			    size_t count)
{
	bool control = (unsigned int)opcode & WS_CONTROL;
	size_t len = 0;
	size_t total;
	enum wsb_err err;
	char *at;

	for (size_t i = 0; i < count; i++) {
		if (__builtin_add_overflow(len, pieces[i].len, &len))
			return WSB_ELIMIT;
	}
	if (control && len > WS_CONTROL_MAX)
		return WSB_EINVAL;
	if (__builtin_add_overflow(len, wsframe_header_len(len, mask != NULL), &total))
		return WSB_ELIMIT;
	err = control ? outbox_reserve_beyond(outbox, total, &at)
		      : outbox_reserve(outbox, total, &at);
	if (err)
		return err;
	at = put_header(at, opcode, mask, len);
	if (mask)
		put_payload_masked(at, pieces, count, mask);
	else
		put_payload(at, pieces, count);
	outbox_commit(outbox, total);
	return WSB_OK;
}

static struct span cut_at_character(struct span text, size_t len_max)
{
	size_t len = len_max;

	if (text.len <= len_max)
		return text;
	while (len > 0 && ((unsigned char)text.at[len] & 0xc0) == 0x80)
		len--;
	return span_of(text.at, len);
}

enum wsb_err wsframe_append_close(struct outbox *outbox, const uint8_t mask[WS_MASK_BYTES],
				  uint16_t code, struct span reason)
{
	char code_bytes[WS_CODE_BYTES];
	struct span pieces[2];

	if (code == 0)
		return wsframe_append(outbox, WS_CLOSE, mask, NULL, 0);
	put_big_endian(code_bytes, code, WS_CODE_BYTES);
	pieces[0] = span_of(code_bytes, WS_CODE_BYTES);
	pieces[1] = cut_at_character(reason, WS_CONTROL_MAX - WS_CODE_BYTES);
	return wsframe_append(outbox, WS_CLOSE, mask, pieces, 2);
}

int wsframe_close_code_is_valid(uint16_t code)
{
	return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
	       (code >= 3000 && code <= 4999);
}

static uint64_t get_big_endian(const unsigned char *at, size_t bytes)
{
	uint64_t value = 0;

	for (size_t i = 0; i < bytes; i++)
		value = value << 8 | at[i];
	return value;
}

enum wsb_err wsframe_read(struct span bytes, struct ws_header *header)
{
	const unsigned char *at = (const unsigned char *)bytes.at;
	size_t header_len = 2;
	uint64_t payload_len;
	bool masked;

	if (bytes.len < header_len)
		return WSB_EPARSE;
	masked = at[1] & WS_MASKED;
	payload_len = at[1] & ~WS_MASKED;
	header_len += payload_len == WS_LEN_64 ? 8 : payload_len == WS_LEN_16 ? 2 : 0;
	if (bytes.len < header_len + (masked ? WS_MASK_BYTES : 0))
		return WSB_EPARSE;
	if (header_len > 2)
		payload_len = get_big_endian(at + 2, header_len - 2);
	if (payload_len > SIZE_MAX / 2)
		return WSB_EPARSE;
	header->opcode = (enum ws_opcode)(at[0] & 0x0f);
	header->mask = masked ? at + header_len : NULL;
	header->header_len = header_len + (masked ? WS_MASK_BYTES : 0);
	header->payload_len = (size_t)payload_len;
	return WSB_OK;
}
