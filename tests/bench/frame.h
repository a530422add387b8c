/* tests/bench/frame.h: reading and writing whole WebSocket frames (RFC 6455 section 5).
 * Static inline, because the bench programs spend their time here. */
#ifndef WSB_TESTS_BENCH_FRAME_H
#define WSB_TESTS_BENCH_FRAME_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define FRAME_TEXT	  0x1
#define FRAME_CLOSE	  0x8
#define FRAME_PING	  0x9
#define FRAME_PONG	  0xA
#define FRAME_HEADER_MAX  14
#define FRAME_CONTROL_MAX 125 /* payload of ping, pong and close */
/* No message of the bench comes near this length: 8-byte lengths are not spoken. */
#define FRAME_PAYLOAD_MAX 65536

enum frame_verdict { FRAME_WHOLE, FRAME_PARTIAL, FRAME_BAD };

struct frame {
	unsigned int opcode;
	unsigned char *payload;
	size_t payload_len;
	size_t size; /* header and payload */
};

/* xorshift64*: keys have to be unforeseeable to scripts in a browser, here only varied. *state must
 * not be 0. */
static inline uint32_t frame_next_key(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (uint32_t)(*state * UINT64_C(0x2545F4914F6CDD1D) >> 32);
}

/* key is as in the frame, its first byte the lowest: little-endian machines only. */
static inline void frame_mask(unsigned char *payload, size_t len, uint32_t key)
{
	uint64_t wide = (uint64_t)key << 32 | key;
	size_t i = 0;
	for (; i + 8 <= len; i += 8) {
		uint64_t word;
		memcpy(&word, payload + i, 8);
		word ^= wide;
		memcpy(payload + i, &word, 8);
	}
	for (; i < len; i++, key = key >> 8 | key << 24)
		payload[i] ^= (unsigned char)key;
}

/* Reads the frame at the start of data and unmasks its payload in place; masked says whether it
 * has to be masked. FRAME_WHOLE: *frame is set. FRAME_PARTIAL: more bytes are needed, nothing was
 * changed. FRAME_BAD: against the RFC, too long, or a fragment, which no peer of the bench sends.
 */
static inline enum frame_verdict frame_read(unsigned char *data, size_t len, bool masked,
					    struct frame *frame)
{
	if (len < 2)
		return FRAME_PARTIAL;
	size_t payload_len = data[1] & 0x7F;
	size_t header = 2;
	bool control = data[0] & 0x08;
	if ((data[0] & 0xF0) != 0x80 || (data[1] >> 7 != 0) != masked ||
	    payload_len > (control ? FRAME_CONTROL_MAX : 126))
		return FRAME_BAD;
	if (payload_len == 126) {
		if (len < 4)
			return FRAME_PARTIAL;
		payload_len = (size_t)data[2] << 8 | data[3];
		header = 4;
	}
	size_t size = header + (masked ? 4 : 0) + payload_len;
	if (len < size)
		return FRAME_PARTIAL;
	if (masked) {
		uint32_t key;
		memcpy(&key, data + header, 4);
		header += 4;
		frame_mask(data + header, payload_len, key);
	}
	frame->opcode = data[0] & 0x0F;
	frame->payload = data + header;
	frame->payload_len = payload_len;
	frame->size = size;
	return FRAME_WHOLE;
}

/* Header length of an unmasked frame with this payload. */
static inline size_t frame_header_size(size_t payload_len)
{
	return payload_len < 126 ? 2 : 4;
}

/* Writes the header of a final frame; payload_len is less than FRAME_PAYLOAD_MAX. With a key, the
 * mask bit and the key are written too, and the caller masks the payload. Returns its length. */
static inline size_t frame_write_header(unsigned char *out, unsigned int opcode, size_t payload_len,
					const uint32_t *key)
{
	size_t header = frame_header_size(payload_len);
	out[0] = (unsigned char)(0x80 | opcode);
	if (header == 2) {
		out[1] = (unsigned char)payload_len;
	} else {
		out[1] = 126;
		out[2] = (unsigned char)(payload_len >> 8);
		out[3] = (unsigned char)payload_len;
	}
	if (key) {
		out[1] |= 0x80;
		memcpy(out + header, key, 4);
		header += 4;
	}
	return header;
}
#endif
