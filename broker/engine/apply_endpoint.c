/* Commands about one endpoint of a pool. */
#include "broker/engine/apply_parts.h"

#include <inttypes.h>

#include "broker/control/arena.h"
#include "broker/engine/operate.h"
#include "broker/engine/resolving.h"

static void accept(const struct application *application, const struct pool *pool,
		   const char *endpoint, const char *text)
{
	apply_conclude(application, OUTCOME_ACCEPTED, "%s/%s %s", pool->settings->name, endpoint,
		       text);
	application->outcome->operation = operate_begin(application->engine, application->command,
							endpoint, application->now_us);
}

static void add_to_pool(const struct application *application, struct pool *pool,
			const struct endpoint_settings *settings)
{
	switch (pool_add_endpoint(pool, settings, application->now_us)) {
	case WSB_OK:
		accept(application, pool, settings->name, "joins the pool");
		return;
	case WSB_EEXIST:
		apply_conclude(application, OUTCOME_CONFLICT, "pool %s has an endpoint %s%s",
			       pool->settings->name, settings->name,
			       pool_find_endpoint(pool, settings->name)->wish == WISH_REMOVE
				       ? " that is still being removed"
				       : " already");
		return;
	default:
		application->outcome->kind = OUTCOME_NO_MEMORY;
		return;
	}
}

static void apply_add(const struct application *application, struct pool *pool)
{
	const char *name = application->command->add.name;
	struct endpoint_settings settings;
	struct arena *arena;
	const char *why = "";

	if (pool->endpoint_count >= POOL_ENDPOINTS_MAX) {
		apply_conclude(application, OUTCOME_INVALID, "a pool has at most %d endpoints",
			       POOL_ENDPOINTS_MAX);
		return;
	}
	if (resolving_add(application->engine, pool, name, application->command->add.url,
			  application->now_us)) {
		accept(application, pool, name, "joins the pool again");
		return;
	}
	if (arena_create(&arena)) {
		application->outcome->kind = OUTCOME_NO_MEMORY;
		return;
	}
	switch (command_read_endpoint(arena, application->command, &settings, &why)) {
	case WSB_OK:
		add_to_pool(application, pool, &settings);
		break;
	case WSB_EINVAL:
		apply_conclude(application, OUTCOME_INVALID, "%s", why);
		break;
	default:
		application->outcome->kind = OUTCOME_NO_MEMORY;
		break;
	}
	arena_destroy(arena);
}

/* Whether the pool may lose this one for a while, or for good. False: it has been said why not. */
static bool may_stand_aside(const struct application *application, const struct endpoint *endpoint)
{
	const struct pool *pool = endpoint->pool;
	const char *name = endpoint->settings->name;

	if (application->command->kind == COMMAND_ENDPOINT_REMOVE &&
	    endpoint->wish != WISH_REMOVE && pool_members(pool) == 1) {
		apply_conclude(application, OUTCOME_CONFLICT,
			       "%s is the last endpoint of pool %s: add another one first", name,
			       pool->settings->name);
		return false;
	}
	if (!application->command->force && endpoint_serves(endpoint) &&
	    !pool_can_do_without(endpoint)) {
		apply_conclude(application, OUTCOME_CONFLICT,
			       "without %s no endpoint of pool %s is healthy: use force (--force) "
			       "if that is meant",
			       name, pool->settings->name);
		return false;
	}
	return true;
}

static void apply_wish(const struct application *application, struct endpoint *endpoint)
{
	static const struct {
		enum endpoint_wish wish;
		const char *text;
	} wishes[COMMAND_KINDS] = {
		[COMMAND_ENDPOINT_DRAIN] = {WISH_DRAIN, "gets no new requests"},
		[COMMAND_ENDPOINT_MAINT] = {WISH_MAINT, "is drained, then closed"},
		[COMMAND_ENDPOINT_REMOVE] = {WISH_REMOVE, "is drained, then forgotten"},
		[COMMAND_ENDPOINT_READY] = {WISH_SERVE, "gets requests again"},
	};
	enum command_kind kind = application->command->kind;

	if (kind != COMMAND_ENDPOINT_READY && !may_stand_aside(application, endpoint))
		return;
	if (application->command->rehearsal)
		return;
	if (kind != COMMAND_ENDPOINT_REMOVE) {
		resolving_wanted(endpoint);
	} else if (resolving_removed(endpoint)) {
		application->outcome->kind = OUTCOME_NO_MEMORY;
		return;
	}
	pool_set_wish(endpoint, wishes[kind].wish, application->command->reason,
		      application->now_us);
	accept(application, endpoint->pool, endpoint->settings->name, wishes[kind].text);
}

static void apply_weight(const struct application *application, struct endpoint *endpoint)
{
	int64_t weight = application->command->number;

	if (weight < 1 || weight > ENDPOINT_WEIGHT_MAX) {
		apply_conclude(application, OUTCOME_INVALID, "a weight is 1 to %d",
			       ENDPOINT_WEIGHT_MAX);
		return;
	}
	if (application->command->rehearsal)
		return;
	pool_set_weight(endpoint, (uint32_t)weight, application->now_us);
	apply_conclude(application, OUTCOME_DONE, "%s/%s has weight %" PRId64,
		       endpoint->pool->settings->name, endpoint->settings->name, weight);
}

static void tell_endpoint_missing(const struct application *application, const struct pool *pool)
{
	const struct command *command = application->command;
	const char *name = command->endpoint ? command->endpoint : "";
	struct nearest nearest;

	nearest_init(&nearest, span_text(name));
	for (uint32_t i = 0; i < pool->endpoint_count; i++)
		nearest_offer(&nearest, span_text(pool->endpoints[i]->settings->name));
	apply_missing(application, &nearest, "pool %s has no endpoint %s", command->pool, name);
}

/* What is being removed is in no file any more, so nothing may be wished of it that a later reload
 * would have to keep. An address may be wanted again: its name stays. */
static bool takes_no_wish(const struct endpoint *endpoint, enum command_kind kind)
{
	return endpoint->wish == WISH_REMOVE && kind != COMMAND_ENDPOINT_REMOVE &&
	       !(endpoint->settings->address && kind == COMMAND_ENDPOINT_READY);
}

void apply_to_endpoint(const struct application *application, struct lane *lane)
{
	const struct command *command = application->command;
	struct endpoint *endpoint;

	if (command->kind == COMMAND_ENDPOINT_ADD) {
		apply_add(application, lane->pool);
		return;
	}
	endpoint = command->endpoint ? pool_find_endpoint(lane->pool, command->endpoint) : NULL;
	if (!endpoint)
		tell_endpoint_missing(application, lane->pool);
	else if (takes_no_wish(endpoint, command->kind))
		apply_conclude(application, OUTCOME_CONFLICT,
			       "%s/%s is being removed: it can be added again when it is gone",
			       lane->pool->settings->name, endpoint->settings->name);
	else if (command->kind == COMMAND_ENDPOINT_WEIGHT)
		apply_weight(application, endpoint);
	else
		apply_wish(application, endpoint);
}
