#include "common/wstrack.h"

void wstrack_init(struct wstrack *track)
{
	*track = (struct wstrack){0};
}

/* Of a header of which two bytes are known. */
static size_t header_size(const uint8_t *header)
{
	size_t size = 2;

	if ((header[1] & 0x7f) == 126)
		size += 2;
	else if ((header[1] & 0x7f) == 127)
		size += 8;
	return size + (header[1] & 0x80 ? WS_MASK_BYTES : 0);
}

static void begin_payload(struct wstrack *track)
{
	const uint8_t *header = track->header;
	size_t size = header_size(header);
	size_t len_end = size - (header[1] & 0x80 ? WS_MASK_BYTES : 0);

	track->left = header[1] & 0x7f;
	if (len_end > 2)
		track->left = 0;
	for (size_t i = 2; i < len_end; i++)
		track->left = track->left << 8 | header[i];
	for (size_t i = 0; i < WS_MASK_BYTES; i++)
		track->mask[i] = header[1] & 0x80 ? header[len_end + i] : 0;
	track->header_len = 0;
	track->closing = (header[0] & 0x0f) == WS_CLOSE && !track->closed;
	track->closed = track->closed || track->closing;
	track->code_len = 0;
}

/* Returns how many bytes belong to the header; the payload has begun when it is whole. */
static size_t take_header(struct wstrack *track, struct span bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		track->header[track->header_len++] = (uint8_t)bytes.at[i];
		if (track->header_len >= 2 && track->header_len == header_size(track->header)) {
			begin_payload(track);
			return i + 1;
		}
	}
	return bytes.len;
}

static void take_code(struct wstrack *track, struct span payload)
{
	for (size_t i = 0; i < payload.len && track->code_len < 2; i++) {
		uint8_t byte = (uint8_t)payload.at[i] ^ track->mask[track->code_len++];

		track->close_code = (uint16_t)(track->close_code << 8 | byte);
	}
}

size_t wstrack_frame(struct wstrack *track, struct span bytes)
{
	size_t taken = 0;
	size_t len;

	if (track->left == 0) {
		taken = take_header(track, bytes);
		if (track->header_len > 0 || track->left == 0)
			return taken;
	}
	len = bytes.len - taken;
	if (len > track->left)
		len = (size_t)track->left;
	if (track->closing)
		take_code(track, span_of(bytes.at + taken, len));
	track->left -= len;
	return taken + len;
}

void wstrack_pass(struct wstrack *track, struct span bytes)
{
	while (bytes.len > 0) {
		size_t taken = wstrack_frame(track, bytes);

		bytes = span_of(bytes.at + taken, bytes.len - taken);
	}
}
