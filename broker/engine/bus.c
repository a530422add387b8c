#include "broker/engine/bus.h"

#include <string.h>

#include "broker/engine/invalidate.h"
#include "broker/engine/record.h"
#include "broker/engine/upkeep.h"
#include "broker/engine/version.h"

static void on_open(void *context, enum bus_link link, const struct bus_url *url)
{
	const struct engine *engine = context;

	engine->ports->bus_open(engine->ports->io, link, url);
}

static void on_close(void *context, enum bus_link link)
{
	const struct engine *engine = context;

	engine->ports->bus_close(engine->ports->io, link);
}

static void on_send(void *context, enum bus_link link, const struct span *words, size_t count)
{
	const struct engine *engine = context;

	engine->ports->bus_send(engine->ports->io, link, words, count);
}

static void on_arrived(void *context, const struct event *event, uint64_t now_us)
{
	invalidate_arrived(context, event, now_us);
}

static bool on_past(void *context, const struct event *event)
{
	return invalidate_past(context, event);
}

static void on_resync(void *context, const char *why, struct position at, uint64_t now_us)
{
	if (strcmp(why, "joined") == 0)
		invalidate_joined(context, at, now_us);
	else
		invalidate_resync(context, why, at, now_us);
}

static void on_asked(void *context, const struct invalidation *what, uint64_t now_us)
{
	invalidate(context, what, CAUSE_INBOX, now_us);
}

static void on_heard(void *context, const struct invalidation *what, uint64_t now_us)
{
	invalidate_heard(context, what, now_us);
}

static void on_odd(void *context, const char *where, const char *why)
{
	const struct engine *engine = context;

	log_event(engine->log, LOG_WARN, "bus.unreadable", log_text("where", where),
		  log_text("why", why));
}

/* Each try while Redis is away is a line of the log; the history has the changes alone. */
static void on_changed(void *context, const struct bus_change *change, uint64_t now_us)
{
	struct engine *engine = context;

	(void)now_us;
	log_event(engine->log, change->to == BUS_SUSPECT ? LOG_WARN : LOG_INFO, "bus.state",
		  log_text("from", bus_state_name(change->from)),
		  log_text("to", bus_state_name(change->to)), log_text("reason", change->reason),
		  log_text("url", change->url), log_text("error", change->detail));
	if (change->from == change->to)
		return;
	record_event(engine, &(struct history_event){
				     .type = "bus.state",
				     .object = "bus",
				     .before = bus_state_name(change->from),
				     .after = bus_state_name(change->to),
				     .reason = change->reason,
				     .detail = change->detail,
			     });
}

static void on_refused(void *context, enum bus_part part, const char *words, uint64_t now_us)
{
	struct engine *engine = context;
	const bool is_refused = words[0] != '\0';

	(void)now_us;
	log_event(engine->log, is_refused ? LOG_WARN : LOG_INFO, "bus.refused",
		  log_text("part", bus_part_name(part)),
		  log_text("refused", is_refused ? "yes" : "no"), log_text("error", words));
	record_event(engine, &(struct history_event){
				     .type = "bus.refused",
				     .object = "bus",
				     .before = is_refused ? "" : "refused",
				     .after = is_refused ? "refused" : "",
				     .reason = bus_part_name(part),
				     .detail = words,
			     });
}

static uint64_t on_wall(void *context)
{
	const struct engine *engine = context;

	return engine->ports->wall_us(engine->ports->io);
}

static uint64_t on_clients(void *context)
{
	const struct engine *engine = context;

	return session_count(&engine->sessions);
}

enum wsb_err engine_bus_init(struct engine *engine)
{
	const struct bus_ports ports = {
		.context = engine,
		.open = on_open,
		.close = on_close,
		.send = on_send,
		.arrived = on_arrived,
		.past = on_past,
		.resync = on_resync,
		.asked = on_asked,
		.heard = on_heard,
		.odd = on_odd,
		.changed = on_changed,
		.refused = on_refused,
		.wall_us = on_wall,
		.clients = on_clients,
	};

	if (engine->config->bus.url_count == 0)
		return WSB_OK;
	/* A reload does not move the bus: where it is and what it is called stay as at the start.
	 */
	engine->bus_config = config_hold(engine->config);
	return bus_create(&engine->bus, &engine->bus_config->bus, &ports, engine->config->node,
			  WSBROKER_VERSION, engine->invalidations.maker.source,
			  rng_next(&engine->rng), engine->started_us);
}

void engine_bus_fini(struct engine *engine)
{
	bus_destroy(engine->bus);
	config_release(engine->bus_config);
}

void engine_bus_configure(struct engine *engine)
{
	if (engine->bus)
		bus_set_log_length(engine->bus, engine->config->bus.log_length);
}

void engine_bus_tick(struct engine *engine, uint64_t now_us)
{
	if (engine->bus)
		bus_tick(engine->bus, now_us);
}

enum bus_state engine_bus_state(const struct engine *engine, uint64_t now_us)
{
	return engine->bus ? bus_state(engine->bus, now_us) : BUS_EMBEDDED;
}

bool engine_bus_owes(const struct engine *engine)
{
	return engine->bus && bus_is_sending(engine->bus);
}

void engine_bus_turn(struct engine *engine, uint64_t now_us)
{
	if (engine->bus)
		bus_turn(engine->bus, now_us);
}

void engine_bus_opened(struct engine *engine, enum bus_link link, uint64_t now_us)
{
	bus_opened(engine->bus, link, now_us);
}

/* Events may be told to clients: what they cause is written with the turn. */
void engine_bus_replied(struct engine *engine, enum bus_link link, const struct redis_value *value,
			uint64_t now_us)
{
	bus_replied(engine->bus, link, value, now_us);
	engine_leave(engine, now_us);
}

void engine_bus_lost(struct engine *engine, enum bus_link link, const char *cause, const char *text,
		     uint64_t now_us)
{
	bus_lost(engine->bus, link, cause, text, now_us);
}

void engine_bus_leave(struct engine *engine, uint64_t now_us)
{
	if (!engine->bus)
		return;
	/* The others will not hear of them: what they cached stays until it expires. */
	if (bus_queued(engine->bus) > 0)
		log_event(engine->log, LOG_WARN, "bus.unsent",
			  log_number("events", bus_queued(engine->bus)),
			  log_text("state", bus_state_name(bus_state(engine->bus, now_us))));
	bus_leave(engine->bus, now_us);
}
