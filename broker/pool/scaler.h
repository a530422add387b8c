/* broker/pool/scaler.h: how many connections a pool should have for the load that it sees. Pure
 * arithmetic; whoever owns the pool samples, asks once a second and resizes.
 *
 * The load is what is in flight and what waits, its mean over a second. Up fast: as soon as a
 * second needs more than there is, to what it needs, at most to twice the size. Down slowly: once
 * nothing has changed for cool_down, to what the busiest second of that time needs with a tenth to
 * spare, and by at most half of the surplus (but by one). */
#ifndef WSB_BROKER_POOL_SCALER_H
#define WSB_BROKER_POOL_SCALER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCALER_PERIOD_US UINT64_C(1000000)

struct scaler {
	/* Of the present second. */
	uint64_t began_us; /* 0: not yet */
	uint64_t samples;
	double in_flight_sum;
	double queued_sum;
	/* Since the size changed last, or the size was looked at last for being too large. */
	uint64_t quiet_us; /* when that was; 0: never */
	double peak;	   /* load of the busiest second since */
};

struct scaler_bounds {
	uint32_t min;
	uint32_t max;
	double target;		/* utilisation to aim at, 0..1 */
	uint32_t max_in_flight; /* of one connection */
	uint64_t cool_down_us;
};

enum scaler_why {
	SCALER_STAY,
	SCALER_BELOW_MIN,
	SCALER_ABOVE_MAX,
	SCALER_BUSY,  /* utilisation above the target */
	SCALER_QUEUE, /* requests wait although every connection is there */
	SCALER_IDLE,  /* utilisation has long been below it */
};
const char *scaler_why_name(enum scaler_why why);

/* What is decided, and from what. */
struct scaler_decision {
	enum scaler_why why;
	uint32_t size;	  /* the new one */
	double in_flight; /* means of the second */
	double queued;
	double utilisation; /* load by capacity */
	double peak;	    /* load of the busiest second since the last change */
};

/* Call often: each tick. */
void scaler_sample(struct scaler *scaler, uint32_t in_flight, size_t queued, uint64_t now_us);

/* The size changed by other hands, or nobody looked for a while: begin anew. */
void scaler_reset(struct scaler *scaler, uint64_t now_us);

/* Once a second true, with a decision. ready: connections that carry requests now. */
bool scaler_decide(struct scaler *scaler, const struct scaler_bounds *bounds, uint32_t size,
		   size_t ready, uint64_t now_us, struct scaler_decision *decision);

#endif
