#include "broker/engine/refresh_pace.h"

#include "common/clock.h"

#define LOOK_US	     US_PER_S
#define SMOOTH_LATE  0.3 /* weight of the last second in what was loaded lately */
#define SMOOTH_USUAL 0.1
/* While much is stale, little is loaded for another reason: that must not slow its refresh down. */
#define SMOOTH_WANTED 0.01
#define BURST_S	      0.1

void refresh_pace_init(struct refresh_pace *pace, uint64_t now_us)
{
	*pace = (struct refresh_pace){.turn_us = now_us, .look_us = now_us, .tokens = 1};
}

void refresh_pace_loaded(struct refresh_pace *pace)
{
	pace->loads++;
}

/* The lower of the two: a burst that has just begun is not usual yet, and one that is over is not
 * any more. */
static double rate_of(const struct refresh_pace *pace)
{
	double rate = pace->lately < pace->usual ? pace->lately : pace->usual;

	return rate > REFRESH_PACE_LEAST ? rate : REFRESH_PACE_LEAST;
}

static void learn(double *average, double rate, double smooth, bool wanted)
{
	if (wanted && rate < *average)
		smooth = SMOOTH_WANTED;
	*average += smooth * (rate - *average);
}

void refresh_pace_turn(struct refresh_pace *pace, bool usual, uint64_t now_us)
{
	uint64_t since_us = now_us - pace->look_us;
	double loaded, rate = rate_of(pace);
	double most = 1 + rate * BURST_S;

	pace->tokens += rate * (double)(now_us - pace->turn_us) / (double)US_PER_S;
	if (pace->tokens > most)
		pace->tokens = most;
	pace->turn_us = now_us;
	if (since_us < LOOK_US)
		return;
	loaded = (double)pace->loads * (double)US_PER_S / (double)since_us;
	if (usual) {
		learn(&pace->lately, loaded, SMOOTH_LATE, pace->wanted);
		learn(&pace->usual, loaded, SMOOTH_USUAL, pace->wanted);
	}
	pace->loads = 0;
	pace->wanted = false;
	pace->look_us = now_us;
}

bool refresh_pace_allows(struct refresh_pace *pace)
{
	pace->wanted = true;
	if (pace->tokens < 1)
		return false;
	pace->tokens -= 1;
	return true;
}
