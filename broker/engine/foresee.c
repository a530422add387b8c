#include "broker/engine/foresee.h"

#include "broker/cache/prefetch.h"
#include "broker/engine/affinity.h"
#include "broker/engine/cached_own.h"

/* What may be learnt, as a share of cache.memory, within bounds. It is set aside from the start,
 * though no memory is touched before there is something to learn. */
#define SHARE	  16
#define BYTES_MAX (UINT64_C(16) << 20)

/* Requests a second that are learnt from. Learning costs more than a hit does; where there are
 * more, some clients are followed as before and the others not at all, since half of what one asks
 * would teach things that are not so. */
#define FOLLOWED_PER_S 4000
#define FOLLOW_LOOK_US (100 * US_PER_MS)

/* Guesses that may have been saved up. */
#define TOKENS_MAX 50.0

uint64_t foresee_bytes(const struct config *config)
{
	const struct prefetch_settings *settings = &config->cache.prefetch;
	uint64_t bytes = config->cache.store.memory_bytes / SHARE;

	if (!settings->predictive || settings->budget <= 0)
		return 0;
	if (bytes < PREFETCH_BYTES_MIN)
		return PREFETCH_BYTES_MIN;
	return bytes < BYTES_MAX ? bytes : BYTES_MAX;
}

enum wsb_err foresee_configure(struct engine *engine)
{
	struct cached *cached = &engine->cached;
	uint64_t bytes = foresee_bytes(engine->config);
	enum wsb_err err;

	if (bytes == cached->prefetch_bytes)
		return WSB_OK;
	/* With another size all is learnt anew. */
	foresee_fini(engine);
	if (bytes == 0)
		return WSB_OK;
	err = prefetch_create(&cached->prefetch, bytes, rng_next(&engine->rng));
	cached->follow_every = 1;
	cached->prefetch_bytes = err ? 0 : bytes;
	return err;
}

void foresee_fini(struct engine *engine)
{
	prefetch_destroy(engine->cached.prefetch);
	engine->cached.prefetch = NULL;
	engine->cached.prefetch_bytes = 0;
}

void foresee_paid(struct engine *engine)
{
	struct cached *cached = &engine->cached;

	cached->guess_tokens += engine->config->cache.prefetch.budget;
	if (cached->guess_tokens > TOKENS_MAX)
		cached->guess_tokens = TOKENS_MAX;
}

static struct cache_asker asker_of(const struct session *session)
{
	return (struct cache_asker){
		.identity = session->identity ? span_text(session->identity) : span_of(NULL, 0),
		.connection = session->id,
	};
}

/* At most half of what the connections may carry at once, so that clients find the rest free. */
static bool has_room(const struct lane *lane)
{
	const struct pool *pool = lane->pool;

	return 2 * (uint64_t)pool->in_flight <
	       (uint64_t)pool->ready_count * pool->settings->max_in_flight;
}

/* The cached route that the guess would take; NULL: none. */
static const struct route_settings *route_of(const struct engine *engine, struct span method)
{
	const struct route_settings *route = route_find(engine->routes, method);

	if (!route || !route->cache.enabled || route->action != ROUTE_FORWARD)
		return NULL;
	return affinity_rules(engine->lanes[route->pool]) ? NULL : route;
}

static void follow_guess(struct engine *engine, const struct session *session,
			 const struct prefetch_guess *guess, uint64_t now_us)
{
	struct cached *cached = &engine->cached;
	const struct route_settings *route;
	struct message message;
	struct cache_hit hit;

	if (cached->guess_tokens < 1 ||
	    envelope_scan(engine->envelope, FROM_CLIENT, guess->encoding, guess->text, &message) ||
	    message.flaw != FLAW_NONE || !message.method.at)
		return;
	route = route_of(engine, message.method);
	if (!route || !has_room(engine->lanes[route->pool]) ||
	    cache_key_make(route->cache.plan, &message, asker_of(session), &cached->key) !=
		    CACHE_KEY_OK)
		return;
	cache_look(cached->cache, fingerprint_bytes(&cached->key), message.encoding, false, now_us,
		   &hit);
	if (hit.state == CACHE_FRESH || cached_is_loading(engine, fingerprint_bytes(&cached->key)))
		return;
	if (!cached_own_load(engine, route, &message, fingerprint_bytes(&cached->key),
			     FLIGHT_PREFETCH, now_us))
		return;
	cached->guess_tokens -= 1;
	cached->stats.own_loads[OWN_LOAD_PREFETCH]++;
	prefetch_issued(cached->prefetch, guess->rule, cache_key_common(&cached->key), now_us);
}

static void follow_guesses(struct engine *engine, const struct session *session,
			   const struct prefetch_guess *guesses, size_t count, uint64_t now_us)
{
	for (size_t i = 0; i < count; i++)
		follow_guess(engine, session, &guesses[i], now_us);
}

/* Who comes with one POST has no next request. */
static bool is_followed(const struct engine *engine, const struct session *session)
{
	return engine->cached.prefetch && session && session->kind == SESSION_WEBSOCKET &&
	       session->id % engine->cached.follow_every == 0;
}

void foresee_tick(struct engine *engine, uint64_t now_us)
{
	struct cached *cached = &engine->cached;
	uint64_t since_us = now_us - cached->follow_us;

	if (!cached->prefetch)
		return;
	prefetch_upkeep(cached->prefetch, now_us);
	if (since_us < FOLLOW_LOOK_US)
		return;
	cached->follow_every = 1 + cached->follow_asked * US_PER_S / (since_us * FOLLOWED_PER_S);
	cached->follow_asked = 0;
	cached->follow_us = now_us;
}

void foresee_after(struct engine *engine, struct session *session, struct message *message,
		   uint64_t now_us)
{
	struct prefetch_guess guesses[PREFETCH_GUESSES];
	struct cached *cached = &engine->cached;
	const struct prefetch_request request = {
		.client = session->id,
		.common = cache_key_common(&cached->key),
		.message = message,
	};

	cached->follow_asked++;
	if (is_followed(engine, session))
		follow_guesses(engine, session, guesses,
			       prefetch_note(cached->prefetch, &request, now_us, guesses), now_us);
}

void foresee_answered(struct engine *engine, const struct exchange *exchange,
		      struct message *request, const struct message *answer, uint64_t now_us)
{
	const struct session *session = exchange->session;
	struct prefetch_guess guesses[PREFETCH_GUESSES];
	struct cached *cached = &engine->cached;
	struct prefetch_request asked = {.message = request};

	if (!is_followed(engine, session) ||
	    cache_key_make(exchange->route->cache.plan, request, asker_of(session), &cached->key) !=
		    CACHE_KEY_OK)
		return;
	asked.client = session->id;
	asked.common = cache_key_common(&cached->key);
	follow_guesses(engine, session, guesses,
		       prefetch_answered(cached->prefetch, &asked, answer, now_us, guesses),
		       now_us);
}
