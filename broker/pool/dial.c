#include "broker/pool/dial.h"

#include <stdlib.h>
#include "broker/pool/states.h"
#include "common/clock.h"

/* The burst and the steady pace are chosen so that burst - 1 + pace is connect_rate: that is the
 * most that any second can see. */
static double dial_burst(uint32_t connect_rate)
{
	uint32_t burst = connect_rate / 10;

	return burst > 1 ? burst : 1;
}

static void refill_dial_tokens(struct pool *pool, uint64_t now_us)
{
	double burst = dial_burst(pool->settings->connect_rate);
	double pace = pool->settings->connect_rate - (burst - 1);

	if (now_us <= pool->dial_tokens_at_us)
		return;
	pool->dial_tokens += pace * (double)(now_us - pool->dial_tokens_at_us) / (double)US_PER_S;
	if (pool->dial_tokens > burst)
		pool->dial_tokens = burst;
	pool->dial_tokens_at_us = now_us;
}

void pool_begin_pace(struct pool *pool, uint64_t now_us)
{
	pool->dial_tokens = dial_burst(pool->settings->connect_rate);
	pool->dial_tokens_at_us = now_us;
}

static bool wants_dial(const struct endpoint *endpoint, uint64_t now_us)
{
	return endpoint->open < endpoint->desired + endpoint->extra &&
	       now_us >= endpoint->backoff.not_before_us;
}

/* Who has no connection yet comes first, then the lower tier, then who has less of its share. */
static bool dials_before(const struct endpoint *a, const struct endpoint *b)
{
	if ((a->open == 0) != (b->open == 0))
		return a->open == 0;
	if (a->settings->tier != b->settings->tier)
		return a->settings->tier < b->settings->tier;
	return (uint64_t)a->open * b->desired < (uint64_t)b->open * a->desired;
}

static struct endpoint *next_endpoint(struct pool *pool, uint64_t now_us)
{
	struct endpoint *next = NULL;

	for (size_t i = 0; i < pool->endpoint_count; i++) {
		struct endpoint *endpoint = pool->endpoints[i];

		if (wants_dial(endpoint, now_us) && (!next || dials_before(endpoint, next)))
			next = endpoint;
	}
	return next;
}

/* Room in the array for one more, so that nothing can fail when it is ready. */
static bool reserve_ready(struct pool *pool)
{
	size_t capacity = pool->ready_capacity * 2;
	struct connection **ready;

	if (pool->connections < pool->ready_capacity)
		return true;
	ready = realloc(pool->ready, capacity * sizeof(*ready));
	if (!ready)
		return false;
	pool->ready = ready;
	pool->ready_capacity = capacity;
	return true;
}

/* Whether a connection for pushes alone is wanted and not there yet, or to be replaced. */
static bool lacks_dedicated(const struct pool *pool)
{
	if (pool->settings->push_source != PUSH_SOURCE_DEDICATED)
		return false;
	for (size_t state = 0; state < CONNECTION_DRAINING; state++) {
		list_each(&pool->states[state], node) {
			const struct connection *connection =
				list_entry(node, struct connection, state_link);

			if (connection->dedicated && !connection->stale)
				return false;
		}
	}
	return true;
}

/* Where it goes: to an endpoint that has a ready connection already, of the lowest tier. */
static struct endpoint *endpoint_for_dedicated(struct pool *pool, uint64_t now_us)
{
	struct endpoint *best = NULL;

	for (size_t i = 0; i < pool->endpoint_count; i++) {
		struct endpoint *endpoint = pool->endpoints[i];

		if (endpoint_serves(endpoint) && endpoint->ready > 0 &&
		    now_us >= endpoint->backoff.not_before_us &&
		    (!best || endpoint->settings->tier < best->settings->tier))
			best = endpoint;
	}
	return best;
}

struct connection *pool_next_dial(struct pool *pool, uint64_t now_us)
{
	bool dedicated = lacks_dedicated(pool);
	struct endpoint *endpoint = dedicated ? endpoint_for_dedicated(pool, now_us) : NULL;
	struct connection *connection = NULL;
	bool paced = pool->settings->connect_rate > 0;

	if (!endpoint) {
		dedicated = false;
		endpoint = next_endpoint(pool, now_us);
	}
	if (!endpoint)
		return NULL;
	refill_dial_tokens(pool, now_us);
	if (paced && pool->dial_tokens < 1)
		return NULL;
	if (reserve_ready(pool))
		connection = connection_begin(endpoint, dedicated, now_us);
	if (!connection) {
		log_event(pool->log, LOG_ERROR, "pool.dial.memory",
			  log_text("pool", pool->settings->name),
			  log_text("endpoint", endpoint->settings->name));
		return NULL;
	}
	if (paced)
		pool->dial_tokens -= 1;
	return connection;
}
