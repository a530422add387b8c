#include "broker/engine/refresh_pace.h"

#include "common/clock.h"

#define LOOK_US	     US_PER_S
#define SMOOTH_LATE  0.3 /* weight of the last second in what was loaded lately */
#define SMOOTH_USUAL 0.1
/* While much is stale, little is loaded for another reason: that must not slow its refresh down. */
#define SMOOTH_WANTED 0.01
#define BURST_S	      0.1
/* All together, of what is usual: twice would be too much, and no rate is known exactly. */
#define TOTAL_MAX 1.6
/* Of the time for which stale entries may be served: then all should have been refreshed. */
#define IN_TIME 0.95

void refresh_pace_init(struct refresh_pace *pace, uint64_t now_us)
{
	*pace = (struct refresh_pace){.turn_us = now_us, .look_us = now_us, .tokens = 1};
}

void refresh_pace_loaded(struct refresh_pace *pace)
{
	pace->loads++;
}

void refresh_pace_softened(struct refresh_pace *pace, size_t entries, uint64_t stale_us,
			   uint64_t now_us)
{
	if (stale_us == 0)
		return;
	if (pace->waves[0] == 0)
		pace->wave_us = now_us;
	pace->waves[0] += entries;
	pace->stale_us = stale_us;
	if (pace->few + entries > REFRESH_PACE_FEW)
		return;
	pace->few += entries;
	pace->leave += entries;
	if (pace->leave > REFRESH_PACE_FEW)
		pace->leave = REFRESH_PACE_FEW;
}

/* The lower of the two: a burst that has just begun is not usual yet, and one that is over is not
 * any more. */
static double usual_of(const struct refresh_pace *pace)
{
	return pace->lately < pace->usual ? pace->lately : pace->usual;
}

/* So that all are refreshed while they may be served. */
static double needed(const struct refresh_pace *pace)
{
	if (pace->stale_us == 0)
		return 0;
	return (double)(pace->waves[0] + pace->waves[1]) * (double)US_PER_S /
	       ((double)pace->stale_us * IN_TIME);
}

static double rate_of(const struct refresh_pace *pace)
{
	double usual = usual_of(pace);
	double most = TOTAL_MAX * usual - pace->latest;
	double rate = needed(pace);

	if (most < REFRESH_PACE_FEW)
		most = REFRESH_PACE_FEW;
	if (rate > most)
		rate = most;
	if (rate < usual)
		rate = usual;
	return rate > 1 ? rate : 1;
}

static void learn(double *average, double rate, bool wanted, double smooth)
{
	if (wanted && rate < *average)
		smooth = SMOOTH_WANTED;
	*average += smooth * (rate - *average);
}

static void look(struct refresh_pace *pace, bool usual, uint64_t now_us)
{
	pace->latest = (double)pace->loads * (double)US_PER_S / (double)(now_us - pace->look_us);
	if (usual) {
		learn(&pace->lately, pace->latest, pace->wanted, SMOOTH_LATE);
		learn(&pace->usual, pace->latest, pace->wanted, SMOOTH_USUAL);
	}
	pace->loads = 0;
	pace->wanted = false;
	pace->few = 0;
	pace->look_us = now_us;
}

static void add_tokens(struct refresh_pace *pace, uint64_t now_us)
{
	double rate = rate_of(pace);
	double most = 1 + rate * BURST_S;

	pace->tokens += rate * (double)(now_us - pace->turn_us) / (double)US_PER_S;
	if (pace->tokens > most)
		pace->tokens = most;
	pace->turn_us = now_us;
}

void refresh_pace_turn(struct refresh_pace *pace, bool usual, uint64_t now_us)
{
	add_tokens(pace, now_us);
	if (now_us - pace->look_us >= LOOK_US)
		look(pace, usual, now_us);
	if (now_us - pace->wave_us >= pace->stale_us) {
		pace->waves[1] = pace->waves[0];
		pace->waves[0] = 0;
		pace->wave_us = now_us;
		pace->leave = 0;
	}
}

bool refresh_pace_allows(struct refresh_pace *pace)
{
	pace->wanted = true;
	if (pace->leave > 0) {
		pace->leave--;
		return true;
	}
	if (pace->tokens < 1)
		return false;
	pace->tokens -= 1;
	return true;
}
