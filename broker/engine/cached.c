#include "broker/engine/cached.h"

#include "broker/engine/affinity.h"
#include "broker/engine/bus.h"
#include "broker/engine/cached_own.h"
#include "broker/engine/dispatch.h"
#include "broker/engine/failover.h"
#include "broker/engine/foresee.h"
#include "broker/engine/value.h"

/* Above this a hit waits for memory like everything else does. */
#define SMALL_BYTES 4096

#define LONGEST_LOAD_US (60 * US_PER_S)

/* A request may say that it waits longer: then what it brings is not stored. */
static void set_longest(struct cached *cached, const struct config *config)
{
	if (cached->longest_us < LONGEST_LOAD_US)
		cached->longest_us = LONGEST_LOAD_US;
	/* Twice: a follower may lead anew at the end of the first leader's time. Never less than
	 * before, for the sake of what is under way. */
	for (size_t i = 0; i < config->route_count; i++)
		if (config->routes[i].cache.enabled &&
		    cached->longest_us < 2 * config->routes[i].timeout_us)
			cached->longest_us = 2 * config->routes[i].timeout_us;
	cache_set_longest_load(cached->cache, cached->longest_us);
}

/* The predictor has its share of cache.memory. */
static struct cache_settings settings_of(const struct config *config)
{
	struct cache_settings settings = config->cache.store;

	settings.set_aside_bytes = foresee_bytes(config);
	return settings;
}

/* The shortest of all routes that serve what is stale: by then it should have been refreshed. */
static void set_stale(struct cached *cached, const struct config *config)
{
	cached->stale_us = 0;
	for (size_t i = 0; i < config->route_count; i++) {
		const struct cache_rule *rule = &config->routes[i].cache;
		uint64_t stale_us = rule->stale_while_revalidate_us;

		if (rule->enabled && stale_us > 0 &&
		    (cached->stale_us == 0 || stale_us < cached->stale_us))
			cached->stale_us = stale_us;
	}
}

enum wsb_err cached_init(struct engine *engine)
{
	const struct cache_settings settings = settings_of(engine->config);
	struct cached *cached = &engine->cached;
	enum wsb_err err;

	fingerprint_init(&cached->key);
	tag_list_init(&cached->tags, rng_next(&engine->rng));
	timerq_init(&cached->slow, engine->started_us);
	refresh_pace_init(&cached->pace, engine->started_us);
	err = claims_init(&cached->claims, rng_next(&engine->rng));
	if (err == WSB_OK)
		err = flights_init(&cached->flights, rng_next(&engine->rng));
	if (err == WSB_OK)
		err = cache_create(&cached->cache, &settings, rng_next(&engine->rng));
	if (err == WSB_OK)
		set_longest(cached, engine->config);
	set_stale(cached, engine->config);
	return err ? err : foresee_configure(engine);
}

void cached_fini(struct engine *engine)
{
	struct cached *cached = &engine->cached;

	foresee_fini(engine);
	claims_fini(&cached->claims);
	flights_fini(&cached->flights);
	cache_destroy(cached->cache);
	fingerprint_fini(&cached->key);
	tag_list_fini(&cached->tags);
	strbuf_fini(&cached->value);
	strbuf_fini(&cached->turned);
	strbuf_fini(&cached->text);
}

void cached_configure(struct engine *engine)
{
	const struct cache_settings settings = settings_of(engine->config);
	struct cached *cached = &engine->cached;

	set_longest(cached, engine->config);
	set_stale(cached, engine->config);
	if (cache_configure(cached->cache, &settings) != WSB_OK ||
	    foresee_configure(engine) != WSB_OK)
		log_event(engine->log, LOG_ERROR, "cache.memory",
			  log_text("limit", "cache.memory"));
}

static void refuse_not_cached(struct engine *engine, const struct caller *caller, struct lane *lane)
{
	engine->cached.stats.not_cached++;
	settle_refuse(engine, caller, lane, RESULT_NOT_CACHED, "not_cached", NULL, NULL);
}

/* Answers with the entry, and has it refreshed when it is time. */
static void serve(struct engine *engine, const struct caller *caller, struct message *message,
		  const struct route_settings *route, const struct request_options *options,
		  const struct cached_look *look, const struct cache_hit *hit, uint64_t now_us)
{
	struct lane *lane = engine->lanes[route->pool];
	const struct cache_value *value = &hit->value;
	bool fresh = hit->state == CACHE_FRESH;
	struct cache_value turned;
	const struct explanation why = {
		.lane = lane,
		.cache = fresh ? "hit" : "stale",
		.aged = true,
		.age_us = hit->age_us,
		.reason = hit->reason,
	};

	/* Whoever does not read what it is sent gets no more out of the cache either. */
	if (engine->upstreams_paused && hit->value.bytes.len > SMALL_BYTES) {
		settle_refuse(engine, caller, lane, RESULT_OVERLOADED, "overloaded", NULL,
			      "limits.memory");
		return;
	}
	if (fresh)
		engine->cached.stats.hits++;
	else
		engine->cached.stats.stale++;
	/* What both kinds of clients ask for is turned into the other encoding once. */
	if (hit->value.encoding != caller->encoding &&
	    value_turn(engine, &hit->value, &turned) == WSB_OK) {
		cache_keep_other(engine->cached.cache, look->key, &turned, now_us);
		value = &turned;
	}
	settle_hit(engine, caller, lane, value, &why, options->explain);
	cached_renew(engine, message, route, look, hit, now_us);
	foresee_after(engine, caller->session, message, now_us);
}

/* Whether the entry may be served to this request. */
static bool may_serve(const struct engine *engine, const struct route_settings *route,
		      const struct request_options *options, const struct cache_hit *hit)
{
	if (hit->state == CACHE_FRESH)
		return true;
	/* A stale one has to be refreshed by somebody else than its client, which cannot be where
	 * clients stay on a connection of theirs. */
	return hit->state == CACHE_STALE && options->cache != CACHE_ONLY &&
	       !affinity_rules(engine->lanes[route->pool]);
}

/* The key of a request, and what may be said against it. */
static bool make_key(struct engine *engine, const struct caller *caller,
		     const struct message *message, struct cached_look *look)
{
	const struct session *session = caller->session;
	/* Who comes with one POST never asks again as the same: nobody would find his entry. */
	const struct cache_asker asker = {
		.identity = session->identity ? span_text(session->identity) : span_of(NULL, 0),
		.connection = session->kind == SESSION_WEBSOCKET ? session->id : 0,
	};
	enum cache_key_verdict verdict =
		cache_key_make(look->plan, message, asker, &engine->cached.key);

	look->key = fingerprint_bytes(&engine->cached.key);
	look->load = verdict == CACHE_KEY_OK;
	look->reason = cache_key_verdict_text(verdict);
	if (look->load)
		return true;
	look->word = "uncacheable";
	engine->cached.stats.uncacheable++;
	return false;
}

/* Whether the cache may be looked into at all. */
static bool may_look(struct engine *engine, const struct caller *caller,
		     const struct message *message, const struct request_options *options,
		     struct cached_look *look)
{
	struct cached_stats *stats = &engine->cached.stats;

	look->word = "bypass";
	look->reason = "asked";
	if (!caller->wants_answer)
		return false;
	if (options->cache == CACHE_BYPASS) {
		stats->bypasses++;
		return false;
	}
	if (!make_key(engine, caller, message, look))
		return false;
	if (options->cache != CACHE_REFRESH)
		return true;
	look->anew = true;
	look->word = CACHED_REFRESHED;
	look->reason = "asked";
	stats->refreshes++;
	return false;
}

bool cached_answers(struct engine *engine, const struct caller *caller, struct message *message,
		    const struct route_settings *route, const struct request_options *options,
		    struct cached_look *look, uint64_t now_us)
{
	struct cached *cached = &engine->cached;
	struct cache_hit hit;

	*look = (struct cached_look){.plan = route->cache.plan};
	if (may_look(engine, caller, message, options, look)) {
		cache_look(cached->cache, look->key, caller->encoding, true, now_us, &hit);
		if (!cached_trusts(engine, route->cache.trust, &hit, now_us)) {
			hit.reason = "suspect";
			/* What is under way may have begun before something unknown. */
			look->anew = route->cache.trust == TRUST_ASK;
		} else if (may_serve(engine, route, options, &hit)) {
			serve(engine, caller, message, route, options, look, &hit, now_us);
			return true;
		}
		cached->stats.misses++;
		look->word = "miss";
		look->reason = hit.reason;
	}
	if (options->cache == CACHE_ONLY)
		refuse_not_cached(engine, caller, engine->lanes[route->pool]);
	return options->cache == CACHE_ONLY;
}

/* When a flight is too slow for who waits for it. A route that is idempotent has its own second
 * attempt before. Never now: whoever gives a request a microsecond is looked at once a tick. */
static uint64_t patience_us(const struct exchange *follower)
{
	uint64_t wait_us = dispatch_attempt_us(follower) * (follower->route->idempotent ? 2 : 1);

	return wait_us > US_PER_MS ? wait_us : US_PER_MS;
}

static void watch_flight(struct engine *engine, struct flight *flight, uint64_t from_us)
{
	struct list_node *first = list_first(&flight->followers);

	if (first && !timer_is_armed(&flight->timer))
		timerq_arm(&engine->cached.slow, &flight->timer,
			   from_us + patience_us(list_entry(first, struct exchange, flight_link)));
}

void cached_load(struct engine *engine, struct exchange *exchange, const struct cached_look *look,
		 uint64_t now_us)
{
	struct cached *cached = &engine->cached;
	struct flight *flight = NULL;

	exchange->cache = look->word;
	exchange->cache_reason = look->reason;
	if (!look->load) {
		dispatch_exchange(engine, exchange, false, now_us);
		return;
	}
	if (!look->anew)
		flight = flight_find(&cached->flights, look->key);
	if (flight && flight_may_join(flight, cache_clock(cached->cache))) {
		cached->stats.joined++;
		exchange->cache = CACHED_JOINED;
		exchange->state = EXCHANGE_SHARED;
		flight_join(&cached->flights, flight, exchange);
		if (flight->order > 0)
			watch_flight(engine, flight, flight->began_us);
		return;
	}
	/* Without memory for a flight it is a request like others. */
	if (flight_open(&flight, &cached->flights, look->key, FLIGHT_MISS, exchange) != WSB_OK)
		exchange->cache_reason = "memory";
	dispatch_exchange(engine, exchange, false, now_us);
}

void cached_sent(struct engine *engine, struct exchange *exchange, uint64_t now_us)
{
	struct cached *cached = &engine->cached;
	struct flight *flight = exchange->flight;

	if (flight->order > 0)
		return;
	flight_begin(&cached->flights, flight, cache_clock(cached->cache), now_us);
	if (flight->purpose != FLIGHT_PACED)
		refresh_pace_loaded(&cached->pace);
	if (flight->purpose != FLIGHT_PREFETCH)
		foresee_paid(engine);
	watch_flight(engine, flight, now_us);
}

void cached_leave(struct engine *engine, struct exchange *exchange)
{
	struct cached *cached = &engine->cached;

	if (exchange->own && !exchange->flight->outdated)
		cached_let_rest(engine, exchange->flight);
	if (flight_ends_with(exchange))
		timerq_disarm(&cached->slow, &exchange->flight->timer);
	flight_leave(&cached->flights, exchange);
}

static void lead(struct engine *engine, struct exchange *exchange, uint64_t now_us)
{
	engine->cached.stats.led_anew++;
	exchange->cache = "miss";
	exchange->cache_reason = "led_anew";
	exchange->state = EXCHANGE_ACCEPTED;
	dispatch_exchange(engine, exchange, false, now_us);
}

/* Whether it has waited as long for a place as anybody may: the leader did, in vain. */
static bool has_queued_out(const struct flight *flight, const struct exchange *follower,
			   uint64_t now_us)
{
	const struct lane *lane = follower->lane;

	return flight->order == 0 && !lane->paused &&
	       now_us - follower->arrived_us >= lane->pool->settings->queue.age_us;
}

void cached_lead(struct engine *engine, uint64_t now_us)
{
	struct flights *flights = &engine->cached.flights;
	struct flight *flight;

	/* Each turn takes a follower out of a flight or makes it a leader, so this ends. */
	while ((flight = flights_next_lost(flights))) {
		struct exchange *follower =
			list_entry(list_first(&flight->followers), struct exchange, flight_link);
		bool out = has_queued_out(flight, follower, now_us);
		struct exchange *exchange = flight_lead_anew(flights, flight);

		if (out)
			failover_queue_age(engine, exchange, now_us);
		else
			lead(engine, exchange, now_us);
	}
}

static void lead_slow(struct engine *engine, struct flight *flight, uint64_t now_us)
{
	struct exchange *exchange = flight_lead_anew(&engine->cached.flights, flight);

	watch_flight(engine, flight, now_us);
	if (exchange)
		lead(engine, exchange, now_us);
}

/* Until all has been read that was missed, what others invalidate may not be known here. Who stood
 * still finds that it has been so for a while. */
void cached_watch_bus(struct engine *engine, uint64_t now_us)
{
	enum bus_state state = engine_bus_state(engine, now_us);
	uint64_t *suspect_us = &engine->cached.suspect_us;
	uint64_t silent_us;

	if (state == BUS_EMBEDDED || state == BUS_LIVE) {
		*suspect_us = 0;
	} else if (*suspect_us == 0) {
		silent_us = bus_known_us(engine->bus, now_us) + BUS_SILENCE_US;
		*suspect_us = silent_us < now_us ? silent_us : now_us;
	}
}

void cached_tick(struct engine *engine, uint64_t now_us)
{
	struct cached *cached = &engine->cached;
	struct timer *timer;

	while ((timer = timerq_pop(&cached->slow, now_us)))
		lead_slow(engine, list_entry(timer, struct flight, timer), now_us);
	cached_lead(engine, now_us);
	cached_watch_bus(engine, now_us);
	claims_upkeep(&cached->claims, now_us);
	/* What is asked for because the cache is not trusted is no measure of what is usual. */
	refresh_pace_turn(&cached->pace, cached->suspect_us == 0, now_us);
	cache_upkeep(cached->cache, now_us);
	foresee_tick(engine, now_us);
}
