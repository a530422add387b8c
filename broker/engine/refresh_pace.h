/* broker/engine/refresh_pace.h: how fast what was made stale all at once may be refreshed: as fast
 * as the upstreams are loaded from anyway, so that they never see more than twice that, nor the
 * refreshes in a burst. Pure. */
#ifndef WSB_BROKER_ENGINE_REFRESH_PACE_H
#define WSB_BROKER_ENGINE_REFRESH_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define REFRESH_PACE_LEAST 10 /* a second, however quiet it has been */

struct refresh_pace {
	uint64_t turn_us; /* when tokens were added last */
	uint64_t look_us; /* when the loads were looked at last */
	uint64_t loads;	  /* since then */
	bool wanted;	  /* since then something was to be refreshed at this pace */
	double lately;	  /* loads a second, of the last few seconds */
	double usual;	  /* of the last ten or so */
	double tokens;
};

void refresh_pace_init(struct refresh_pace *pace, uint64_t now_us);

/* A load that was sent for another reason than this pace. */
void refresh_pace_loaded(struct refresh_pace *pace);

/* Call with each tick. usual: what is loaded now tells what is usual. */
void refresh_pace_turn(struct refresh_pace *pace, bool usual, uint64_t now_us);

/* Whether one may be refreshed now. */
bool refresh_pace_allows(struct refresh_pace *pace);

#endif
