/* broker/pool/health.h: who is well enough to carry requests, and how much of them. What answers,
 * timeouts, lost connections and probes show of an endpoint meets here.
 *
 * An endpoint is well while it is neither ejected nor on trial nor failed by its probe. Those that
 * are not well are passed over, unless fewer than half of their tier are: then it is panic, and all
 * are used. Whoever is used and seems sick (fails, or has gone silent) or has just come keeps only
 * a part of its share: its handicap. */
#ifndef WSB_BROKER_POOL_HEALTH_H
#define WSB_BROKER_POOL_HEALTH_H

#include <stdbool.h>
#include <stdint.h>
#include "broker/pool/pool.h"
#include "common/clock.h"

/* Connections that end within this time of each other have the same cause. */
#define HEALTH_BLOW_US (100 * US_PER_MS)

/* A server that says good-bye, to restart or because it wants nobody for long, is not sick. */
static inline bool connection_was_left_politely(const struct connection *connection)
{
	uint16_t code = connection->close_code;

	return code == 1000 || code == 1001 || code == 1012;
}

/* As far as its health goes: the only place that says so. */
static inline bool endpoint_is_well(const struct endpoint *endpoint)
{
	return endpoint->outlier.state == BREAKER_CLOSED && !endpoint->probe.failing;
}

/* What is behind health_good when the endpoint was not quite well. */
void health_mend(struct endpoint *endpoint, uint64_t latency_us, uint64_t now_us);

/* Each attempt has one of these two outcomes, or none (nobody waits for it any more).
 * Good: an answer came in time. On the path of every answer. */
static inline void health_good(struct endpoint *endpoint, uint64_t latency_us, uint64_t now_us)
{
	endpoint->unanswered = 0;
	endpoint->asked = 0;
	endpoint->pool->answered_us = now_us;
	outlier_good(&endpoint->outlier);
	recent_record(&endpoint->answers, latency_us);
	if (endpoint->unwell)
		health_mend(endpoint, latency_us, now_us);
}

/* Bad: it failed after having been out for age_us. With FAILURE_CLOSE it is only noted: the
 * connection that was lost counts as one failure, however many attempts were on it. */
void health_bad(struct endpoint *endpoint, enum failure failure, uint64_t age_us, uint64_t now_us);

/* What was given to it wants no answer. */
static inline void health_unasked(struct endpoint *endpoint)
{
	if (endpoint->asked > 0)
		endpoint->asked--;
}

/* An answer that nobody waited for any more: late, but it is not silent. */
void health_heard(struct endpoint *endpoint);

/* A connection of it has ended, not by our wish. Those that end at the same moment are one failure
 * together, and one that never carried requests is none (the endpoint backs off). */
void health_lost(struct connection *connection, const char *reason, bool carried, uint64_t now_us);

/* What became of a dial for a client of a session listener, after age_us: it was answered, or it
 * failed; failures of the same moment are one. untried: given up, nothing is known. */
void health_dialled(struct endpoint *endpoint, uint64_t age_us, uint64_t now_us);
void health_dial_failed(struct endpoint *endpoint, enum failure failure, uint64_t age_us,
			uint64_t now_us);
void health_untried(struct endpoint *endpoint);

/* The outcome of a probing call. */
void health_probed(struct endpoint *endpoint, enum probe_result result, uint64_t now_us);

/* It is not probed any more: what probes have said of it is forgotten. */
void health_unprobed(struct endpoint *endpoint, uint64_t now_us);

/* A connection became ready: slow start, if others carry requests already. */
void health_joined(struct connection *connection, uint64_t now_us);

/* Whether it is in slow start. */
bool health_is_ramping(const struct connection *connection, uint64_t now_us);

/* Lets time pass: ejections end, silence is noticed, shares come up. */
void health_upkeep(struct pool *pool, uint64_t now_us);

/* Whether some of this tier is ready, and fewer than half of its endpoints are well or none of
 * those is ready. */
bool health_is_panic(const struct pool *pool, uint32_t tier);

/* How many endpoints may be ejected at a time. */
uint32_t health_ejectable(const struct pool *pool);

/* The endpoint that a request shall try now, lowest tier first; NULL: none is on trial, or as many
 * try it as may. spare: the request is idempotent, so a failure does no harm; others only try one
 * for which no such came within a second. */
struct endpoint *health_trial(struct pool *pool, bool spare, uint64_t now_us);

#endif
