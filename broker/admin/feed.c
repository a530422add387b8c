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

	feed->filter = *filter;
	feed_moved(feed);
	feed->spoke_us = 0;
	if (read_id(last_event_id, &seen)) {
		query->after_id = seen <= newest ? seen : 0;
		query->since_us = 0;
		query->last = 0;
	} else if (!filter->bounded) {
		query->after_id = newest;
		query->last = 0;
	}
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

void feed_step(struct feed *feed, const struct history *history, uint64_t now_us,
	       struct strbuf *out)
{
	struct history_query *query = &feed->filter.history;
	size_t before = out->len;
	struct history_walk walk;
	struct history_event event;

	if (history_newest(history) > query->after_id) {
		uint64_t seen = history_newest(history);

		history_begin(&walk, history, query);
		while (history_next(&walk, &event)) {
			add_event(&event, out);
			if (out->len - before < FEED_STEP_BYTES)
				continue;
			seen = event.id;
			break;
		}
		query->after_id = seen;
		query->last = 0;
	}
	if (out->len == before && now_us - feed->spoke_us >= FEED_SILENCE_US)
		strbuf_text(out, ": nothing has happened\n\n");
	if (out->len > before)
		feed->spoke_us = now_us;
}
