#include "broker/journal/since.h"

#include "common/clock.h"
#include "common/units.h"

enum since since_find(const struct journal *journal, struct span text, uint64_t wall_us,
		      journal_cursor *cursor)
{
	struct position position;
	uint64_t us;

	if (position_read(text, &position))
		return journal_since(journal, position, cursor) ? SINCE_WHOLE : SINCE_HOLE;
	if (span_is(text, "start"))
		us = 0;
	else if (units_duration_us(text, &us) == WSB_OK)
		us = us < wall_us ? wall_us - us : 0;
	else if (clock_read(text, &us) != WSB_OK)
		return SINCE_INVALID;
	return journal_since_time(journal, us, cursor) ? SINCE_WHOLE : SINCE_HOLE;
}
