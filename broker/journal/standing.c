#include "broker/journal/standing.h"

#include <stdio.h>

static bool position_of(struct span epoch, struct span seq, struct position *out)
{
	char text[POSITION_TEXT_MAX];
	int len = snprintf(text, sizeof(text), "%.*s-%.*s", (int)epoch.len, epoch.at, (int)seq.len,
			   seq.at);

	return len > 0 && (size_t)len < sizeof(text) &&
	       position_read(span_of(text, (size_t)len), out) && standing_is_possible(*out);
}

enum wsb_err look_read(const struct redis_value *value, struct look *out)
{
	struct span counter = redis_text(redis_item(value, 1));
	struct span newest = redis_text(redis_item(value, 2));

	*out = (struct look){.epoch = redis_text(redis_item(value, 0))};
	if (redis_count(value) != 5)
		return WSB_EPARSE;
	if (out->epoch.at && out->epoch.len < POSITION_TEXT_MAX &&
	    counter.len < POSITION_TEXT_MAX &&
	    !position_of(out->epoch, counter.at ? counter : span_text("0"), &out->top))
		out->top = (struct position){0};
	if (newest.at && !position_read(newest, &out->newest))
		return WSB_EPARSE;
	out->newest_event = redis_text(redis_item(value, 3));
	out->own_event = redis_text(redis_item(value, 4));
	return WSB_OK;
}

enum standing standing_judge(const struct look *look, struct position own, bool is_same)
{
	if (!position_is_set(look->top) || position_before(look->top, look->newest) ||
	    look->top.seq == STANDING_NUMBER_MAX)
		return STANDING_RENUMBER;
	if (!position_is_set(own))
		return STANDING_FRESH;
	if (position_before(look->top, own))
		return STANDING_RENUMBER;
	if (look->top.epoch != own.epoch)
		return STANDING_HOLE;
	/* Nothing has been read of this epoch yet: there is no entry to compare. */
	if (own.seq == 0)
		return STANDING_WHOLE;
	/* An emptied stream is a hole once: behind its end nothing is missing. */
	if (!look->own_event.at)
		return is_same && position_equal(look->top, own) ? STANDING_WHOLE : STANDING_HOLE;
	return is_same ? STANDING_WHOLE : STANDING_RENUMBER;
}
