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
	struct balancer_avoid avoid;
	struct rng *rng;
	bool uneven;	 /* handicaps count */
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

static bool is_avoided(const struct balancer_avoid *avoid, const struct connection *connection)
{
	for (size_t i = 0; i < avoid->count; i++) {
		if (avoid->connections[i] == connection ||
		    (avoid->endpoints && avoid->endpoints[i] == connection->endpoint))
			return true;
	}
	return false;
}

/* Who has a handicap is let in as seldom as that says. */
static bool is_let_in(const struct candidates *of, uint32_t handicap)
{
	return handicap == 0 || rng_below(of->rng, HANDICAP_UNIT) >= handicap;
}

static bool qualifies(const struct candidates *of, const struct connection *connection)
{
	return !is_avoided(&of->avoid, connection) && !connection_is_full(connection);
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

/* The first that qualifies in the run [at, at + length), looking from its offset on and around;
 * newcomers are passed over as often as their handicap says, unless nobody else has room. */
static size_t run_pick(const struct candidates *of, size_t at, size_t length, size_t offset)
{
	size_t newcomer = NOBODY;

	if (offset >= length)
		offset = 0;
	for (size_t i = 0; i < length; i++) {
		size_t place = at + (offset + i) % length;
		const struct connection *connection = of->ready[place];

		if (!qualifies(of, connection))
			continue;
		if (!of->uneven || length == 1 || is_let_in(of, connection->handicap))
			return place;
		newcomer = place;
	}
	return newcomer;
}

/* Its weight in this choice, in parts of HANDICAP_UNIT. */
static uint32_t weight_of(const struct candidates *of, const struct endpoint *endpoint)
{
	return endpoint->weight * (HANDICAP_UNIT - (of->uneven ? endpoint->handicap : 0));
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
		endpoint->turn += weight_of(of, endpoint);
		gained += weight_of(of, endpoint);
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
static struct connection *pick_random(const struct candidates *of)
{
	struct connection *chosen = NULL;
	uint64_t weights = 0;
	size_t length;

	for (size_t at = 0; at < of->count; at += length) {
		size_t place;
		uint32_t weight;

		length = run_length(of, at);
		place = run_pick(of, at, length, length > 1 ? rng_below(of->rng, length) : 0);
		if (place == NOBODY)
			continue;
		weight = weight_of(of, of->ready[at]->endpoint);
		weights += weight;
		if (!chosen || rng_below(of->rng, weights) < weight)
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
	uint64_t least = best ? load_of(of, best) : UINT64_MAX;

	for (size_t i = from; i < to && least > 0; i++) {
		struct connection *connection = of->ready[i];

		if (load_of(of, connection) >= least || (of->uneven && connection->handicap) ||
		    !qualifies(of, connection))
			continue;
		best = connection;
		least = load_of(of, best);
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
		if ((of->uneven && connection->handicap) || !qualifies(of, connection))
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
static struct connection *pick_full_share(enum balancer_kind kind, const struct candidates *of,
					  uint64_t *rotor, uint64_t now_us)
{
	struct connection *best = NULL;
	size_t start;

	if (of->count > BALANCER_SCAN_MAX && !of->by_clients) {
		size_t one = rng_below(of->rng, of->count);
		size_t two = rng_below(of->rng, of->count - 1);

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

/* Those with a handicap are drawn by lot, so that each gets at most its part of an even share, and
 * serve when they are no worse than the best of the others: an idle one would otherwise draw
 * everything, be it new or quick to fail. */
static struct connection *pick_by_lot(enum balancer_kind kind, const struct candidates *of,
				      struct connection *best, uint64_t now_us)
{
	struct connection *drawn = of->ready[rng_below(of->rng, of->count)];

	if (drawn->handicap == 0 || !is_let_in(of, drawn->handicap) || !qualifies(of, drawn))
		return best;
	if (kind == BALANCER_PEAK_EWMA)
		return ewma_cost(of, drawn, now_us) <= ewma_cost(of, best, now_us) ? drawn : best;
	return load_of(of, drawn) <= load_of(of, best) ? drawn : best;
}

/* Nobody with a full share has room: a few lots, weighed by what the luckiest has, then anybody. */
static struct connection *pick_handicapped(enum balancer_kind kind, struct candidates *of,
					   uint64_t *rotor, uint64_t now_us)
{
	uint32_t least = HANDICAP_UNIT;

	for (size_t i = 0; i < of->count; i++) {
		if (of->ready[i]->handicap < least && qualifies(of, of->ready[i]))
			least = of->ready[i]->handicap;
	}
	for (size_t lots = 0; least < HANDICAP_UNIT && lots < 4 * of->count; lots++) {
		struct connection *drawn = of->ready[rng_below(of->rng, of->count)];

		if (rng_below(of->rng, HANDICAP_UNIT - least) < HANDICAP_UNIT - drawn->handicap &&
		    qualifies(of, drawn))
			return drawn;
	}
	of->uneven = false;
	return pick_full_share(kind, of, rotor, now_us);
}

static struct connection *pick_best(enum balancer_kind kind, struct candidates *of, uint64_t *rotor,
				    uint64_t now_us)
{
	struct connection *best = pick_full_share(kind, of, rotor, now_us);

	if (!of->uneven)
		return best;
	return best ? pick_by_lot(kind, of, best, now_us)
		    : pick_handicapped(kind, of, rotor, now_us);
}

static struct connection *pick(enum balancer_kind kind, struct candidates *of, uint64_t *rotor,
			       uint64_t now_us)
{
	if (of->count == 0)
		return NULL;
	switch (kind) {
	case BALANCER_ROUND_ROBIN:
		return pick_round_robin(of);
	case BALANCER_RANDOM:
		return pick_random(of);
	case BALANCER_LEAST_CONNECTIONS:
	case BALANCER_PEAK_EWMA:
		break;
	}
	return pick_best(kind, of, rotor, now_us);
}

static struct candidates candidates_of(const struct balancer_set *set, struct rng *rng)
{
	return (struct candidates){
		.ready = set->ready, .count = set->count, .uneven = set->uneven, .rng = rng};
}

struct connection *balancer_pick(enum balancer_kind kind, const struct balancer_set *set,
				 const struct balancer_avoid *avoid, struct rng *rng,
				 uint64_t *rotor, uint64_t now_us)
{
	struct candidates of = candidates_of(set, rng);

	if (avoid)
		of.avoid = *avoid;
	return pick(kind, &of, rotor, now_us);
}

struct connection *balancer_pick_for_client(enum balancer_kind kind, const struct balancer_set *set,
					    struct rng *rng, uint64_t *rotor, uint64_t now_us)
{
	struct candidates of = candidates_of(set, rng);

	of.by_clients = true;
	return pick(kind, &of, rotor, now_us);
}

bool balancer_may_pick(const struct connection *connection, const struct balancer_avoid *avoid)
{
	return !(avoid && is_avoided(avoid, connection)) && !connection_is_full(connection);
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
