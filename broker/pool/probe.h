/* broker/pool/probe.h: the call that asks an endpoint whether it is well, and what its answers have
 * shown. Pure: who sends the call and reads the answer is the engine. (Pings are each connection's
 * own and end it when no pong comes.) */
#ifndef WSB_BROKER_POOL_PROBE_H
#define WSB_BROKER_POOL_PROBE_H

#include <stdbool.h>
#include <stdint.h>
#include "broker/pool/settings.h"
#include "common/rng.h"

/* As expected; an error or a result that is not; no answer within the timeout. */
#define PROBE_OUTCOMES(X) X(PASSED, "passed") X(REFUSED, "refused") X(LATE, "timeout")

enum probe_result {
#define X(name, text) PROBE_##name,
	PROBE_OUTCOMES(X)
#undef X
		PROBE_RESULTS
};
const char *probe_result_name(enum probe_result result);

/* All zero is a healthy endpoint that was never asked. */
struct probe {
	uint64_t due_us;  /* when to ask next */
	uint64_t sent_us; /* of the call under way; 0: none is */
	uint64_t id;	  /* its id */
	uint32_t failed;  /* in a row */
	uint32_t passed;  /* in a row */
	bool failing;	  /* as many failed as `fall` says, and not yet as many passed as `rise` */
	uint64_t rtt_us;  /* of the last answer; 0: none yet */
	uint64_t results[PROBE_RESULTS];
};

/* Whether endpoints are asked at all. */
static inline bool probe_is_wanted(const struct probe_settings *settings)
{
	return settings->method && settings->interval_us > 0;
}

/* Whether the call is due, and whether its answer is. */
bool probe_is_due(const struct probe *probe, const struct probe_settings *settings,
		  uint64_t now_us);
bool probe_is_late(const struct probe *probe, const struct probe_settings *settings,
		   uint64_t now_us);

/* A call has been sent with this id. */
void probe_sent(struct probe *probe, uint64_t id, uint64_t now_us);
/* The connection that it was sent on is gone, which is no answer: ask again. */
void probe_forget(struct probe *probe, uint64_t now_us);

/* It is not asked any more, so that nothing is known of it: healthy. */
void probe_stop(struct probe *probe);

enum probe_change { PROBE_STAYS, PROBE_FALLS, PROBE_RISES };
/* Its outcome. The next call is an interval away, give or take a tenth; a fifth of that while the
 * answers speak against the present state. */
enum probe_change probe_end(struct probe *probe, const struct probe_settings *settings,
			    enum probe_result result, uint64_t now_us, struct rng *rng);

#endif
