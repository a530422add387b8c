#include "broker/engine/cached_own.h"

#include "broker/engine/affinity.h"
#include "broker/engine/dispatch.h"
#include "broker/engine/intake.h"
#include "common/map.h"

const char CACHED_REFRESHED[] = "refreshed";
const char CACHED_JOINED[] = "joined";

/* Uses that make an entry one that is asked for again and again. */
#define AHEAD_USES 3

/* After one that has come to nothing. */
#define REST_US US_PER_S

/* An exchange that repeats this request for nobody. NULL: not now. */
static struct exchange *own_exchange(struct engine *engine, const struct route_settings *route,
				     struct message *message, uint64_t now_us)
{
	struct lane *lane = engine->lanes[route->pool];
	struct exchange *exchange;

	if (request_keep(engine, &exchange, message))
		return NULL;
	engine_bind_route(engine, exchange, route);
	exchange->lane = lane;
	exchange->jsonrpc = message->jsonrpc;
	exchange->encoding = message->encoding;
	exchange->own = true;
	exchange->arrived_us = now_us;
	exchange->deadline_us = now_us + route->timeout_us;
	timerq_arm(&engine->timers, &exchange->timer, exchange->deadline_us);
	return exchange;
}

bool cached_is_loading(const struct engine *engine, struct span key)
{
	const struct cached *cached = &engine->cached;
	const struct flight *flight = flight_find(&cached->flights, key);

	return flight && flight_may_join(flight, cache_clock(cached->cache));
}

/* Clients go first: nothing of this waits for a place. Where clients stay on a connection, another
 * one of them might be answered there, as somebody else. */
bool cached_own_load(struct engine *engine, const struct route_settings *route,
		     struct message *message, struct span key, enum flight_purpose purpose,
		     uint64_t now_us)
{
	struct lane *lane = engine->lanes[route->pool];
	struct connection *connection;
	struct exchange *exchange;
	struct flight *flight;

	if (affinity_rules(lane) || engine->draining || lane->paused || lane->queue.count > 0 ||
	    !pool_has_room(lane->pool))
		return false;
	exchange = own_exchange(engine, route, message, now_us);
	if (!exchange)
		return false;
	if (flight_open(&flight, &engine->cached.flights, key, purpose, exchange) != WSB_OK ||
	    dispatch_lease(engine, exchange, now_us, &connection) != LEASE_OK) {
		settle_unheard(engine, exchange, now_us);
		return false;
	}
	return dispatch_send(engine, exchange, connection, now_us);
}

void cached_let_rest(struct engine *engine, const struct flight *flight)
{
	engine->cached.rests[flight->hash % CACHED_RESTS] = (struct cached_rest){
		.hash = flight->hash,
		.until_us = engine->ticked_us + REST_US,
	};
}

static bool rests(const struct cached *cached, struct span key, uint64_t now_us)
{
	uint64_t hash = hash_bytes(key, cached->flights.seed);
	const struct cached_rest *rest = &cached->rests[hash % CACHED_RESTS];

	return rest->hash == hash && now_us < rest->until_us;
}

void cached_renew(struct engine *engine, struct message *message,
		  const struct route_settings *route, const struct cached_look *look,
		  const struct cache_hit *hit, uint64_t now_us)
{
	struct cached_stats *stats = &engine->cached.stats;
	double threshold = route->cache.prefetch_threshold;
	enum flight_purpose purpose = FLIGHT_AHEAD;
	enum own_load kind = OWN_LOAD_AHEAD;

	if (hit->state == CACHE_STALE) {
		purpose = hit->soft ? FLIGHT_PACED : FLIGHT_REFRESH;
		kind = OWN_LOAD_STALE;
	} else if (threshold <= 0 || hit->hits < AHEAD_USES ||
		   (double)hit->age_us < threshold * (double)hit->ttl_us) {
		return;
	}
	/* Nobody waits for it, so one that began before something was invalidated does, too: else
	 * each invalidation of anything would begin one more. */
	if (flight_find(&engine->cached.flights, look->key) ||
	    rests(&engine->cached, look->key, now_us))
		return;
	if (purpose == FLIGHT_PACED && !refresh_pace_allows(&engine->cached.pace)) {
		stats->paced++;
		return;
	}
	if (cached_own_load(engine, route, message, look->key, purpose, now_us))
		stats->own_loads[kind]++;
}
