/* broker/engine/refresh_pace.h: how fast what was made stale is refreshed. A few entries at once;
 * many evenly over the time for which they may be served stale, faster where the upstreams are
 * loaded from a lot anyway, and never so fast that these see much more than they usually do. Pure.
 */
#ifndef WSB_BROKER_ENGINE_REFRESH_PACE_H
#define WSB_BROKER_ENGINE_REFRESH_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* So many are few, and so many a second are no load worth speaking of. */
#define REFRESH_PACE_FEW 10

struct refresh_pace {
	uint64_t turn_us; /* when tokens were added last */
	uint64_t look_us; /* when the loads were looked at last */
	uint64_t loads;	  /* since then */
	bool wanted;	  /* since then something was to be refreshed at this pace */
	uint64_t few;	  /* since then so many were let through at once, or may be */
	uint64_t leave;	  /* so many of them may be yet */
	double latest;	  /* loads a second, in the last one */
	double lately;	  /* of the last few */
	double usual;	  /* of the last ten or so */
	double tokens;
	uint64_t stale_us; /* how long what is stale may be served */
	uint64_t wave_us;  /* when the first of these began; each lasts for stale_us */
	uint64_t waves[2]; /* entries that were made stale in this one and in the one before */
};

void refresh_pace_init(struct refresh_pace *pace, uint64_t now_us);

/* A load that was sent for another reason than this pace. */
void refresh_pace_loaded(struct refresh_pace *pace);

/* So many entries were made stale at once, and may be served for stale_us; 0: not at all. */
void refresh_pace_softened(struct refresh_pace *pace, size_t entries, uint64_t stale_us,
			   uint64_t now_us);

/* Call with each tick. usual: what is loaded now tells what is usual. */
void refresh_pace_turn(struct refresh_pace *pace, bool usual, uint64_t now_us);

/* Whether one may be refreshed now. */
bool refresh_pace_allows(struct refresh_pace *pace);

#endif
