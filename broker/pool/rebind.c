#include "broker/pool/rebind.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "broker/pool/health.h"
#include "broker/pool/members.h"

static bool same_address(const struct endpoint_settings *a, const struct endpoint_settings *b)
{
	return a->tls == b->tls && a->port == b->port && strcmp(a->host, b->host) == 0 &&
	       strcmp(a->path, b->path) == 0;
}

static bool same_text(const char *a, const char *b)
{
	return !a || !b ? a == b : strcmp(a, b) == 0;
}

static bool same_json(const json_t *a, const json_t *b)
{
	return !a || !b ? a == b : json_equal(a, b);
}

static bool same_greeting(const struct pool_settings *a, const struct pool_settings *b)
{
	if (a->on_connect_count != b->on_connect_count)
		return false;
	for (size_t i = 0; i < a->on_connect_count; i++) {
		const struct greeting_step *x = &a->on_connect[i];
		const struct greeting_step *y = &b->on_connect[i];

		if (!same_text(x->send, y->send) || !same_json(x->expect, y->expect) ||
		    !same_json(x->reject, y->reject) || x->timeout_us != y->timeout_us ||
		    x->push_source != y->push_source)
			return false;
	}
	return true;
}

static const struct endpoint_settings *settings_of(const struct pool_settings *settings,
						   const char *name)
{
	for (size_t i = 0; i < settings->endpoint_count; i++)
		if (strcmp(settings->endpoints[i].name, name) == 0)
			return &settings->endpoints[i];
	return NULL;
}

/* The endpoint goes on as this; one that is about to be removed does not. */
static bool stays_as(const struct endpoint *endpoint, const struct endpoint_settings *settings)
{
	return endpoint->wish != WISH_REMOVE && settings &&
	       strcmp(endpoint->settings->name, settings->name) == 0 &&
	       same_address(endpoint->settings, settings);
}

static bool is_there(const struct pool *pool, const struct endpoint_settings *settings)
{
	for (size_t i = 0; i < pool->endpoint_count; i++)
		if (stays_as(pool->endpoints[i], settings))
			return true;
	return false;
}

bool pool_may_rebind(const struct pool *pool, const struct pool_settings *settings)
{
	const struct pool_settings *now = pool->settings;

	return now->encoding == settings->encoding && now->tunnels == settings->tunnels &&
	       now->affinity == settings->affinity && now->push_source == settings->push_source;
}

enum wsb_err pool_rebind_prepare(struct pool_rebind *out, struct pool *pool,
				 const struct pool_settings *settings, uint64_t now_us)
{
	struct pool_rebind rebind = {.pool = pool, .settings = settings};

	*out = (struct pool_rebind){0};
	assert(pool_may_rebind(pool, settings));
	rebind.greeting_changed = !same_greeting(pool->settings, settings);
	rebind.joining = calloc(settings->endpoint_count + 1, sizeof(struct endpoint *));
	if (!rebind.joining || members_reserve(pool, settings->endpoint_count)) {
		pool_rebind_drop(&rebind);
		return WSB_ENOMEM;
	}
	for (size_t i = 0; i < settings->endpoint_count; i++) {
		struct endpoint *endpoint;

		if (is_there(pool, &settings->endpoints[i]))
			continue;
		endpoint = endpoint_create(pool, &settings->endpoints[i], now_us);
		if (!endpoint) {
			pool_rebind_drop(&rebind);
			return WSB_ENOMEM;
		}
		rebind.joining[rebind.joining_count++] = endpoint;
	}
	*out = rebind;
	return WSB_OK;
}

void pool_rebind_drop(struct pool_rebind *rebind)
{
	for (size_t i = 0; i < rebind->joining_count; i++)
		endpoint_destroy(rebind->joining[i]);
	free(rebind->joining);
	*rebind = (struct pool_rebind){0};
}

/* Its name belongs to its successor from now on. */
static void give_name_away(struct endpoint *endpoint)
{
	struct endpoint_settings *settings = (struct endpoint_settings *)endpoint->settings;

	snprintf(endpoint->alias, sizeof(endpoint->alias), "%.60s~%u", settings->name,
		 ++endpoint->pool->aliases);
	settings->name = endpoint->alias;
}

static bool says_the_same(const struct endpoint_settings *a, const struct endpoint_settings *b)
{
	return a->tier == b->tier && a->weight == b->weight && a->wish == b->wish &&
	       a->resolve.all == b->resolve.all && a->resolve.interval_us == b->resolve.interval_us;
}

static void update_endpoint(struct endpoint *endpoint, const struct endpoint_settings *next,
			    uint64_t now_us)
{
	struct endpoint_settings *settings = (struct endpoint_settings *)endpoint->settings;

	if (!says_the_same(settings, next))
		endpoint_admit_all(endpoint);
	settings->wish = next->wish;
	if (settings->tier != next->tier) {
		settings->tier = next->tier;
		endpoint->pool->ready_stale = true;
	}
	settings->weight = next->weight;
	pool_set_weight(endpoint, next->weight, now_us);
	if (settings->resolve.all && !next->resolve.all)
		endpoint->look_up_us = endpoint->look_up = 0; /* it serves itself again */
	settings->resolve.all = next->resolve.all;
	/* The next look-up may be far off, or was never to come. */
	if (settings->resolve.interval_us != next->resolve.interval_us && endpoint->look_up_us &&
	    !endpoint->look_up)
		endpoint->look_up_us = now_us;
	settings->resolve.interval_us = next->resolve.interval_us;
	/* One that stands for its addresses serves nobody, whatever the file says. */
	if (!settings->resolve.all && endpoint->wish != next->wish)
		pool_set_wish(endpoint, next->wish, "reload", now_us);
}

static void update_endpoints(struct pool *pool, const struct pool_settings *next, uint64_t now_us)
{
	for (size_t i = 0; i < pool->endpoint_count; i++) {
		struct endpoint *endpoint = pool->endpoints[i];
		const struct endpoint_settings *settings =
			settings_of(next, endpoint->settings->name);

		if (!probe_is_wanted(&next->probe))
			health_unprobed(endpoint, now_us);
		/* An address of a name stays for as long as the name has it. */
		if (endpoint->settings->address)
			continue;
		if (stays_as(endpoint, settings)) {
			update_endpoint(endpoint, settings, now_us);
			continue;
		}
		if (settings)
			give_name_away(endpoint);
		if (endpoint->wish != WISH_REMOVE)
			pool_set_wish(endpoint, WISH_REMOVE, "reload", now_us);
	}
}

/* One that is being greeted goes on by the same words; of others, nothing is kept. */
static void update_connection(struct connection *connection, const struct pool_rebind *rebind)
{
	const struct pool_settings *settings = rebind->settings;
	struct pool *pool = connection->pool;

	connection->max_in_flight = settings->max_in_flight;
	connection->standby =
		!connection->dedicated && connection->endpoint->settings->tier > pool->tier;
	/* Nobody asks any more whether it reads them, so nobody waits for that. */
	if (settings->probe.interval_us == 0)
		connection->unread = connection->pinged = 0;
	if (!rebind->greeting_changed)
		connection->greeting.steps = settings->on_connect;
	else
		connection->greeting = (struct greeting){0};
}

static void update_connections(const struct pool_rebind *rebind)
{
	struct pool *pool = rebind->pool;

	for (size_t state = 0; state < CONNECTION_STATES; state++) {
		list_each(&pool->states[state], node)
			update_connection(list_entry(node, struct connection, state_link), rebind);
	}
}

void pool_rebind_take(struct pool_rebind *rebind, uint64_t now_us)
{
	struct pool *pool = rebind->pool;
	const struct pool_settings *next = rebind->settings;
	uint32_t size_before = pool->settings->size;

	pool->settings = next;
	update_endpoints(pool, next, now_us);
	for (size_t i = 0; i < rebind->joining_count; i++)
		members_attach(pool, rebind->joining[i], "reload", now_us);
	rebind->joining_count = 0;
	pool_set_balancer(pool, next->balancer, "reload", now_us);
	if (next->size != size_before)
		pool_resize(pool, next->size, "reload", "", now_us);
	update_connections(rebind);
	pool_upkeep(pool, now_us);
	pool_rebind_drop(rebind);
}
