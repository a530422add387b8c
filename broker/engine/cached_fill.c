/* What a load brings: stored, and passed on to all who wait for it. */
#include "broker/engine/cached.h"

#include "broker/engine/cached_own.h"
#include "broker/engine/foresee.h"
#include "broker/engine/value.h"
#include "broker/pool/listed_error.h"

/* Above this one more copy has to fit into limits.memory. */
#define SMALL_BYTES 4096

/* What all who wait for a flight get. */
struct share {
	const struct cache_value *value;
	struct cache_value turned; /* the same in the other encoding; absent: not so far */
	enum request_result result;
	const char *cache; /* NULL: as each says */
	bool aged;
	bool fresh; /* an entry that another has loaded meanwhile */
	uint64_t age_us;
	const struct connection *connection;
	uint64_t upstream_us;
	const char *reason;
};

/* Of a thousand who wait, the first turns it for all. Where it cannot be turned each is told so. */
static const struct cache_value *value_for(struct engine *engine, const struct exchange *exchange,
					   struct share *share)
{
	if (exchange->encoding == share->value->encoding)
		return share->value;
	if (!share->turned.bytes.at && value_turn(engine, share->value, &share->turned) != WSB_OK)
		return share->value;
	return &share->turned;
}

static void share_with(struct engine *engine, struct exchange *exchange, struct share *share,
		       uint64_t now_us)
{
	const struct explanation why = {
		.lane = exchange->lane,
		.exchange = exchange,
		.connection = share->connection,
		.upstream_us = share->upstream_us,
		.cache = share->cache,
		.aged = share->aged,
		.age_us = share->age_us,
		.reason = share->reason,
	};

	cached_leave(engine, exchange);
	if (share->cache)
		exchange->cache = share->cache;
	if (share->value->bytes.len > SMALL_BYTES &&
	    engine_buffer_bytes(engine) > engine->config->limits.memory_bytes)
		settle_error(engine, exchange, RESULT_OVERLOADED, "overloaded", "limits.memory",
			     now_us);
	else
		settle_shared(engine, exchange, value_for(engine, exchange, share), share->result,
			      &why, now_us);
}

static void share_with_all(struct engine *engine, struct flight *flight, struct share *share,
			   uint64_t now_us)
{
	struct list_node *node;

	while ((node = list_first(&flight->followers)))
		share_with(engine, list_entry(node, struct exchange, flight_link), share, now_us);
}

/* Forms of one's own may have no place for a result. */
static bool is_null(const struct message *answer)
{
	if (!answer->result.at)
		return answer->jsonrpc;
	return answer->encoding == ENCODING_JSON ? span_is(answer->result, "null")
						 : answer->result.at[0] == '\xc0';
}

static enum not_stored verdict_of(enum cache_verdict verdict)
{
	switch (verdict) {
	case CACHE_STORED:
		return NOT_STORED_REASONS;
	case CACHE_INVALIDATED_SINCE:
		return NOT_STORED_INVALIDATED;
	case CACHE_TOO_LARGE:
		return NOT_STORED_TOO_LARGE;
	case CACHE_TOO_MANY_TAGS:
	case CACHE_TAG_TOO_LONG:
		return NOT_STORED_TOO_MANY_TAGS;
	case CACHE_NO_ROOM:
		break;
	}
	return NOT_STORED_NO_ROOM;
}

/* The one place where an answer goes into the cache; NOT_STORED_REASONS: it has. */
static enum not_stored keep(struct engine *engine, const struct exchange *exchange,
			    const struct message *answer, const struct cache_value *value,
			    uint64_t upstream_us, uint64_t now_us)
{
	const struct cache_rule *rule = &exchange->route->cache;
	const struct flight *flight = exchange->flight;
	struct cached *cached = &engine->cached;
	struct tag_list *tags = &cached->tags;
	struct message request;

	if (answer->failed)
		return NOT_STORED_ERROR;
	/* It may have been sent since, so that what the review dropped says nothing of it. */
	if (exchange->config != engine->config ||
	    envelope_scan(engine->envelope, FROM_CLIENT, exchange->encoding,
			  span_of(exchange->text, exchange->len), &request))
		return NOT_STORED_RELOADED;
	if (flight->outdated || now_us - flight->began_us > cached->longest_us)
		return NOT_STORED_OUTDATED;
	if (!rule->allow_null && is_null(answer))
		return NOT_STORED_NULL_RESULT;
	switch (tag_templates_eval(rule->plan->tags, &request, answer,
				   engine->config->cache.store.max_tags, tags)) {
	case TAGS_OK:
		break;
	case TAGS_MISSING:
		return NOT_STORED_TAG_MISSING;
	case TAGS_TOO_MANY:
		return NOT_STORED_TOO_MANY_TAGS;
	case TAGS_NO_MEMORY:
		return NOT_STORED_NO_ROOM;
	}
	return verdict_of(
		cache_store(cached->cache,
			    &(struct cache_fill){
				    .key = flight_key(flight),
				    .method = request.method,
				    .tags = tags->tags,
				    .tag_count = tags->count,
				    .value = *value,
				    .frame_bytes = value->bytes.len - answer->result.len,
				    .clock = flight->clock,
				    .ttl_us = cache_rule_ttl_us(rule),
				    .stale_while_revalidate_us = rule->stale_while_revalidate_us,
				    .stale_if_error_us = rule->stale_if_error_us,
				    .weight = rule->weight,
				    .cost_us = upstream_us,
				    .prefetched = flight->purpose == FLIGHT_PREFETCH,
			    },
			    now_us));
}

static void keep_and_tell(struct engine *engine, struct exchange *exchange,
			  const struct message *answer, const struct cache_value *value,
			  uint64_t upstream_us, uint64_t now_us)
{
	struct cached *cached = &engine->cached;
	struct flight *flight = exchange->flight;
	enum not_stored reason = keep(engine, exchange, answer, value, upstream_us, now_us);

	if (reason == NOT_STORED_REASONS) {
		cached->stats.stored++;
		flight_stored(&cached->flights, flight);
		return;
	}
	cached->stats.not_stored[reason]++;
	exchange->cache_reason = not_stored_name(reason);
}

/* What may be served although it is stale, because nothing better is to be had. Of what the bus
 * leaves in doubt, only where the route has been told to cover for errors. */
static bool find_stale(struct engine *engine, const struct exchange *exchange, struct share *share,
		       struct cache_hit *hit, uint64_t now_us)
{
	const struct cache_rule *rule = &exchange->route->cache;
	bool trusted, fresh;

	cache_look(engine->cached.cache, flight_key(exchange->flight), exchange->encoding, false,
		   now_us, hit);
	trusted = cached_trusts(engine, rule->trust, hit, now_us);
	fresh = trusted && hit->state == CACHE_FRESH;
	*share = (struct share){
		.value = &hit->value,
		.result = RESULT_CACHED,
		.cache = fresh ? "hit" : "stale",
		.aged = true,
		.fresh = fresh,
		.age_us = hit->age_us,
	};
	if (rule->stale_if_error_us == 0 && !trusted)
		return false;
	/* Who asked for a new one wants no old one. */
	return hit->state != CACHE_ABSENT && exchange->cache != CACHED_REFRESHED;
}

/* Answers it, and all who wait for what it would have brought. False: not itself, for nobody waits
 * for it. */
static bool share_stale(struct engine *engine, struct exchange *exchange, struct share *share,
			uint64_t now_us)
{
	struct flight *flight = exchange->flight;
	uint64_t *count = &engine->cached.stats.stale_error;

	if (exchange->leads && flight->leaders.count == 1) {
		*count += share->fresh ? 0 : flight->followers.count;
		share_with_all(engine, flight, share, now_us);
	}
	if (!exchange->session && !exchange->batch)
		return false;
	*count += !share->fresh;
	share_with(engine, exchange, share, now_us);
	return true;
}

bool cached_rescue(struct engine *engine, struct exchange *exchange, enum request_result result,
		   uint64_t now_us)
{
	struct share share;
	struct cache_hit hit;

	if (result != RESULT_UNAVAILABLE && result != RESULT_UPSTREAM_LOST &&
	    result != RESULT_TIMEOUT && result != RESULT_OVERLOADED)
		return false;
	if (!find_stale(engine, exchange, &share, &hit, now_us))
		return false;
	share.reason = request_result_name(result);
	return share_stale(engine, exchange, &share, now_us);
}

/* An error that counts as a failure of its endpoint is no answer where a stale one is at hand. */
static bool rescue_from_answer(struct engine *engine, struct exchange *exchange,
			       const struct message *answer, const struct connection *connection,
			       uint64_t now_us)
{
	struct share share;
	struct cache_hit hit;

	if (!error_is_listed(&connection->pool->settings->ejection, answer) ||
	    !find_stale(engine, exchange, &share, &hit, now_us))
		return false;
	share.reason = "error";
	return share_stale(engine, exchange, &share, now_us);
}

static void foresee(struct engine *engine, const struct exchange *exchange,
		    const struct message *answer, uint64_t now_us)
{
	struct message request;

	if (engine->cached.prefetch && !answer->failed && exchange->config == engine->config &&
	    envelope_scan(engine->envelope, FROM_CLIENT, exchange->encoding,
			  span_of(exchange->text, exchange->len), &request) == WSB_OK)
		foresee_answered(engine, exchange, &request, answer, now_us);
}

bool cached_brought(struct engine *engine, struct exchange *exchange, const struct message *answer,
		    struct connection *connection, uint64_t upstream_us, uint64_t now_us)
{
	struct flight *flight = exchange->flight;
	struct cache_value value;
	struct share share = {
		.value = &value,
		.result = answer->failed ? RESULT_ERROR : RESULT_OK,
		.connection = connection,
		.upstream_us = upstream_us,
		.reason = "joined",
	};

	if (answer->failed && rescue_from_answer(engine, exchange, answer, connection, now_us))
		return true;
	/* Another still tries, and may do better. */
	if (answer->failed && flight->leaders.count > 1)
		return false;
	if (value_cut(engine, answer, &value) != WSB_OK) {
		exchange->cache_reason = "memory";
		return false;
	}
	keep_and_tell(engine, exchange, answer, &value, upstream_us, now_us);
	flight->open = false;
	share_with_all(engine, flight, &share, now_us);
	foresee(engine, exchange, answer, now_us);
	return false;
}
