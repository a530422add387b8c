#include "broker/admin/invalidation_feed.h"

#include <string.h>
#include "broker/admin/admin.h"
#include "broker/journal/since.h"
#include "common/query.h"

/* Decoded at the end of those that are there. False: too many, too long, or nothing. */
static bool add_tag(struct invalidation_feed *feed, struct span value)
{
	struct span tag;
	size_t used = 0;

	for (size_t i = 0; i < feed->tag_count; i++)
		used += feed->tag_lens[i];
	tag = query_decode(value, feed->tags + used, sizeof(feed->tags) - used);
	if (!tag.at || tag.len == 0 || feed->tag_count == INVALIDATION_FEED_TAGS)
		return false;
	memmove(feed->tags + used, tag.at, tag.len);
	feed->tag_lens[feed->tag_count++] = (uint16_t)tag.len;
	return true;
}

static bool read_tags(struct invalidation_feed *feed, struct span query, struct strbuf *out)
{
	struct span name;
	struct span value;

	while (query_next(&query, &name, &value)) {
		if (!span_is(name, "tag") || add_tag(feed, value))
			continue;
		strbuf_printf(out, "tag must be a glob of tags, such as property:*; up to %d.",
			      INVALIDATION_FEED_TAGS);
		return false;
	}
	return true;
}

/* Whoever comes back with an id that is none of ours has missed something. */
static bool find_place(struct invalidation_feed *feed, const struct journal *journal,
		       struct span query, struct span last_event_id, uint64_t wall_us,
		       struct strbuf *out)
{
	char text[ADMIN_QUERY_MAX]; /* nothing that it says is too long to be wrong */
	struct span since = query_value(query, "since", text, sizeof(text));
	enum since verdict;

	feed->cursor = journal_end(journal);
	if (!last_event_id.at && !since.at)
		return true;
	verdict = since_find(journal, last_event_id.at ? last_event_id : since, wall_us,
			     &feed->cursor);
	if (verdict == SINCE_INVALID && !last_event_id.at) {
		strbuf_text(out, "since must be " SINCE_WANTED ".");
		return false;
	}
	feed->hole = verdict != SINCE_WHOLE;
	return true;
}

static void add_id(struct strbuf *out, struct position position)
{
	char text[POSITION_TEXT_MAX];

	if (!position_is_set(position))
		return;
	position_write(position, text);
	strbuf_printf(out, "id: %s\n", text);
}

bool invalidation_feed_begin(struct invalidation_feed *feed, const struct journal *journal,
			     struct span query, struct span last_event_id, uint64_t wall_us,
			     struct strbuf *out)
{
	*feed = (struct invalidation_feed){0};
	if (!read_tags(feed, query, out) ||
	    !find_place(feed, journal, query, last_event_id, wall_us, out))
		return false;
	/* An id without data is no event, but a place to come back to. */
	if (feed->cursor == journal_end(journal) && !feed->hole)
		add_id(out, journal_top(journal));
	strbuf_text(out, ": invalidations\n\n");
	return true;
}

static void add_event(struct strbuf *out, struct position position, const char *type,
		      struct span json)
{
	add_id(out, position);
	strbuf_printf(out, "event: %s\ndata: ", type);
	strbuf_add(out, json);
	strbuf_text(out, "\n\n");
}

static void add_resync(struct invalidation_feed *feed, const struct admin_backend *backend,
		       struct strbuf *out)
{
	struct strbuf json;

	strbuf_init(&json);
	if (backend->missed(backend->instance, &json) == WSB_OK) {
		add_event(out, journal_top(backend->journal), event_type_name(EVENT_RESYNC),
			  strbuf_span(&json));
		feed->hole = false;
	}
	strbuf_fini(&json);
}

/* Entries that concern the follower, for as long as there are any, room and work. */
static enum wsb_err add_entries(struct invalidation_feed *feed, const struct journal *journal,
				size_t work, struct strbuf *out)
{
	const size_t end = out->len + FEED_STEP_BYTES;
	struct span globs[INVALIDATION_FEED_TAGS];
	const struct journal_entry *entry;
	const char *at = feed->tags;
	enum wsb_err err = WSB_OK;

	for (size_t i = 0; i < feed->tag_count; i++) {
		globs[i] = span_of(at, feed->tag_lens[i]);
		at += feed->tag_lens[i];
	}
	while (err == WSB_OK && out->len < end) {
		err = journal_next_of(journal, &feed->cursor, globs, feed->tag_count, &work,
				      &entry);
		if (err == WSB_OK)
			add_event(out, entry->event.position, event_type_name(entry->event.type),
				  entry->json);
	}
	return err;
}

/* A comment keeps the connection; with it goes the place that has been reached, so that whoever
 * asked for few tags need not come back to where the last one was. */
static void break_silence(const struct invalidation_feed *feed, const struct journal *journal,
			  struct strbuf *out)
{
	if (feed->cursor == journal_end(journal))
		add_id(out, journal_top(journal));
	strbuf_text(out, ": nothing has happened\n\n");
}

bool invalidation_feed_step(struct invalidation_feed *feed, const struct admin_backend *backend,
			    size_t work, uint64_t now_us, struct strbuf *out)
{
	const struct journal *journal = backend->journal;
	const size_t before = out->len;

	if (feed->hole)
		add_resync(feed, backend, out);
	if (!feed->hole && add_entries(feed, journal, work, out) == WSB_ELIMIT)
		return false;
	if (feed->spoke_us == 0)
		feed->spoke_us = now_us;
	if (out->len == before && now_us - feed->spoke_us >= FEED_SILENCE_US)
		break_silence(feed, journal, out);
	if (out->len > before)
		feed->spoke_us = now_us;
	return true;
}
