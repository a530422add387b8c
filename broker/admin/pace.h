/* broker/admin/pace.h: how long the broker works for those who follow streams, before all others
 * have their turn. Pure.
 *
 * What one follower is given is bounded (FEED_STEP_BYTES), but there may be a thousand of them, and
 * each may ask for a day. So they are served one after another for a slice of time; who has not
 * been reached comes first in the next one, and as long as a slice took, so long nothing is done
 * for followers: half of the time at most is theirs. What took next to nothing is not counted, so
 * that a few followers hear everything at once. */
#ifndef WSB_BROKER_ADMIN_PACE_H
#define WSB_BROKER_ADMIN_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define PACE_SLICE_US UINT64_C(3000)
#define PACE_FREE_US  UINT64_C(300)

/* All zero in the beginning; times are monotonic. */
struct pace {
	uint64_t began_us;
	uint64_t rest_until_us;
};

/* Whether a slice may begin; it has, then. */
bool pace_begin(struct pace *pace, uint64_t now_us);
/* Whether the slice goes on. */
bool pace_goes_on(const struct pace *pace, uint64_t now_us);
void pace_end(struct pace *pace, uint64_t now_us);

#endif
