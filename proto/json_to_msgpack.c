#include "proto/json_to_msgpack.h"

#include <msgpack.h>
#include <stdint.h>
#include <stdlib.h>
#include "proto/codec.h"
#include "proto/json_codec.h"
#include "proto/json_scan.h"
#include "proto/number.h"

/* MessagePack says before a container how much is in it, JSON does not: so a first pass over the
 * validated text counts, in the order in which containers open, and a second one writes. */
struct counts {
	uint32_t *at;
	size_t len;
	size_t capacity;
};

static bool counts_add(struct counts *counts, uint32_t count)
{
	size_t capacity = counts->capacity > 0 ? counts->capacity * 2 : 16;
	uint32_t *at;

	if (counts->len == counts->capacity) {
		at = realloc(counts->at, capacity * sizeof(*at));
		if (!at)
			return false;
		counts->at = at;
		counts->capacity = capacity;
	}
	counts->at[counts->len++] = count;
	return true;
}

static bool is_empty(const char *open)
{
	const char *const first = json_scan_space(open + 1);

	return *first == '}' || *first == ']';
}

static enum wsb_err count(struct json_scan *scan, const char *at, struct counts *counts)
{
	size_t nest[CODEC_DEPTH_MAX]; /* which of counts each open container has */
	size_t open = 0;

	for (; at != scan->end; at++) {
		switch (*at) {
		case '{':
		case '[':
			nest[open++] = counts->len;
			if (!counts_add(counts, is_empty(at) ? 0 : 1))
				return WSB_ENOMEM;
			break;
		case '}':
		case ']':
			open--;
			break;
		case ',':
			if (counts->at[nest[open - 1]]++ == UINT32_MAX)
				return WSB_EINVAL;
			break;
		case '"':
			at = json_scan_string(scan, at + 1);
			break;
		default:
			break;
		}
	}
	return WSB_OK;
}

struct writer {
	struct json_scan scan;
	msgpack_packer packer;
	const uint32_t *counts; /* of the containers that have not opened yet */
	char *scratch;		/* for a string without its escapes */
	size_t scratch_size;
};

static int append(void *out, const char *bytes, size_t len)
{
	strbuf_add(out, span_of(bytes, len));
	return 0;
}

static enum wsb_err write_string(struct writer *writer, struct span token)
{
	struct span value = span_of(token.at + 1, token.len - 2);

	if (writer->scan.escapes) {
		if (!writer->scratch)
			writer->scratch = malloc(writer->scratch_size);
		if (!writer->scratch)
			return WSB_ENOMEM;
		value = json_string_read(token, writer->scratch, writer->scratch_size);
	}
	if (value.len > UINT32_MAX)
		return WSB_EINVAL;
	msgpack_pack_str(&writer->packer, value.len);
	msgpack_pack_str_body(&writer->packer, value.at, value.len);
	return WSB_OK;
}

static enum wsb_err write_number(struct writer *writer, struct span token)
{
	struct number number;

	if (!number_read(token, &number))
		return WSB_EINVAL;
	switch (number.kind) {
	case NUMBER_INT:
		msgpack_pack_int64(&writer->packer, number.signed_value);
		break;
	case NUMBER_UINT:
		msgpack_pack_uint64(&writer->packer, number.unsigned_value);
		break;
	default:
		msgpack_pack_double(&writer->packer, number.real);
	}
	return WSB_OK;
}

static enum wsb_err write_simple(struct writer *writer, struct span token)
{
	switch (*token.at) {
	case 'n':
		msgpack_pack_nil(&writer->packer);
		return WSB_OK;
	case 't':
		msgpack_pack_true(&writer->packer);
		return WSB_OK;
	case 'f':
		msgpack_pack_false(&writer->packer);
		return WSB_OK;
	default:
		return write_number(writer, token);
	}
}

/* Whatever stands at *at, which moves behind it; what only separates is passed over. */
static enum wsb_err write_next(struct writer *writer, const char **at)
{
	const char *const from = *at;

	switch (*from) {
	case '{':
		*at = from + 1;
		msgpack_pack_map(&writer->packer, *writer->counts++);
		return WSB_OK;
	case '[':
		*at = from + 1;
		msgpack_pack_array(&writer->packer, *writer->counts++);
		return WSB_OK;
	case '"':
		*at = json_scan_string(&writer->scan, from + 1) + 1;
		return write_string(writer, span_of(from, (size_t)(*at - from)));
	case '}':
	case ']':
	case ',':
	case ':':
	case ' ':
	case '\t':
	case '\n':
	case '\r':
		*at = from + 1;
		return WSB_OK;
	default:
		*at = json_scan_simple(&writer->scan, from);
		return write_simple(writer, span_of(from, (size_t)(*at - from)));
	}
}

static enum wsb_err write_all(struct writer *writer, const char *at, const struct strbuf *out)
{
	enum wsb_err err = WSB_OK;

	while (err == WSB_OK && at != writer->scan.end)
		err = out->failed ? WSB_ENOMEM : write_next(writer, &at);
	return err;
}

enum wsb_err json_to_msgpack(struct span text, struct strbuf *out)
{
	struct writer writer = {.scratch_size = text.len};
	struct counts counts = {0};
	enum wsb_err err;

	if (!json_scan_whole(&text, &writer.scan) ||
	    json_scan_skip(&writer.scan, text.at, 0) != writer.scan.end)
		return WSB_EPARSE;
	msgpack_packer_init(&writer.packer, out, append);
	err = count(&writer.scan, text.at, &counts);
	writer.counts = counts.at;
	if (err == WSB_OK)
		err = write_all(&writer, text.at, out);
	free(writer.scratch);
	free(counts.at);
	return err;
}
