#include "broker/engine/reconfigure.h"

#include <stdlib.h>

#include "broker/engine/bus.h"
#include "broker/engine/cached.h"
#include "broker/engine/client.h"
#include "broker/engine/feeds.h"
#include "broker/engine/hedge.h"
#include "broker/engine/lane.h"
#include "broker/engine/link.h"
#include "broker/engine/pause.h"
#include "broker/engine/plan.h"
#include "broker/engine/pushes.h"
#include "broker/engine/tenancy.h"
#include "broker/engine/upkeep.h"
#include "broker/pool/rebind.h"

/* All that the change needs, made before anything changes. */
struct swap {
	struct engine *engine;
	const struct config *next;
	struct route_table *routes;
	struct plans_next plans;
	struct hedges hedges;
	struct push_rules push_rules;
	struct lane **lanes; /* those of next in its order, and room for those that retire */
	size_t planned;	     /* of next's, so far */
	struct pool_rebind *rebinds; /* one for each of next's; without a pool: the lane is new */
};

static void swap_drop(struct swap *swap)
{
	for (size_t i = 0; i < swap->planned; i++) {
		if (!swap->rebinds[i].pool)
			lane_destroy(swap->lanes[i]);
		pool_rebind_drop(&swap->rebinds[i]);
	}
	hedges_free(&swap->hedges);
	push_rules_drop(&swap->push_rules);
	plans_forget(&swap->plans);
	route_table_destroy(swap->routes);
	free(swap->lanes);
	free(swap->rebinds);
}

static enum wsb_err swap_pool(struct swap *swap, size_t at, uint64_t now_us)
{
	const struct pool_settings *settings = &swap->next->pools[at];
	struct lane *lane = lane_named(swap->engine, settings->name);

	if (!lane)
		return lane_create(&swap->lanes[at], swap->engine, swap->next, at, now_us);
	/* Of those that are configured, config_keep has seen to it. */
	if (!pool_may_rebind(lane->pool, settings)) {
		log_event(swap->engine->log, LOG_ERROR, "config.pool_retires",
			  log_text("pool", settings->name),
			  log_number("in_flight", lane->pool->in_flight),
			  log_number("sessions", lane->pool->tunnels.count));
		return WSB_EEXIST;
	}
	swap->lanes[at] = lane;
	return pool_rebind_prepare(&swap->rebinds[at], lane->pool, settings, now_us);
}

static enum wsb_err swap_prepare(struct swap *swap, struct engine *engine,
				 const struct config *next, uint64_t now_us)
{
	enum wsb_err err;

	*swap = (struct swap){.engine = engine, .next = next};
	swap->lanes = calloc(next->pool_count + engine->lane_count, sizeof(struct lane *));
	swap->rebinds = calloc(next->pool_count, sizeof(*swap->rebinds));
	err = swap->lanes && swap->rebinds ? WSB_OK : WSB_ENOMEM;
	if (!err)
		err = route_table_create(&swap->routes, next->routes, next->route_count,
					 rng_next(&engine->rng));
	while (!err && swap->planned < next->pool_count) {
		err = swap_pool(swap, swap->planned, now_us);
		if (!err)
			swap->planned++;
	}
	if (!err)
		err = plans_prepare(&swap->plans, next, swap->lanes);
	if (!err)
		err = hedges_make(&swap->hedges, next);
	if (!err)
		err = push_rules_make(&swap->push_rules, next);
	if (err)
		swap_drop(swap);
	return err;
}

/* Those that are being greeted in a way that is not the right one any more begin anew; none of them
 * has carried anything yet. */
static void greet_anew(struct engine *engine, struct lane *lane, uint64_t now_us)
{
	list_each(&lane->pool->states[CONNECTION_WARMING], node)
		link_abort(engine, list_entry(node, struct connection, state_link), "asked",
			   now_us);
}

/* The pong or the call that it waits for may not be asked for any more. */
static void warm_on(struct engine *engine, struct lane *lane, uint64_t now_us)
{
	list_each(&lane->pool->states[CONNECTION_WARMING], node)
		link_warm(engine, list_entry(node, struct connection, state_link), now_us);
}

static void take_pool(struct swap *swap, size_t at, uint64_t now_us)
{
	bool greeting_changed = swap->rebinds[at].greeting_changed;
	struct lane *lane = swap->lanes[at];

	if (!swap->rebinds[at].pool)
		return;
	pool_rebind_take(&swap->rebinds[at], now_us);
	lane_obey(lane, swap->next, at, now_us);
	if (greeting_changed)
		greet_anew(swap->engine, lane, now_us);
	else
		warm_on(swap->engine, lane, now_us);
}

static bool is_planned(const struct swap *swap, const struct lane *lane)
{
	for (size_t i = 0; i < swap->planned; i++)
		if (swap->lanes[i] == lane)
			return true;
	return false;
}

static void take_lanes(struct swap *swap, uint64_t now_us)
{
	struct engine *engine = swap->engine;
	size_t count = swap->planned;

	for (size_t i = 0; i < swap->planned; i++)
		take_pool(swap, i, now_us);
	for (size_t i = 0; i < engine->lane_count; i++) {
		struct lane *lane = engine->lanes[i];

		if (is_planned(swap, lane))
			continue;
		lane->retiring = true;
		pause_end(engine, lane, "reload", now_us);
		feeds_retire(engine, lane, now_us);
		swap->lanes[count++] = lane;
	}
	free(engine->lanes);
	engine->lanes = swap->lanes;
	engine->lane_count = count;
}

enum wsb_err engine_reconfigure(struct engine *engine, const struct config *next, const char *actor,
				uint64_t now_us)
{
	const struct config *before = engine->config;
	struct swap swap;
	enum wsb_err err = swap_prepare(&swap, engine, next, now_us);

	if (err)
		return err;
	engine->actor = actor;
	take_lanes(&swap, now_us);
	route_table_destroy(engine->routes);
	engine->routes = swap.routes;
	engine->config = config_hold(next);
	plans_take(engine, &swap.plans);
	hedges_take(engine, &swap.hedges);
	push_rules_take(engine, &swap.push_rules);
	cached_configure(engine);
	cached_review(engine, before, now_us);
	engine_bus_configure(engine);
	engine->requests.settings = next->log.requests;
	tenancy_review(engine, before, now_us);
	free(swap.rebinds);
	config_release(before);
	engine_leave(engine, now_us);
	engine->actor = NULL;
	return WSB_OK;
}
