#include "proto/event_words.h"
#include "proto/partial.h"
#include "tests/fuzz/fuzz.h"

static void check_names(const struct span *a, size_t a_count, const struct span *b, size_t b_count)
{
	must(a_count == b_count && a_count <= EVENT_NAMES_MAX);
	for (size_t i = 0; i < a_count; i++)
		must(span_equal(a[i], b[i]) && a[i].len > 0);
}

static void check_equal(const struct event *a, const struct event *b)
{
	must(a->type == b->type && position_equal(a->position, b->position));
	must(span_equal(a->source, b->source) && span_equal(a->id, b->id));
	must(span_equal(a->cause, b->cause) && a->what.all == b->what.all);
	must(a->what.mode == b->what.mode && a->what.match == b->what.match);
	check_names(a->what.tags, a->what.tag_count, b->what.tags, b->what.tag_count);
	check_names(a->what.keys, a->what.key_count, b->what.keys, b->what.key_count);
	check_names(a->what.methods, a->what.method_count, b->what.methods, b->what.method_count);
}

/* What was read can be written in either form, and says the same when it is read again. */
static void check_crossing(const struct event *event, enum encoding encoding)
{
	struct event_held again;
	struct strbuf text;

	strbuf_init(&text);
	must(event_write(encoding, event, &text) == WSB_OK);
	if (text.len <= EVENT_BYTES_MAX) {
		must(event_read(encoding, strbuf_span(&text), &again) == WSB_OK);
		check_equal(event, &again.event);
		event_held_fini(&again);
	}
	strbuf_fini(&text);
}

/* What is read without a tree is what the tree says, and the text is what would be written. */
static void check_scan(struct span text)
{
	struct event_held scanned, read;
	struct strbuf again;

	if (!event_scan(text, &scanned))
		return;
	must(event_read_tree(ENCODING_JSON, text, &read) == WSB_OK);
	check_equal(&scanned.event, &read.event);
	must(scanned.event.time_us == read.event.time_us);
	strbuf_init(&again);
	must(event_write(ENCODING_JSON, &read.event, &again) == WSB_OK);
	must(span_equal(strbuf_span(&again), text));
	strbuf_fini(&again);
	event_held_fini(&read);
	event_held_fini(&scanned);
}

static void check_invalidation(const json_t *members)
{
	char why[INVALIDATION_WHY_MAX] = "";
	struct invalidation_parts parts;
	struct invalidation_held held;
	struct invalidation part;
	size_t count = 0;

	if (invalidation_read(members, &held, why) != WSB_OK) {
		must(why[0] && !held.spans);
		return;
	}
	parts = (struct invalidation_parts){.rest = held.what};
	while (invalidation_next_part(&parts, &part)) {
		must(part.all || part.tag_count + part.key_count + part.method_count > 0);
		count += part.tag_count + part.key_count + part.method_count;
	}
	must(count == held.what.tag_count + held.what.key_count + held.what.method_count);
	invalidation_held_fini(&held);
}

/* The first byte says how the rest is encoded. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct span glob = span_text("property:*");
	struct event_held held;
	enum encoding encoding;
	struct span text;
	json_t *tree;

	if (size < 1)
		return 0;
	encoding = data[0] & 1 ? ENCODING_MSGPACK : ENCODING_JSON;
	text = span_of((const char *)data + 1, size - 1);
	check_scan(text);
	if (event_read(encoding, text, &held) != WSB_OK)
		return 0;
	event_concerns(&held.event, &glob, 1);
	tree = message_tree(encoding, text);
	check_invalidation(json_object_get(tree, "data"));
	json_decref(tree);
	if (held.event.type != EVENT_OTHER) {
		check_crossing(&held.event, ENCODING_JSON);
		check_crossing(&held.event, ENCODING_MSGPACK);
	}
	event_held_fini(&held);
	return 0;
}
