#include "common/wsreader.h"

#include "common/escape.h"

#define WS_FIN	      0x80u
#define WS_RSV	      0x70u
#define WS_COMPRESSED 0x40u /* RFC 7692: the first frame of a message says it */
#define WS_OPCODE     0x0fu
#define WS_MASKED     0x80u
#define WS_CONTROL    0x8u
#define WS_LEN	      0x7fu
#define WS_LEN_16     126u
#define WS_LEN_64     127u
#define WS_CODE_BYTES 2

#define PROTOCOL_ERROR 1002
#define BAD_UTF8       1007

void wsreader_init(struct wsreader *reader, enum wsreader_peer peer)
{
	*reader = (struct wsreader){.peer = peer};
}

static void advance(struct wsreader_chunk *chunk, size_t len)
{
	chunk->at += len;
	chunk->len -= len;
}

static enum wsreader_event violation(struct wsreader_item *item, uint16_t code, const char *text)
{
	item->code = code;
	item->payload = span_text(text);
	return WSREADER_VIOLATION;
}

/* Of the header that begins with these two bytes. */
static inline size_t header_bytes(const uint8_t *at)
{
	size_t len = at[1] & WS_LEN;

	return 2 +
	       (size_t)(len < WS_LEN_16	   ? 0
			: len == WS_LEN_16 ? 2
					   : 8) +
	       (at[1] & WS_MASKED ? WS_MASK_BYTES : 0);
}

/* Moves bytes of the chunk into reader->header until there are len of them. */
static bool gather_header(struct wsreader *reader, struct wsreader_chunk *chunk, size_t len)
{
	size_t wanted = len - reader->header_len;
	size_t taken = wanted < chunk->len ? wanted : chunk->len;

	memcpy(reader->header + reader->header_len, chunk->at, taken);
	reader->header_len = (uint8_t)(reader->header_len + taken);
	advance(chunk, taken);
	return taken == wanted;
}

/* The next header, whole, and taken off the chunk: in place, or gathered when it came in parts.
 * NULL: it is still cut off. */
static inline const uint8_t *next_header(struct wsreader *reader, struct wsreader_chunk *chunk)
{
	const uint8_t *at = (const uint8_t *)chunk->at;

	if (reader->header_len == 0 && chunk->len >= 2 && chunk->len >= header_bytes(at)) {
		advance(chunk, header_bytes(at));
		return at;
	}
	if (reader->header_len < 2 && !gather_header(reader, chunk, 2))
		return NULL;
	if (!gather_header(reader, chunk, header_bytes(reader->header)))
		return NULL;
	reader->header_len = 0;
	return reader->header;
}

static uint64_t get_big_endian(const uint8_t *at, size_t bytes)
{
	uint64_t value = 0;

	for (size_t i = 0; i < bytes; i++)
		value = value << 8 | at[i];
	return value;
}

static inline uint64_t payload_len(const uint8_t *header)
{
	uint64_t len = header[1] & WS_LEN;

	if (len < WS_LEN_16)
		return len;
	return get_big_endian(header + 2, len == WS_LEN_16 ? 2 : 8);
}

/* Off the straight path: a frame with a reserved bit. */
static bool may_be_compressed(const struct wsreader *reader, uint8_t first)
{
	unsigned int opcode = first & WS_OPCODE;

	return reader->allows_compressed && (first & WS_RSV) == WS_COMPRESSED &&
	       (opcode == WS_TEXT || opcode == WS_BINARY);
}

/* What is wrong with a header, or NULL. */
static inline const char *fault_of(const struct wsreader *reader, const uint8_t *header)
{
	unsigned int opcode = header[0] & WS_OPCODE;
	bool masked = header[1] & WS_MASKED;

	if ((header[0] & WS_RSV) && !may_be_compressed(reader, header[0]))
		return "a reserved bit is set";
	if (masked != (reader->peer == WSREADER_CLIENT))
		return masked ? "a frame of a server is masked" : "a frame is not masked";
	if (opcode & WS_CONTROL) {
		if (opcode > WS_PONG)
			return "an unknown opcode";
		if (!(header[0] & WS_FIN))
			return "a control frame is fragmented";
		return (header[1] & WS_LEN) > WS_CONTROL_MAX ? "a control frame is too long" : NULL;
	}
	if (opcode > WS_BINARY)
		return "an unknown opcode";
	if (opcode == WS_CONTINUATION && !reader->in_message)
		return "nothing to continue";
	if (opcode != WS_CONTINUATION && reader->in_message)
		return "a message begins inside another";
	return payload_len(header) >> 63 ? "a length of more than 63 bits" : NULL;
}

/* Unmasks the next bytes of the payload in place, and turns the key for those that follow. */
static void unmask(struct wsreader *reader, char *bytes, size_t len)
{
	wsframe_mask(bytes, len, reader->mask);
	if (len < reader->left)
		wsframe_turn_key(reader->mask, len);
}

/* As much of the payload under way as is there. */
static inline enum wsreader_event take_data(struct wsreader *reader, struct wsreader_chunk *chunk,
					    struct wsreader_item *item)
{
	size_t len = reader->left < chunk->len ? (size_t)reader->left : chunk->len;

	if (reader->peer == WSREADER_CLIENT)
		unmask(reader, chunk->at, len);
	reader->left -= len;
	item->payload = span_of(chunk->at, len);
	item->frame_left = reader->left;
	item->binary = reader->binary;
	item->compressed = reader->compressed;
	item->ends_message = reader->final && reader->left == 0;
	if (item->ends_message)
		reader->in_message = false;
	advance(chunk, len);
	return WSREADER_DATA;
}

static enum wsreader_event read_close(struct span payload, struct wsreader_item *item)
{
	item->code = 0;
	item->payload = payload;
	if (payload.len == 0)
		return WSREADER_CLOSE;
	if (payload.len < WS_CODE_BYTES)
		return violation(item, PROTOCOL_ERROR, "half a close code");
	item->code = (uint16_t)get_big_endian((const uint8_t *)payload.at, WS_CODE_BYTES);
	item->payload = span_of(payload.at + WS_CODE_BYTES, payload.len - WS_CODE_BYTES);
	if (!wsframe_close_code_is_valid(item->code))
		return violation(item, PROTOCOL_ERROR, "a close code that must not be sent");
	if (!utf8_is_valid(item->payload))
		return violation(item, BAD_UTF8, "a close reason that is not UTF-8");
	return WSREADER_CLOSE;
}

/* The control frame under way, as soon as it is whole: in place, or gathered. */
static WSB_RARE enum wsreader_event
take_control(struct wsreader *reader, struct wsreader_chunk *chunk, struct wsreader_item *item)
{
	size_t len = reader->left < chunk->len ? (size_t)reader->left : chunk->len;
	struct span payload = span_of(chunk->at, len);

	if (reader->peer == WSREADER_CLIENT)
		unmask(reader, chunk->at, len);
	if (len < reader->left || reader->control_len > 0) {
		memcpy(reader->control + reader->control_len, chunk->at, len);
		reader->control_len = (uint8_t)(reader->control_len + len);
		payload = span_of(reader->control, reader->control_len);
	}
	reader->left -= len;
	advance(chunk, len);
	if (reader->left > 0)
		return WSREADER_MORE;
	reader->in_control = false;
	reader->control_len = 0;
	if (reader->opcode == WS_CLOSE)
		return read_close(payload, item);
	item->payload = payload;
	return reader->opcode == WS_PING ? WSREADER_PING : WSREADER_PONG;
}

enum wsreader_event wsreader_next(struct wsreader *reader, struct wsreader_chunk *chunk,
				  struct wsreader_item *item)
{
	const uint8_t *header;
	const char *fault;

	if (chunk->len == 0)
		return WSREADER_MORE;
	if (reader->in_control)
		return take_control(reader, chunk, item);
	if (reader->left > 0)
		return take_data(reader, chunk, item);
	header = next_header(reader, chunk);
	if (!header)
		return WSREADER_MORE;
	fault = fault_of(reader, header);
	if (fault)
		return violation(item, PROTOCOL_ERROR, fault);
	reader->left = payload_len(header);
	if (header[1] & WS_MASKED)
		memcpy(reader->mask, header + header_bytes(header) - WS_MASK_BYTES, WS_MASK_BYTES);
	if (header[0] & WS_CONTROL) {
		reader->opcode = header[0] & WS_OPCODE;
		reader->in_control = true;
		return take_control(reader, chunk, item);
	}
	if ((header[0] & WS_OPCODE) != WS_CONTINUATION) {
		reader->binary = (header[0] & WS_OPCODE) == WS_BINARY;
		reader->compressed = header[0] & WS_COMPRESSED;
	}
	reader->in_message = true;
	reader->final = header[0] & WS_FIN;
	return reader->left > 0 && chunk->len == 0 ? WSREADER_MORE : take_data(reader, chunk, item);
}
