#include "broker/engine/operate.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "broker/engine/lane.h"
#include "broker/engine/pause.h"
#include "broker/engine/record.h"
#include "broker/pool/source.h"
#include "broker/subscription/feed.h"

/* What is subscribed to on an endpoint that is drained has this long to find another place. */
#define NOWHERE_US (10 * US_PER_S)

/* How far one is, as it is found by looking. */
struct progress {
	uint32_t left; /* connections or requests to wait for */
	bool done;
	bool failed;
	char text[192];
};

static void operate_record(struct engine *engine, const struct operation *operation,
			   const char *before)
{
	char object[sizeof(operation->pool) + sizeof(operation->endpoint) + 1];
	char detail[sizeof(operation->text) + 32];
	char type[48];

	snprintf(object, sizeof(object), "%s%s%s", operation->pool,
		 operation->endpoint[0] ? "/" : "", operation->endpoint);
	snprintf(type, sizeof(type), "operation.%s", operation_state_name(operation->state));
	snprintf(detail, sizeof(detail), "%s%s%s", command_name(operation->kind),
		 operation->text[0] ? ": " : "", operation->text);
	log_event(engine->log, operation->state == OPERATION_FAILED ? LOG_WARN : LOG_INFO, type,
		  log_number("operation", operation->id),
		  log_text("command", command_name(operation->kind)), log_text("object", object),
		  log_text("actor", operation->actor), log_text("reason", operation->reason),
		  log_text("text", operation->text));
	record_event(engine, &(struct history_event){
				     .type = type,
				     .pool = operation->pool,
				     .endpoint = operation->endpoint,
				     .object = object,
				     .before = before,
				     .after = operation_state_name(operation->state),
				     .reason = operation->reason,
				     .detail = detail,
				     .actor = operation->actor,
			     });
}

static void operate_end(struct engine *engine, struct operation *operation,
			enum operation_state state, const char *text)
{
	operation_end(&engine->operations, operation, state, text,
		      engine->ports->wall_us(engine->ports->io));
	if (operation->kind == COMMAND_INVALIDATE && state == OPERATION_DONE)
		return;
	operate_record(engine, operation, "running");
}

static bool is_about_endpoint(const struct operation *operation)
{
	return operation->endpoint[0] != '\0';
}

/* Whether a new command takes the place of one that runs. */
static bool replaces(const struct command *command, const char *endpoint,
		     const struct operation *operation)
{
	if (operation->state != OPERATION_RUNNING || strcmp(operation->pool, command->pool) != 0)
		return false;
	if (is_about_endpoint(operation) != (endpoint != NULL))
		return false;
	if (endpoint)
		return strcmp(operation->endpoint, endpoint) == 0;
	return operation->kind == command->kind;
}

uint64_t operate_begin(struct engine *engine, const struct command *command, const char *endpoint,
		       uint64_t now_us)
{
	struct command named = *command;
	struct operation *operation;
	uint64_t id = 0;

	while ((operation = operation_after(&engine->operations, id))) {
		id = operation->id;
		if (!replaces(command, endpoint, operation))
			continue;
		operate_end(engine, operation,
			    command->kind == COMMAND_ENDPOINT_READY ? OPERATION_CANCELLED
								    : OPERATION_SUPERSEDED,
			    command_name(command->kind));
	}
	named.endpoint = endpoint;
	operation = operation_begin(&engine->operations, &named,
				    engine->ports->wall_us(engine->ports->io));
	operate_record(engine, operation, "");
	id = operation->id;
	operate_step(engine, now_us);
	return id;
}

uint64_t operate_begin_invalidation(struct engine *engine, const struct command *command,
				    uint64_t now_us)
{
	struct operation *operation;
	uint64_t ticket;

	if (!engine->bus)
		return 0;
	ticket = bus_ticket(engine->bus);
	if (bus_is_applied(engine->bus, ticket, NULL, now_us))
		return 0;
	operation = operation_begin(&engine->operations, command,
				    engine->ports->wall_us(engine->ports->io));
	operation->ticket = ticket;
	operation->deadline_us = now_us + command->timeout_us;
	return operation->id;
}

void operate_cancel(struct engine *engine, const struct command *command, enum command_kind kind)
{
	struct operation *operation;
	uint64_t id = 0;

	while ((operation = operation_after(&engine->operations, id))) {
		id = operation->id;
		if (operation->state == OPERATION_RUNNING && operation->kind == kind &&
		    strcmp(operation->pool, command->pool) == 0)
			operate_end(engine, operation, OPERATION_CANCELLED,
				    command_name(command->kind));
	}
}

/* Whether it goes because there are too many, or another takes its place. */
static bool is_leaving(const struct connection *connection)
{
	return connection->farewell && (strcmp(connection->farewell, "surplus") == 0 ||
					strcmp(connection->farewell, "renewal") == 0);
}

static uint32_t count_leaving(const struct pool *pool)
{
	static const enum connection_state states[] = {CONNECTION_DIALING, CONNECTION_WARMING,
						       CONNECTION_DRAINING};
	uint32_t count = 0;

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		list_each(&pool->states[states[i]], node) {
			const struct connection *connection =
				list_entry(node, struct connection, state_link);

			if (is_leaving(connection))
				count++;
		}
	}
	return count;
}

static void look_at_resize(const struct lane *lane, struct progress *progress)
{
	const struct pool *pool = lane->pool;
	uint32_t ready = (uint32_t)pool->ready_count;
	uint32_t tunnels = (uint32_t)pool->tunnels.count;
	uint32_t leaving = count_leaving(pool);

	/* Nobody is sent away; the size is reached when enough have gone. */
	if (pool->settings->tunnels) {
		progress->left = tunnels > pool->size ? tunnels - pool->size : 0;
		progress->done = progress->left == 0;
		snprintf(progress->text, sizeof(progress->text), "%u clients of at most %u",
			 tunnels, pool->size);
		return;
	}
	progress->left = leaving + (ready < pool->size ? pool->size - ready : ready - pool->size);
	progress->done = progress->left == 0;
	snprintf(progress->text, sizeof(progress->text),
		 ready > pool->size ? "%u are ready where %u shall be, %u leave"
				    : "%u of %u are ready, %u leave",
		 ready, pool->size, leaving);
}

static void look_at_reconnect(const struct lane *lane, struct progress *progress)
{
	const struct pool *pool = lane->pool;
	uint32_t stale = 0;
	uint32_t leaving = count_leaving(pool);

	list_each(&pool->states[CONNECTION_READY], node)
		stale += list_entry(node, struct connection, state_link)->stale;
	progress->left = stale + leaving;
	progress->done = progress->left == 0;
	snprintf(progress->text, sizeof(progress->text), "%u are to be replaced, %u leave", stale,
		 leaving);
}

static void look_at_pause(struct engine *engine, struct lane *lane, struct progress *progress,
			  uint64_t now_us)
{
	progress->left = lane->pool->in_flight;
	progress->done = progress->left == 0;
	snprintf(progress->text, sizeof(progress->text), "%u in flight", progress->left);
	if (progress->done || lane->pause_until_us == 0 || now_us < lane->pause_until_us)
		return;
	progress->failed = true;
	snprintf(progress->text, sizeof(progress->text),
		 "time is up with %u in flight: the pool is running again", progress->left);
	pause_end(engine, lane, "timeout", now_us);
}

/* What is subscribed to on the endpoint; moving: of these, what is being asked for elsewhere. */
static uint32_t count_feeds(const struct endpoint *endpoint, uint32_t *moving)
{
	size_t count = 0;

	*moving = 0;
	list_each(&endpoint->pool->states[CONNECTION_READY], node) {
		const struct connection *connection =
			list_entry(node, struct connection, state_link);

		if (connection->endpoint != endpoint)
			continue;
		count += connection->feeds.count;
		list_each(&connection->feeds, link) {
			const struct feed *feed = list_entry(link, struct feed, link);

			*moving += !feed->subscription || feed->subscription->next;
		}
	}
	return (uint32_t)count;
}

/* Nobody who listens is cut off for it: when no other connection takes what is subscribed to, the
 * endpoint keeps that until one does, and whoever waits for the drain is told. */
static void look_at_drain(const struct endpoint *endpoint, struct progress *progress,
			  uint64_t now_us)
{
	uint32_t moving;
	uint32_t feeds = count_feeds(endpoint, &moving);

	progress->left =
		endpoint->in_flight + endpoint->tunnels + feeds + endpoint_hands_over(endpoint);
	progress->done = endpoint->state == ENDPOINT_DRAINED;
	progress->failed = !progress->done && feeds == progress->left && moving == 0 &&
			   now_us - endpoint->since_us >= NOWHERE_US;
	if (progress->failed)
		snprintf(progress->text, sizeof(progress->text),
			 "%u subscriptions have nowhere to go: they stay until another connection "
			 "takes them",
			 feeds);
	else
		snprintf(progress->text, sizeof(progress->text),
			 "%u in flight, %u subscriptions, %u sessions%s", endpoint->in_flight,
			 feeds, endpoint->tunnels,
			 endpoint_hands_over(endpoint) ? ", the source of pushes" : "");
}

static void look_at_endpoint(const struct operation *operation, const struct endpoint *endpoint,
			     struct progress *progress, uint64_t now_us)
{
	bool tunnels = endpoint->pool->settings->tunnels;
	uint32_t wanted = endpoint->desired > 0 ? endpoint->desired : 1;

	switch (operation->kind) {
	case COMMAND_ENDPOINT_DRAIN:
		look_at_drain(endpoint, progress, now_us);
		return;
	case COMMAND_ENDPOINT_MAINT:
	case COMMAND_ENDPOINT_REMOVE:
		progress->left = endpoint->connections + endpoint->tunnels;
		progress->done = endpoint->state == ENDPOINT_MAINT &&
				 operation->kind == COMMAND_ENDPOINT_MAINT;
		snprintf(progress->text, sizeof(progress->text), "%u connections, %u in flight",
			 progress->left, endpoint->in_flight);
		return;
	default:
		if (tunnels) /* it is dialled when a client comes */
			progress->left = endpoint->down;
		else
			progress->left = endpoint->ready < wanted ? wanted - endpoint->ready : 0;
		progress->done = progress->left == 0;
		snprintf(progress->text, sizeof(progress->text), "%u of %u are ready%s%s",
			 endpoint->ready < wanted ? endpoint->ready : wanted, wanted,
			 endpoint->down ? ": " : "", endpoint->down ? endpoint->last_error : "");
		return;
	}
}

/* Whether every live broker has applied what was invalidated, and who has not. */
static void look_at_brokers(struct engine *engine, const struct operation *operation,
			    struct progress *progress, uint64_t now_us)
{
	struct strbuf behind;

	strbuf_init(&behind);
	progress->done = bus_is_applied(engine->bus, operation->ticket, &behind, now_us);
	progress->failed = !progress->done && now_us >= operation->deadline_us;
	snprintf(progress->text, sizeof(progress->text), "%s%.150s",
		 progress->done ? "every live broker has applied it" : "not applied yet by ",
		 strbuf_span(&behind).at);
	strbuf_fini(&behind);
}

static void look_at(struct engine *engine, const struct operation *operation,
		    struct progress *progress, uint64_t now_us)
{
	struct lane *lane = lane_named(engine, operation->pool);
	const struct endpoint *endpoint = NULL;

	if (lane && is_about_endpoint(operation))
		endpoint = pool_find_endpoint(lane->pool, operation->endpoint);
	if (!lane || (is_about_endpoint(operation) && !endpoint)) {
		progress->done = operation->kind == COMMAND_ENDPOINT_REMOVE;
		progress->failed = !progress->done;
		snprintf(progress->text, sizeof(progress->text), "%s is gone",
			 endpoint || !lane ? "the pool" : "the endpoint");
	} else if (endpoint) {
		look_at_endpoint(operation, endpoint, progress, now_us);
	} else if (operation->kind == COMMAND_POOL_PAUSE) {
		look_at_pause(engine, lane, progress, now_us);
	} else if (operation->kind == COMMAND_POOL_RECONNECT) {
		look_at_reconnect(lane, progress);
	} else {
		look_at_resize(lane, progress);
	}
}

static void operate_look(struct engine *engine, struct operation *operation, uint64_t now_us)
{
	struct progress progress = {0};

	if (operation->kind == COMMAND_INVALIDATE)
		look_at_brokers(engine, operation, &progress, now_us);
	else
		look_at(engine, operation, &progress, now_us);
	if (progress.left > operation->total)
		operation->total = progress.left;
	operation->done = operation->total - progress.left;
	if (progress.done || progress.failed)
		operate_end(engine, operation, progress.failed ? OPERATION_FAILED : OPERATION_DONE,
			    progress.text);
	else
		snprintf(operation->text, sizeof(operation->text), "%s", progress.text);
}

void operate_step(struct engine *engine, uint64_t now_us)
{
	for (size_t i = 0; engine->operations.running > 0 && i < OPERATIONS_KEPT; i++) {
		struct operation *operation = &engine->operations.ring[i];

		if (operation->id != 0 && operation->state == OPERATION_RUNNING)
			operate_look(engine, operation, now_us);
	}
}
