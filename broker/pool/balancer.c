#include "broker/pool/balancer.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* The cost of a connection that has requests in flight and has never answered one: above any
 * that has, so that a newcomer which hangs does not gather the traffic of all. */
#define COST_UNKNOWN 1e15

/* What one pick chooses from. */
struct candidates {
	struct connection *const *ready;
	size_t count;
	const struct connection *const *avoid;
	size_t avoid_count;
	bool by_clients; /* what levels out are clients that stay, not requests */
};

/* A place in candidates.ready; NOBODY when there is none. */
#define NOBODY SIZE_MAX

const char *balancer_name(enum balancer_kind kind)
{
	switch (kind) {
	case BALANCER_ROUND_ROBIN:
		return "round-robin";
	case BALANCER_LEAST_CONNECTIONS:
		return "least-connections";
	case BALANCER_RANDOM:
		return "random";
	case BALANCER_PEAK_EWMA:
		return "peak-ewma";
	}
	return "unknown";
}

bool balancer_kind_named(const char *name, enum balancer_kind *out)
{
	for (int kind = BALANCER_ROUND_ROBIN; name && kind <= BALANCER_PEAK_EWMA; kind++) {
		if (strcmp(balancer_name((enum balancer_kind)kind), name) == 0) {
			*out = (enum balancer_kind)kind;
			return true;
		}
	}
	return false;
}

bool connection_is_full(const struct connection *connection)
{
	return connection->in_flight + connection->unread >= connection->max_in_flight ||
	       outbox_bytes(&connection->outbox) > CONNECTION_STALL_BYTES;
}

static bool qualifies(const struct candidates *of, const struct connection *connection)
{
	for (size_t i = 0; i < of->avoid_count; i++)
		if (of->avoid[i] == connection)
			return false;
	return !connection_is_full(connection);
}

static uint32_t load_of(const struct candidates *of, const struct connection *connection)
{
	return of->by_clients ? (uint32_t)connection->clients.count : connection->in_flight;
}

/* The connections of one endpoint stand side by side; this is how many follow from `at` on. */
static size_t run_length(const struct candidates *of, size_t at)
{
	size_t length = of->ready[at]->endpoint->ready;

	assert(length > 0 && length <= of->count - at);
	return length;
}

/* The first that qualifies in the run [at, at + length), looking from its offset on and around. */
static size_t run_pick(const struct candidates *of, size_t at, size_t length, size_t offset)
{
	if (offset >= length)
		offset = 0;
	for (size_t i = offset; i < length; i++)
		if (qualifies(of, of->ready[at + i]))
			return at + i;
	for (size_t i = 0; i < offset; i++)
		if (qualifies(of, of->ready[at + i]))
			return at + i;
	return NOBODY;
}

/* Smooth weighted round robin, as in nginx: each endpoint that can serve gains its weight, the
 * richest serves and pays what all gained. Within it the connections take turns. */
static struct connection *pick_round_robin(const struct candidates *of)
{
	struct endpoint *richest = NULL;
	size_t chosen = 0;
	size_t chosen_run = 0;
	int64_t gained = 0;
	size_t length;

	for (size_t at = 0; at < of->count; at += length) {
		struct endpoint *endpoint = of->ready[at]->endpoint;
		size_t place;

		length = run_length(of, at);
		place = run_pick(of, at, length, endpoint->next);
		if (place == NOBODY)
			continue;
		endpoint->turn += endpoint->weight;
		gained += endpoint->weight;
		if (richest && endpoint->turn <= richest->turn)
			continue;
		richest = endpoint;
		chosen = place;
		chosen_run = at;
	}
	if (!richest)
		return NULL;
	richest->turn -= gained;
	richest->next = (uint32_t)(chosen - chosen_run + 1);
	return of->ready[chosen];
}

/* An endpoint by weight among those that can serve, in one pass: each newcomer takes the choice
 * over with probability weight / weights so far. */
static struct connection *pick_random(const struct candidates *of, struct rng *rng)
{
	struct connection *chosen = NULL;
	uint64_t weights = 0;
	size_t length;

	for (size_t at = 0; at < of->count; at += length) {
		size_t place;
		uint32_t weight;

		length = run_length(of, at);
		place = run_pick(of, at, length, length > 1 ? rng_below(rng, length) : 0);
		if (place == NOBODY)
			continue;
		weight = of->ready[at]->endpoint->weight;
		weights += weight;
		if (!chosen || rng_below(rng, weights) < weight)
			chosen = of->ready[place];
	}
	return chosen;
}

/* Average answer time, fading while nothing is heard so that a slow one is tried again, times the
 * length of its line. 1 / (1 + t / tau) fades much as exp(-t / tau) does, and costs a division. */
static double ewma_cost(const struct candidates *of, const struct connection *connection,
			uint64_t now_us)
{
	const double tau_us = (double)BALANCER_EWMA_TAU_US;
	uint64_t silent_us = now_us > connection->ewma_at_us ? now_us - connection->ewma_at_us : 0;

	if (connection->ewma_us <= 0)
		return load_of(of, connection) * COST_UNKNOWN;
	return connection->ewma_us * tau_us / (tau_us + (double)silent_us) *
	       (load_of(of, connection) + 1.0);
}

/* The better of best (NULL: none yet) and all that qualify in [from, to); best keeps ties. */
static struct connection *fewest_in_flight(const struct candidates *of, size_t from, size_t to,
					   struct connection *best)
{
	for (size_t i = from; i < to; i++) {
		struct connection *connection = of->ready[i];

		if (best && load_of(of, connection) >= load_of(of, best))
			continue;
		if (!qualifies(of, connection))
			continue;
		best = connection;
		if (load_of(of, best) == 0)
			break;
	}
	return best;
}

static struct connection *lowest_cost(const struct candidates *of, size_t from, size_t to,
				      struct connection *best, uint64_t now_us)
{
	double best_cost = best ? ewma_cost(of, best, now_us) : 0;

	for (size_t i = from; i < to; i++) {
		struct connection *connection = of->ready[i];
		double cost = ewma_cost(of, connection, now_us);

		if (best && cost >= best_cost)
			continue;
		if (!qualifies(of, connection))
			continue;
		best = connection;
		best_cost = cost;
	}
	return best;
}

static struct connection *best_in(enum balancer_kind kind, const struct candidates *of, size_t from,
				  size_t to, struct connection *best, uint64_t now_us)
{
	if (kind == BALANCER_PEAK_EWMA)
		return lowest_cost(of, from, to, best, now_us);
	return fewest_in_flight(of, from, to, best);
}

/* The best of all, or, above BALANCER_SCAN_MAX, of two random ones; clients that stay come seldom
 * and shall spread evenly, so for them all are looked at. When neither of the two
 * qualifies, all are looked at after all: nobody waits while somebody has room. */
static struct connection *pick_best(enum balancer_kind kind, const struct candidates *of,
				    struct rng *rng, uint64_t *rotor, uint64_t now_us)
{
	struct connection *best = NULL;
	size_t start;

	if (of->count > BALANCER_SCAN_MAX && !of->by_clients) {
		size_t one = rng_below(rng, of->count);
		size_t two = rng_below(rng, of->count - 1);

		two += two >= one;
		best = best_in(kind, of, one, one + 1, NULL, now_us);
		best = best_in(kind, of, two, two + 1, best, now_us);
		if (best)
			return best;
	}
	start = (*rotor)++ % of->count;
	best = best_in(kind, of, start, of->count, NULL, now_us);
	return best_in(kind, of, 0, start, best, now_us);
}

static struct connection *pick(enum balancer_kind kind, const struct candidates *of,
			       struct rng *rng, uint64_t *rotor, uint64_t now_us)
{
	if (of->count == 0)
		return NULL;
	switch (kind) {
	case BALANCER_ROUND_ROBIN:
		return pick_round_robin(of);
	case BALANCER_RANDOM:
		return pick_random(of, rng);
	case BALANCER_LEAST_CONNECTIONS:
	case BALANCER_PEAK_EWMA:
		break;
	}
	return pick_best(kind, of, rng, rotor, now_us);
}

struct connection *balancer_pick(enum balancer_kind kind, struct connection *const *ready,
				 size_t count, const struct connection *const *avoid,
				 size_t avoid_count, struct rng *rng, uint64_t *rotor,
				 uint64_t now_us)
{
	const struct candidates of = {
		.ready = ready, .count = count, .avoid = avoid, .avoid_count = avoid_count};

	return pick(kind, &of, rng, rotor, now_us);
}

struct connection *balancer_pick_for_client(enum balancer_kind kind,
					    struct connection *const *ready, size_t count,
					    struct rng *rng, uint64_t *rotor, uint64_t now_us)
{
	const struct candidates of = {.ready = ready, .count = count, .by_clients = true};

	return pick(kind, &of, rng, rotor, now_us);
}

void balancer_observe(struct connection *connection, uint64_t latency_us, uint64_t now_us)
{
	double sample_us = (double)latency_us;

	if (sample_us >= connection->ewma_us) {
		connection->ewma_us = sample_us;
	} else {
		uint64_t at_us = connection->ewma_at_us;
		double passed_us = now_us > at_us ? (double)(now_us - at_us) : 0;
		double keep = exp(-passed_us / (double)BALANCER_EWMA_TAU_US);

		connection->ewma_us = connection->ewma_us * keep + sample_us * (1 - keep);
	}
	connection->ewma_at_us = now_us;
}
