#include "proto/msgpack_to_json.h"

#include <math.h>
#include "common/escape.h"
#include "proto/codec.h"
#include "proto/msgpack_scan.h"
#include "proto/number.h"

/* One open container. */
struct level {
	uint64_t left; /* values still to come; a pair of a map is two */
	bool map;
};

struct writer {
	struct strbuf *out;
	struct level levels[CODEC_DEPTH_MAX + 1];
	unsigned open;
};

static bool is_plain(char byte)
{
	return byte >= ' ' && byte < 0x7f && byte != '"' && byte != '\\';
}

static void write_string(struct strbuf *out, struct span text)
{
	strbuf_text(out, "\"");
	while (text.len > 0) {
		char unit[ESCAPE_UNIT_MAX];
		size_t run = 0;

		while (run < text.len && is_plain(text.at[run]))
			run++;
		strbuf_add(out, span_of(text.at, run));
		text = span_of(text.at + run, text.len - run);
		if (text.len > 0)
			strbuf_add(out, span_of(unit, escape_next(&text, unit)));
	}
	strbuf_text(out, "\"");
}

static enum wsb_err write_number(struct strbuf *out, const char *at,
				 const struct msgpack_head *head)
{
	char text[NUMBER_TEXT_MAX];
	struct number number;

	if (head->kind == MSGPACK_UINT)
		number = number_of_uint(msgpack_uint(at, head));
	else if (head->kind == MSGPACK_INT)
		number = (struct number){.kind = NUMBER_INT, .signed_value = msgpack_int(at, head)};
	else
		number = (struct number){.kind = NUMBER_REAL, .real = msgpack_float(head)};
	if (number.kind == NUMBER_REAL && !isfinite(number.real))
		return WSB_EINVAL;
	strbuf_add(out, span_of(text, number_write(&number, text)));
	return WSB_OK;
}

static void open_container(struct writer *writer, const struct msgpack_head *head)
{
	const bool map = head->kind == MSGPACK_MAP;

	strbuf_text(writer->out, map ? "{" : "[");
	writer->levels[++writer->open] =
		(struct level){.left = (uint64_t)head->count << map, .map = map};
}

static enum wsb_err write_value(struct writer *writer, const char *at,
				const struct msgpack_head *head)
{
	switch (head->kind) {
	case MSGPACK_NIL:
		strbuf_text(writer->out, "null");
		return WSB_OK;
	case MSGPACK_BOOL:
		strbuf_text(writer->out, *at == '\xc2' ? "false" : "true");
		return WSB_OK;
	case MSGPACK_STR:
		write_string(writer->out, span_of(head->body, head->body_len));
		return WSB_OK;
	case MSGPACK_ARRAY:
	case MSGPACK_MAP:
		open_container(writer, head);
		return WSB_OK;
	case MSGPACK_UINT:
	case MSGPACK_INT:
	case MSGPACK_FLOAT:
		return write_number(writer->out, at, head);
	default:
		return WSB_EINVAL;
	}
}

/* What stands between the value just written and the next one. */
static void write_between(struct writer *writer)
{
	struct level *level = &writer->levels[writer->open];

	while (writer->open > 0 && level->left == 0) {
		strbuf_text(writer->out, level->map ? "}" : "]");
		level = &writer->levels[--writer->open];
	}
}

static enum wsb_err write_next(struct writer *writer, const char *at,
			       const struct msgpack_head *head, bool first)
{
	struct level *const level = &writer->levels[writer->open];
	const bool key = level->map && level->left % 2 == 0;

	if (key && head->kind != MSGPACK_STR)
		return WSB_EINVAL;
	if (level->map && !key)
		strbuf_text(writer->out, ":");
	else if (!first)
		strbuf_text(writer->out, ",");
	level->left--;
	return write_value(writer, at, head);
}

enum wsb_err msgpack_to_json(struct span text, struct strbuf *out)
{
	const char *const end = text.at + text.len;
	const char *at = text.at;
	enum wsb_err err = WSB_OK;
	struct writer writer;
	bool first = true;

	if (text.len == 0 || msgpack_skip(at, end, 0) != end)
		return WSB_EPARSE;
	writer.out = out;
	writer.open = 0;
	writer.levels[0] = (struct level){.left = 1};
	while (err == WSB_OK && at != end) {
		struct msgpack_head head;

		if (out->failed)
			return WSB_ENOMEM;
		if (!msgpack_head_read(at, end, &head))
			return WSB_EPARSE;
		err = write_next(&writer, at, &head, first);
		first = head.kind == MSGPACK_ARRAY || head.kind == MSGPACK_MAP;
		first = first && head.count > 0;
		at = head.body + head.body_len;
		write_between(&writer);
	}
	return err;
}
