#include "broker/admin/feed.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include "broker/admin/routes.h"
#include "broker/admin/views_past.h"

/* A filter's texts lie in itself. */
void feed_moved(struct feed *feed)
{
	struct filter *filter = &feed->filter;

	filter->history.pool = filter->history.pool ? filter->pool : NULL;
	filter->history.type = filter->history.type ? filter->type : NULL;
}

/* False: it is no id of ours. */
static bool read_id(struct span text, uint64_t *out)
{
	char room[24];

	if (!text.at || text.len >= sizeof(room))
		return false;
	memcpy(room, text.at, text.len);
	room[text.len] = '\0';
	return admin_name_is_number(room, out);
}

/* The ids of a broker that was started anew begin anew: whoever has seen more of the old one gets
 * all that the new one has. */
void feed_begin(struct feed *feed, const struct filter *filter, struct span last_event_id,
		const struct history *history)
{
	struct history_query *query = &feed->filter.history;
	uint64_t newest = history_newest(history);
	uint64_t seen;

	*feed = (struct feed){.filter = *filter};
	feed_moved(feed);
	if (read_id(last_event_id, &seen)) {
		query->after_id = seen <= newest ? seen : 0;
		query->since_us = 0;
		query->last = 0;
	} else if (!filter->bounded) {
		query->after_id = newest;
		query->last = 0;
	}
	feed->last = query->last;
	feed->found_id = query->after_id;
	feed->until_id = newest;
	query->last = 0;
}

static void add_event(const struct history_event *event, struct strbuf *out)
{
	json_t *view = view_event(event);
	char *text = view ? json_dumps(view, JSON_COMPACT) : NULL;

	json_decref(view);
	if (text)
		strbuf_printf(out, "id: %" PRIu64 "\nevent: %s\ndata: %s\n\n", event->id,
			      event->type, text);
	free(text);
}

/* How many match, of which the last few are wanted. */
static void count_matches(struct feed *feed, const struct history *history, size_t *looks)
{
	struct history_query query = feed->filter.history;
	struct history_walk walk;
	struct history_event event;

	query.after_id = feed->found_id;
	history_begin(&walk, history, &query);
	walk.looks = *looks;
	while (history_next(&walk, &event) && event.id <= feed->until_id)
		feed->found++;
	*looks = walk.looks;
	if (walk.looks == 0) {
		feed->found_id = walk.id - 1;
		return;
	}
	feed->skip = feed->found > feed->last ? feed->found - feed->last : 0;
	feed->last = 0;
}

static void add_new(struct feed *feed, const struct history *history, size_t looks,
		    struct strbuf *out)
{
	const size_t end = out->len + FEED_STEP_BYTES;
	struct history_query *query = &feed->filter.history;
	uint64_t seen = history_newest(history);
	struct history_walk walk;
	struct history_event event;

	history_begin(&walk, history, query);
	walk.skip = feed->skip;
	walk.looks = looks;
	while (out->len < end && history_next(&walk, &event))
		add_event(&event, out);
	if (out->len >= end || walk.looks == 0)
		seen = walk.id - 1;
	feed->skip = walk.skip;
	query->after_id = seen;
}

void feed_step(struct feed *feed, const struct history *history, uint64_t now_us,
	       struct strbuf *out)
{
	size_t before = out->len;
	size_t looks = FEED_STEP_LOOKS;

	if (feed->last > 0)
		count_matches(feed, history, &looks);
	if (feed->last == 0 && looks > 0 && history_newest(history) > feed->filter.history.after_id)
		add_new(feed, history, looks, out);
	if (out->len == before && now_us - feed->spoke_us >= FEED_SILENCE_US)
		strbuf_text(out, ": nothing has happened\n\n");
	if (out->len > before)
		feed->spoke_us = now_us;
}
