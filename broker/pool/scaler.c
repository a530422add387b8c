#include "broker/pool/scaler.h"

#include <math.h>

/* Down only when a tenth less than the target would still be enough: the way up begins above the
 * target, so no size can be left both ways. */
#define SCALER_SPARE 0.9

/* This many wait on average before it is more than a hiccup. */
#define SCALER_QUEUE_MIN 1.0

const char *scaler_why_name(enum scaler_why why)
{
	static const char *const names[] = {
		[SCALER_STAY] = "stay",		  [SCALER_BELOW_MIN] = "below_min",
		[SCALER_ABOVE_MAX] = "above_max", [SCALER_BUSY] = "busy",
		[SCALER_QUEUE] = "queue",	  [SCALER_IDLE] = "idle",
	};

	return names[why];
}

void scaler_sample(struct scaler *scaler, uint32_t in_flight, size_t queued, uint64_t now_us)
{
	if (scaler->began_us == 0)
		scaler_reset(scaler, now_us);
	scaler->samples++;
	scaler->in_flight_sum += in_flight;
	scaler->queued_sum += (double)queued;
}

static void begin_second(struct scaler *scaler, uint64_t now_us)
{
	scaler->began_us = now_us;
	scaler->samples = 0;
	scaler->in_flight_sum = 0;
	scaler->queued_sum = 0;
}

void scaler_reset(struct scaler *scaler, uint64_t now_us)
{
	begin_second(scaler, now_us);
	scaler->quiet_us = now_us;
	scaler->peak = 0;
}

/* Connections that carry this load when each is filled to this share. */
static uint32_t size_for(const struct scaler_bounds *bounds, double load, double share)
{
	double size = ceil(load / (bounds->max_in_flight * share));

	if (size < bounds->min)
		return bounds->min;
	return size > bounds->max ? bounds->max : (uint32_t)size;
}

static void decide_up(const struct scaler_bounds *bounds, uint32_t size, size_t ready,
		      struct scaler_decision *decision)
{
	uint32_t need = size_for(bounds, decision->in_flight + decision->queued, bounds->target);

	if (need > size) {
		decision->why = SCALER_BUSY;
		decision->size = need > size * 2 ? size * 2 : need;
	} else if (decision->queued >= SCALER_QUEUE_MIN && ready >= size && size < bounds->max) {
		decision->why = SCALER_QUEUE;
		decision->size = size + 1;
	}
}

static void decide_down(const struct scaler_bounds *bounds, uint32_t size,
			struct scaler_decision *decision)
{
	uint32_t need = size_for(bounds, decision->peak, bounds->target * SCALER_SPARE);
	uint32_t surplus = size > need ? size - need : 0;

	if (surplus == 0)
		return;
	decision->why = SCALER_IDLE;
	decision->size = size - (surplus / 2 > 1 ? surplus / 2 : 1);
}

bool scaler_decide(struct scaler *scaler, const struct scaler_bounds *bounds, uint32_t size,
		   size_t ready, uint64_t now_us, struct scaler_decision *decision)
{
	double load;

	if (scaler->samples == 0 || now_us - scaler->began_us < SCALER_PERIOD_US)
		return false;
	*decision = (struct scaler_decision){
		.size = size,
		.in_flight = scaler->in_flight_sum / (double)scaler->samples,
		.queued = scaler->queued_sum / (double)scaler->samples,
	};
	load = decision->in_flight + decision->queued;
	decision->utilisation = load / ((double)size * bounds->max_in_flight);
	if (load > scaler->peak)
		scaler->peak = load;
	decision->peak = scaler->peak;
	begin_second(scaler, now_us);

	if (size < bounds->min || size > bounds->max) {
		decision->why = size < bounds->min ? SCALER_BELOW_MIN : SCALER_ABOVE_MAX;
		decision->size = size < bounds->min ? bounds->min : bounds->max;
	} else {
		decide_up(bounds, size, ready, decision);
	}
	if (decision->why == SCALER_STAY && now_us - scaler->quiet_us >= bounds->cool_down_us) {
		decide_down(bounds, size, decision);
		scaler->quiet_us = now_us;
		scaler->peak = 0;
	}
	if (decision->why != SCALER_STAY)
		scaler_reset(scaler, now_us);
	return true;
}
