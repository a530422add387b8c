#include "broker/pool/tunnel.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "broker/pool/health.h"
#include "broker/pool/states.h"

/* The cost of an endpoint that carries tunnels and was never seen to open one. */
#define COST_UNKNOWN 1e15

/* Of a new connect time in the average; a higher one replaces it at once. */
#define CONNECT_SHARE 0.25

enum wsb_err pool_tunnel_begin(struct tunnel **out, struct pool *pool, void *client)
{
	struct tunnel *tunnel;

	*out = NULL;
	if (!pool_has_tunnel_room(pool))
		return WSB_ELIMIT;
	tunnel = calloc(1, sizeof(*tunnel));
	if (!tunnel)
		return WSB_ENOMEM;
	tunnel->pool = pool;
	tunnel->client = client;
	list_node_init(&tunnel->link);
	list_append(&pool->tunnels, &tunnel->link);
	*out = tunnel;
	return WSB_OK;
}

bool endpoint_takes_tunnels(const struct endpoint *endpoint, uint64_t now_us)
{
	return endpoint_serves(endpoint) && !endpoint->down &&
	       now_us >= endpoint->backoff.not_before_us;
}

size_t pool_tunnel_endpoints(const struct pool *pool, uint64_t now_us)
{
	size_t count = 0;

	for (size_t i = 0; i < pool->endpoint_count; i++)
		count += endpoint_takes_tunnels(pool->endpoints[i], now_us);
	return count;
}

static bool was_tried(const struct tunnel *tunnel, const struct endpoint *endpoint)
{
	for (size_t i = 0; i < tunnel->tries; i++)
		if (tunnel->tried[i] == endpoint)
			return true;
	return false;
}

/* In which order endpoints are looked at; lower is better. */
enum { CLASS_NOBODY = 2000, CLASS_DOWN = 1000, CLASS_UNWELL = 500 };

static uint32_t class_of(const struct tunnel *tunnel, const struct endpoint *endpoint,
			 uint64_t now_us)
{
	if (!endpoint_serves(endpoint) || was_tried(tunnel, endpoint) ||
	    now_us < endpoint->backoff.not_before_us)
		return CLASS_NOBODY;
	if (!endpoint_takes_tunnels(endpoint, now_us))
		return endpoint->settings->tier + CLASS_DOWN;
	return endpoint->settings->tier + (endpoint_is_well(endpoint) ? 0 : CLASS_UNWELL);
}

static uint32_t best_class(const struct tunnel *tunnel, uint64_t now_us)
{
	uint32_t best = CLASS_NOBODY;

	if (tunnel->tries == TUNNEL_TRIES_MAX)
		return best;
	for (size_t i = 0; i < tunnel->pool->endpoint_count; i++) {
		uint32_t class = class_of(tunnel, tunnel->pool->endpoints[i], now_us);

		if (class < best)
			best = class;
	}
	return best;
}

bool pool_tunnel_may_dial(const struct tunnel *tunnel, uint64_t now_us)
{
	return best_class(tunnel, now_us) < CLASS_NOBODY;
}

static double cost_of(enum balancer_kind kind, const struct endpoint *endpoint)
{
	double tunnels = endpoint->tunnels;

	if (kind != BALANCER_PEAK_EWMA)
		return (tunnels + 1) / endpoint->weight;
	if (endpoint->connect_us <= 0)
		return tunnels * COST_UNKNOWN;
	return endpoint->connect_us * (tunnels + 1) / endpoint->weight;
}

/* Of those of this class; they are looked at from the rotor on, so that equals take turns. The
 * rules are those of broker/pool/balancer.h, over endpoints. */
static struct endpoint *choose(struct tunnel *tunnel, uint32_t class, uint64_t now_us)
{
	struct pool *pool = tunnel->pool;
	struct endpoint *best = NULL;
	uint64_t weights = 0;
	uint64_t start = pool->rotor++;

	for (size_t i = 0; i < pool->endpoint_count; i++) {
		struct endpoint *endpoint = pool->endpoints[(start + i) % pool->endpoint_count];
		bool better = !best;

		if (class_of(tunnel, endpoint, now_us) != class)
			continue;
		weights += endpoint->weight;
		if (pool->balancer == BALANCER_RANDOM) {
			better = rng_below(&pool->rng, weights) < endpoint->weight;
		} else if (pool->balancer == BALANCER_ROUND_ROBIN) {
			endpoint->tunnel_turn += endpoint->weight;
			better = better || endpoint->tunnel_turn > best->tunnel_turn;
		} else if (best) {
			better = cost_of(pool->balancer, endpoint) < cost_of(pool->balancer, best);
		}
		if (better)
			best = endpoint;
	}
	if (best && pool->balancer == BALANCER_ROUND_ROBIN)
		best->tunnel_turn -= (int64_t)weights;
	return best;
}

/* If it fails, another one is dialled: any client may try who was ejected. */
static struct endpoint *choose_for_trial(const struct tunnel *tunnel, uint64_t now_us)
{
	struct pool *pool = tunnel->pool;
	struct endpoint *endpoint = pool->trials > 0 ? health_trial(pool, true, now_us) : NULL;

	if (!endpoint || class_of(tunnel, endpoint, now_us) >= CLASS_DOWN)
		return NULL;
	endpoint->outlier.trials_given++;
	return endpoint;
}

bool pool_tunnel_dial(struct tunnel *tunnel, uint64_t now_us)
{
	uint32_t class = best_class(tunnel, now_us);
	struct endpoint *endpoint;

	assert(!tunnel->endpoint);
	if (class == CLASS_NOBODY)
		return false;
	endpoint = choose_for_trial(tunnel, now_us);
	if (!endpoint)
		endpoint = choose(tunnel, class, now_us);
	tunnel->tried[tunnel->tries++] = endpoint;
	tunnel->endpoint = endpoint;
	tunnel->id = (*tunnel->pool->next_connection_id)++;
	tunnel->since_us = now_us;
	endpoint->tunnels++;
	endpoint->stats.dials++;
	return true;
}

/* The client has been answered, so it was not for its sake that others broke off. */
static void blame_suspects(struct tunnel *tunnel, uint64_t now_us)
{
	struct pool *pool = tunnel->pool;

	for (size_t try = 0; try < tunnel->tries; try++) {
		if (!(tunnel->suspects & (1U << try)))
			continue;
		for (size_t i = 0; i < pool->endpoint_count; i++)
			if (pool->endpoints[i] == tunnel->tried[try])
				health_dial_failed(pool->endpoints[i], FAILURE_UPGRADE, 0, now_us);
	}
	tunnel->suspects = 0;
}

void pool_tunnel_opened(struct tunnel *tunnel, uint64_t now_us)
{
	struct endpoint *endpoint = tunnel->endpoint;
	double connect_us = (double)(now_us - tunnel->since_us) + 1;

	health_dialled(endpoint, now_us - tunnel->since_us, now_us);
	blame_suspects(tunnel, now_us);

	if (endpoint->connect_us <= 0 || connect_us > endpoint->connect_us)
		endpoint->connect_us = connect_us;
	else
		endpoint->connect_us += CONNECT_SHARE * (connect_us - endpoint->connect_us);
	tunnel->open = true;
	tunnel->since_us = now_us;
	endpoint->stats.requests++;
	endpoint_proved(endpoint, "opened", now_us);
}

static void leave_endpoint(struct tunnel *tunnel)
{
	if (!tunnel->endpoint)
		return;
	tunnel->endpoint->tunnels--;
	tunnel->endpoint = NULL;
	tunnel->open = false;
}

void pool_tunnel_failed(struct tunnel *tunnel, const char *reason, const char *text,
			uint64_t now_us)
{
	struct endpoint *endpoint = tunnel->endpoint;
	enum failure failure = failure_of_end(reason);
	bool ours = strcmp(reason, "asked") == 0;

	leave_endpoint(tunnel);
	endpoint_dial_failed(endpoint, reason, text, now_us);
	if (ours)
		health_untried(endpoint);
	else if (failure == FAILURE_UPGRADE)
		tunnel->suspects |= 1U << (tunnel->tries - 1);
	else
		health_dial_failed(endpoint, failure, now_us - tunnel->since_us, now_us);
}

void pool_tunnel_declined(struct tunnel *tunnel, bool unable, uint64_t now_us)
{
	struct endpoint *endpoint = tunnel->endpoint;
	uint64_t age_us = now_us - tunnel->since_us;

	leave_endpoint(tunnel);
	endpoint->stats.failures++;
	endpoint_proved(endpoint, "opened", now_us);
	if (unable)
		health_dial_failed(endpoint, FAILURE_UPGRADE, age_us, now_us);
	else
		health_dialled(endpoint, age_us, now_us);
	blame_suspects(tunnel, now_us);
}

void pool_tunnel_end(struct tunnel *tunnel, uint64_t now_us)
{
	struct pool *pool = tunnel->pool;

	if (tunnel->endpoint && !tunnel->open)
		health_untried(tunnel->endpoint);
	leave_endpoint(tunnel);
	list_remove(&pool->tunnels, &tunnel->link);
	free(tunnel);
	pool_upkeep(pool, now_us);
}

void pool_trial_answered(struct connection *connection, uint64_t now_us)
{
	connection->doom = "asked";
	endpoint_proved(connection->endpoint, "opened", now_us);
}
