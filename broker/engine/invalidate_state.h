/* broker/engine/invalidate_state.h: what the engine keeps of invalidations beside the cache. */
#ifndef WSB_BROKER_ENGINE_INVALIDATE_STATE_H
#define WSB_BROKER_ENGINE_INVALIDATE_STATE_H

#include "broker/journal/journal.h"
#include "broker/journal/maker.h"
#include "broker/route/tag_template.h"
#include "common/list.h"
#include "common/map.h"
#include "common/strbuf.h"
#include "common/timerq.h"

struct invalidations {
	struct journal *journal;
	struct maker maker;	/* of this broker's own events */
	struct position latest; /* of the latest own one; not set: the bus has not numbered it */
	struct timerq merging;	/* own ones that are applied but told later, see `merge` */
	struct list held;	/* the same, all of them */
	struct map *merges;	/* and by what they say */
	struct strbuf key;	/* what one of them says */
	struct tag_list tags;	/* what a rule names */
	struct list watches;	/* clients that follow */
	size_t work;		/* that may be done for them, see follow_tick */
	uint64_t worked_us;	/* when that was looked at last */
	struct strbuf text;	/* an event for one of them alone */
};

#endif
