#include "proto/event.h"

#include <math.h>
#include <msgpack.h>
#include <stdio.h>
#include "common/clock.h"
#include "proto/event_words.h"

/* One text under way, in either form. */
struct writer {
	enum encoding encoding;
	struct strbuf *out;
	msgpack_packer packer;
	bool comma; /* JSON: what comes next has something before it */
};

static int append(void *out, const char *bytes, size_t len)
{
	strbuf_add(out, span_of(bytes, len));
	return 0;
}

static void begin(struct writer *writer, struct strbuf *out)
{
	writer->out = out;
	msgpack_packer_init(&writer->packer, out, append);
}

/* Before each member's name and each element. */
static void separate(struct writer *writer)
{
	if (writer->encoding == ENCODING_JSON && writer->comma)
		strbuf_text(writer->out, ",");
	writer->comma = true;
}

static void put_text(struct writer *writer, struct span text)
{
	if (writer->encoding == ENCODING_JSON) {
		strbuf_json(writer->out, text);
		return;
	}
	msgpack_pack_str(&writer->packer, text.len);
	msgpack_pack_str_body(&writer->packer, text.at, text.len);
}

static void open_map(struct writer *writer, size_t members)
{
	if (writer->encoding == ENCODING_JSON)
		strbuf_text(writer->out, "{");
	else
		msgpack_pack_map(&writer->packer, members);
	writer->comma = false;
}

static void close_map(struct writer *writer)
{
	if (writer->encoding == ENCODING_JSON)
		strbuf_text(writer->out, "}");
	writer->comma = true;
}

static void put_name(struct writer *writer, const char *name)
{
	separate(writer);
	put_text(writer, span_text(name));
	if (writer->encoding == ENCODING_JSON)
		strbuf_text(writer->out, ":");
}

static void member_text(struct writer *writer, const char *name, struct span text)
{
	put_name(writer, name);
	put_text(writer, text);
}

static void member_names(struct writer *writer, const char *name, const struct span *names,
			 size_t count)
{
	put_name(writer, name);
	if (writer->encoding == ENCODING_JSON)
		strbuf_text(writer->out, "[");
	else
		msgpack_pack_array(&writer->packer, count);
	writer->comma = false;
	for (size_t i = 0; i < count; i++) {
		separate(writer);
		put_text(writer, names[i]);
	}
	if (writer->encoding == ENCODING_JSON)
		strbuf_text(writer->out, "]");
	writer->comma = true;
}

static void put_null(struct writer *writer)
{
	if (writer->encoding == ENCODING_JSON)
		strbuf_text(writer->out, "null");
	else
		msgpack_pack_nil(&writer->packer);
}

static void put_position(struct writer *writer, struct position position)
{
	char text[POSITION_TEXT_MAX];

	if (position_is_set(position))
		put_text(writer, span_of(text, position_write(position, text)));
	else
		put_null(writer);
}

static void put_invalidation(struct writer *writer, const struct event *event)
{
	const struct invalidation *what = &event->what;

	member_text(writer, "op", span_text(event_words[event->type].op));
	member_text(writer, "mode", span_text(what->mode == INVALIDATE_SOFT ? "soft" : "hard"));
	member_names(writer, "tags", what->tags, what->tag_count);
	member_text(writer, "match", span_text(what->match == MATCH_ALL ? "all" : "any"));
	member_names(writer, "keys", what->keys, what->key_count);
	member_names(writer, "methods", what->methods, what->method_count);
	member_text(writer, "cause", event->cause);
}

static void put_heartbeat(struct writer *writer, const struct event *event)
{
	const struct event_heartbeat *beat = &event->heartbeat;

	member_text(writer, "op", span_text(event_words[event->type].op));
	member_text(writer, "node", beat->node);
	member_text(writer, "version", beat->version);
	put_name(writer, "clients");
	if (writer->encoding == ENCODING_JSON)
		strbuf_printf(writer->out, "%llu", (unsigned long long)beat->clients);
	else
		msgpack_pack_uint64(&writer->packer, beat->clients);
	put_name(writer, "score");
	if (!(beat->score >= 0) || isinf(beat->score))
		put_null(writer);
	else if (writer->encoding == ENCODING_JSON)
		strbuf_printf(writer->out, "%.1f", beat->score);
	else
		msgpack_pack_double(&writer->packer, beat->score);
}

/* All that comes before the position. */
static void put_head(struct writer *writer, const struct event *event)
{
	char time[CLOCK_TEXT_MAX];

	clock_text(event->time_us, time);
	open_map(writer, 6);
	member_text(writer, "specversion", span_text("1.0"));
	member_text(writer, "type", span_text(event_words[event->type].type));
	member_text(writer, "source", event->source);
	member_text(writer, "id", event->id);
	member_text(writer, "time", span_text(time));
	put_name(writer, "data");
	open_map(writer, event->type == EVENT_HEARTBEAT ? 6 : 8);
	put_name(writer, "position");
}

static void put_rest(struct writer *writer, const struct event *event)
{
	if (event->type == EVENT_HEARTBEAT)
		put_heartbeat(writer, event);
	else
		put_invalidation(writer, event);
	close_map(writer);
	close_map(writer);
}

enum wsb_err event_write(enum encoding encoding, const struct event *event, struct strbuf *out)
{
	struct writer writer = {.encoding = encoding};

	begin(&writer, out);
	put_head(&writer, event);
	put_position(&writer, event->position);
	put_rest(&writer, event);
	return out->failed ? WSB_ENOMEM : WSB_OK;
}

enum wsb_err event_write_around(enum encoding encoding, const struct event *event,
				struct strbuf *out, size_t *gap)
{
	struct writer writer = {.encoding = encoding};

	begin(&writer, out);
	put_head(&writer, event);
	*gap = out->len;
	put_rest(&writer, event);
	return out->failed ? WSB_ENOMEM : WSB_OK;
}
