#include "broker/engine/resolving.h"

#include <stdio.h>
#include <string.h>
#include "broker/engine/upkeep.h"

/* A failed look-up is made again after this, or the interval where that is shorter; and one that
 * was never answered after the patience. */
#define AGAIN_US    (5 * US_PER_S)
#define PATIENCE_US (60 * US_PER_S)

/* An address that has gone waits so long for another endpoint to be ready. */
#define LEAVE_US (30 * US_PER_S)

#define NAME_MAX_BYTES 320

static bool stands_for_name(const struct endpoint *endpoint)
{
	return endpoint->settings->resolve.all && !endpoint->settings->address;
}

/* Whether this is one of the addresses that the other one stands for. */
static bool is_address_of(const struct endpoint *endpoint, const struct endpoint *name)
{
	size_t len = strlen(name->settings->name);

	return endpoint->settings->address && stands_for_name(name) &&
	       strncmp(endpoint->settings->name, name->settings->name, len) == 0 &&
	       endpoint->settings->name[len] == '@' &&
	       strcmp(endpoint->settings->url, name->settings->url) == 0;
}

/* The one whose address this is; NULL: it is nobody's. */
static struct endpoint *name_of(const struct endpoint *endpoint)
{
	const struct pool *pool = endpoint->pool;

	for (size_t i = 0; i < pool->endpoint_count; i++)
		if (is_address_of(endpoint, pool->endpoints[i]) &&
		    pool->endpoints[i]->wish != WISH_REMOVE)
			return pool->endpoints[i];
	return NULL;
}

static void look_up(struct engine *engine, struct endpoint *endpoint, uint64_t now_us)
{
	endpoint->look_up = ++engine->look_ups;
	endpoint->look_up_us = now_us;
	engine->ports->resolve(engine->ports->io, endpoint->look_up, endpoint->settings->host);
}

static void upkeep_name(struct engine *engine, struct endpoint *endpoint, uint64_t now_us)
{
	if (endpoint->wish == WISH_REMOVE)
		return;
	if (endpoint->look_up_us == 0)
		pool_set_wish(endpoint, WISH_MAINT, "each of its addresses is an endpoint", now_us);
	else if (endpoint->look_up ? now_us < endpoint->look_up_us + PATIENCE_US
				   : now_us < endpoint->look_up_us)
		return;
	look_up(engine, endpoint, now_us);
}

static void leave(struct endpoint *endpoint, uint64_t now_us)
{
	if (!endpoint->leaving)
		endpoint->leaving_us = now_us;
	endpoint->leaving = true;
}

/* It goes when another one can serve: make before break. */
static void upkeep_address(struct endpoint *endpoint, uint64_t now_us)
{
	if (!name_of(endpoint))
		leave(endpoint, now_us);
	if (!endpoint->leaving || endpoint->wish == WISH_REMOVE)
		return;
	if (pool_can_do_without(endpoint) || now_us >= endpoint->leaving_us + LEAVE_US)
		pool_set_wish(endpoint, WISH_REMOVE, "the name has this address no more", now_us);
}

void resolving_upkeep(struct engine *engine, struct pool *pool, uint64_t now_us)
{
	for (size_t i = 0; i < pool->endpoint_count; i++) {
		struct endpoint *endpoint = pool->endpoints[i];

		if (stands_for_name(endpoint))
			upkeep_name(engine, endpoint, now_us);
		else if (endpoint->settings->address)
			upkeep_address(endpoint, now_us);
	}
}

static struct endpoint *find_look_up(const struct engine *engine, uint64_t look_up)
{
	for (size_t lane = 0; lane < engine->lane_count; lane++) {
		const struct pool *pool = engine->lanes[lane]->pool;

		for (size_t i = 0; i < pool->endpoint_count; i++)
			if (pool->endpoints[i]->look_up == look_up)
				return pool->endpoints[i];
	}
	return NULL;
}

static void join(struct engine *engine, const struct endpoint *name, const char *address,
		 uint64_t now_us)
{
	struct endpoint_settings settings = *name->settings;
	char text[NAME_MAX_BYTES];
	struct endpoint *known;

	if (endpoint_refuses(name, address))
		return;
	snprintf(text, sizeof(text), "%s@%s", name->settings->name, address);
	known = pool_find_endpoint(name->pool, text);
	if (known && known->wish == WISH_REMOVE && known->leaving)
		pool_set_wish(known, WISH_SERVE, "the name has this address again", now_us);
	if (known) {
		known->leaving = false;
		return;
	}
	settings.name = text;
	settings.address = address;
	if (pool_add_endpoint(name->pool, &settings, now_us) != WSB_OK)
		log_event(engine->log, LOG_ERROR, "pool.endpoint.memory",
			  log_text("pool", name->pool->settings->name), log_text("endpoint", text));
}

enum wsb_err resolving_removed(struct endpoint *endpoint)
{
	struct endpoint *name = name_of(endpoint);

	return name ? endpoint_refuse(name, endpoint->settings->address) : WSB_OK;
}

void resolving_wanted(struct endpoint *endpoint)
{
	struct endpoint *name = name_of(endpoint);

	if (name)
		endpoint_admit(name, endpoint->settings->address);
}

bool resolving_add(struct engine *engine, struct pool *pool, const char *endpoint, const char *url,
		   uint64_t now_us)
{
	if (!endpoint || !url || pool_find_endpoint(pool, endpoint))
		return false;
	for (size_t i = 0; i < pool->endpoint_count; i++) {
		struct endpoint *name = pool->endpoints[i];
		size_t len = strlen(name->settings->name);

		if (name->wish == WISH_REMOVE || strcmp(url, name->settings->url) != 0 ||
		    strncmp(endpoint, name->settings->name, len) != 0 || endpoint[len] != '@' ||
		    !endpoint_admit(name, endpoint + len + 1))
			continue;
		join(engine, name, endpoint + len + 1, now_us);
		return true;
	}
	return false;
}

static bool is_among(const char *address, const char *const *addresses, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(addresses[i], address) == 0)
			return true;
	return false;
}

static void look_up_failed(struct endpoint *endpoint, const char *error, uint64_t now_us)
{
	uint64_t again_us = endpoint->settings->resolve.interval_us;

	if (again_us == 0 || again_us > AGAIN_US)
		again_us = AGAIN_US;
	endpoint->look_up_us = now_us + again_us;
	snprintf(endpoint->last_error, sizeof(endpoint->last_error), "dns: %s", error);
	endpoint->stats.by_kind[FAILURE_DNS]++;
	pool_report_endpoint(endpoint, &(struct pool_change){
					       .type = "endpoint.look_up_failed",
					       .level = LOG_WARN,
					       .reason = "dns",
					       .detail = error,
					       .now_us = now_us,
				       });
}

void engine_resolved(struct engine *engine, uint64_t look_up, const char *const *addresses,
		     size_t count, const char *error, uint64_t now_us)
{
	struct endpoint *name = find_look_up(engine, look_up);
	uint64_t interval_us;
	struct pool *pool;

	if (!name)
		return;
	name->look_up = 0;
	if (count == 0) {
		look_up_failed(name, error, now_us);
		return;
	}
	interval_us = name->settings->resolve.interval_us;
	name->look_up_us = interval_us > 0 ? now_us + interval_us - interval_us / 10 +
						     rng_below(&engine->rng, interval_us / 5 + 1)
					   : UINT64_MAX;
	pool = name->pool;
	for (size_t i = 0; i < count; i++)
		join(engine, name, addresses[i], now_us);
	for (size_t i = 0; i < pool->endpoint_count; i++) {
		struct endpoint *endpoint = pool->endpoints[i];

		if (is_address_of(endpoint, name) &&
		    !is_among(endpoint->settings->address, addresses, count))
			leave(endpoint, now_us);
	}
	engine_leave(engine, now_us);
}
