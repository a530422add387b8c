/* tests/sim/news.h: what upstreams tell on all of their connections. Each is handled once, whatever
 * becomes of the connection that is its pool's source; where one was lost, it may be missed or be
 * handled twice, and the broker knows that there is a gap. */
#ifndef WSB_TESTS_SIM_NEWS_H
#define WSB_TESTS_SIM_NEWS_H

#include <stdbool.h>
#include <stdint.h>
#include "common/span.h"

struct pool;
struct sim;
struct sim_upstream;

struct sim_news {
	const struct pool *pool;
	uint64_t gaps;	  /* of its pool, when it was told */
	uint32_t copies;  /* that are still on their way */
	uint32_t handled; /* how often */
	bool heard;	  /* there was a source, and nobody hung */
	bool excused;	  /* it took longer than what can be told apart, or its pool was gone */
};

void news_plan(struct sim *sim);
/* Somebody has news. */
void news_break(struct sim *sim);
/* These words are about to be heard as a whole, or never will be. The second is to be called after
 * that. */
void news_arrive(struct sim *sim);
void news_arrived(struct sim *sim, struct span words);
/* Time stood still, or these words are late: twins may be too far apart. */
void news_late(struct sim *sim, struct span words);
void news_all_late(struct sim *sim);
/* One that gives the role of the source, or gets it, ends. */
void news_upstream_ends(struct sim *sim, const struct sim_upstream *upstream);
/* Another configuration: of a pool that it does not have nobody wants to hear, even if the next one
 * has it again. */
void news_reloaded(struct sim *sim);
void news_free(struct sim *sim);

#endif
