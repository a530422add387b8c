#include "broker/pool/outlier.h"

#include <assert.h>
#include <string.h>
#include "common/clock.h"

/* How far one outcome moves badness. A quarter: four failures in a row leave a third of it unsaid;
 * a sixteenth: a mostly good endpoint is soon believed again. */
#define BADNESS_RISE 0.25
#define BADNESS_FALL 0.0625
#define BADNESS_NIL  0.01 /* less than this is none */
#define BADNESS_KEPT 0.9  /* from one slot to the next, when nothing is heard */

/* Trials that never came to an outcome (their clients went away) are given anew after this. */
#define TRIAL_PATIENCE_US (30 * US_PER_S)

static const char *const names[FAILURE_KINDS] = {
#define X(name, text) [FAILURE_##name] = (text),
	FAILURES(X)
#undef X
};

const char *failure_name(enum failure failure)
{
	return names[failure];
}

enum failure failure_of_end(const char *reason)
{
	for (enum failure failure = FAILURE_DNS; failure <= FAILURE_PROBE; failure++)
		if (strcmp(names[failure], reason) == 0)
			return failure;
	return FAILURE_CLOSE;
}

void outlier_mend(struct outlier *outlier)
{
	outlier->badness -= outlier->badness * BADNESS_FALL;
	if (outlier->badness < BADNESS_NIL)
		outlier->badness = 0;
}

void outlier_bad(struct outlier *outlier, enum failure failure)
{
	outlier->last = failure;
	if (outlier->in_a_row < UINT32_MAX)
		outlier->in_a_row++;
	outlier->slots[outlier->at].bad++;
	outlier->badness += (1 - outlier->badness) * BADNESS_RISE;
}

struct outlier_slot outlier_window(const struct outlier *outlier)
{
	struct outlier_slot sum = {0};

	for (size_t i = 0; i < OUTLIER_SLOTS; i++) {
		sum.good += outlier->slots[i].good;
		sum.bad += outlier->slots[i].bad;
	}
	return sum;
}

bool outlier_is_due(const struct outlier *outlier, const struct ejection_settings *settings)
{
	struct outlier_slot sum;
	uint64_t all;

	if (outlier->state != BREAKER_CLOSED)
		return false;
	if (settings->consecutive > 0 && outlier->in_a_row >= settings->consecutive)
		return true;
	if (settings->ratio <= 0)
		return false;
	sum = outlier_window(outlier);
	all = (uint64_t)sum.good + sum.bad;
	return sum.bad > 0 && all >= settings->min_requests &&
	       (double)sum.bad >= settings->ratio * (double)all;
}

static uint64_t ejection_us(const struct outlier *outlier, const struct ejection_settings *settings,
			    struct rng *rng)
{
	uint64_t most_us =
		settings->max_us > settings->base_us ? settings->max_us : settings->base_us;
	uint64_t time_us = settings->base_us < most_us / outlier->ejections
				   ? settings->base_us * outlier->ejections
				   : most_us;

	return time_us - time_us / 10 + rng_below(rng, time_us / 5 + 1);
}

void outlier_open(struct outlier *outlier, const struct ejection_settings *settings,
		  uint64_t now_us, struct rng *rng)
{
	assert(outlier->state != BREAKER_OPEN);
	outlier->state = BREAKER_OPEN;
	if (outlier->ejections < UINT32_MAX)
		outlier->ejections++;
	outlier->until_us = now_us + ejection_us(outlier, settings, rng);
}

static void begin_round(struct outlier *outlier, uint64_t now_us)
{
	outlier->trial_us = now_us;
	outlier->trials_given = 0;
	outlier->trials_passed = 0;
}

void outlier_try(struct outlier *outlier, uint64_t now_us)
{
	assert(outlier->state == BREAKER_OPEN);
	outlier->state = BREAKER_TRIAL;
	begin_round(outlier, now_us);
}

bool outlier_wants_trial(const struct outlier *outlier)
{
	return outlier->state == BREAKER_TRIAL && outlier->trials_given < OUTLIER_TRIALS;
}

bool outlier_trial_passed(struct outlier *outlier)
{
	assert(outlier->state == BREAKER_TRIAL);
	return ++outlier->trials_passed >= OUTLIER_TRIALS;
}

void outlier_close(struct outlier *outlier, const struct ejection_settings *settings,
		   uint64_t now_us)
{
	assert(outlier->state == BREAKER_TRIAL);
	outlier->state = BREAKER_CLOSED;
	outlier->in_a_row = 0;
	outlier->badness = 0;
	memset(outlier->slots, 0, sizeof(outlier->slots));
	outlier->calm_us = now_us + settings->base_us;
}

static void turn_slot(struct outlier *outlier, uint64_t slot_us, uint64_t now_us)
{
	uint64_t passed = (now_us - outlier->slot_end_us) / slot_us + 1;

	for (uint64_t i = 0; i < passed && i < OUTLIER_SLOTS; i++) {
		outlier->at = (outlier->at + 1) % OUTLIER_SLOTS;
		outlier->slots[outlier->at] = (struct outlier_slot){0};
	}
	for (uint64_t i = 0; i < passed && outlier->badness > 0; i++) {
		outlier->badness *= BADNESS_KEPT;
		if (outlier->badness < BADNESS_NIL)
			outlier->badness = 0;
	}
	outlier->slot_end_us += passed * slot_us;
}

void outlier_turn(struct outlier *outlier, const struct ejection_settings *settings,
		  uint64_t now_us)
{
	uint64_t slot_us = settings->window_us / OUTLIER_SLOTS + 1;

	if (outlier->slot_end_us == 0)
		outlier->slot_end_us = now_us + slot_us;
	if (now_us >= outlier->slot_end_us)
		turn_slot(outlier, slot_us, now_us);
	if (outlier->state == BREAKER_CLOSED && outlier->ejections > 0 &&
	    now_us >= outlier->calm_us) {
		outlier->ejections--;
		outlier->calm_us = now_us + settings->base_us;
	}
	if (outlier->state == BREAKER_TRIAL && now_us >= outlier->trial_us + TRIAL_PATIENCE_US)
		begin_round(outlier, now_us);
}
