#include "broker/engine/picture_bus.h"

#include "broker/engine/bus.h"
#include "broker/engine/version.h"

void picture_bus(const struct engine *engine, uint64_t now_us, struct bus_view *view)
{
	const struct bus *bus = engine->bus;
	uint64_t known_us;

	*view = (struct bus_view){.state = engine_bus_state(engine, now_us), .brokers = 1};
	view->is_state[view->state] = 1;
	if (!bus) {
		view->position = view->top = journal_top(engine->invalidations.journal);
		return;
	}
	known_us = bus_known_us(bus, now_us);
	view->place = bus_place(bus);
	view->url = view->place->label;
	view->reason = bus_reason(bus);
	view->detail = bus_detail(bus);
	view->prefix = engine->bus_config->bus.prefix;
	view->user = bus_user(bus);
	for (int part = 0; part < BUS_PARTS; part++) {
		view->refusals[part] = bus_refusal(bus, (enum bus_part)part);
		view->is_refused[part] = view->refusals[part] != NULL;
	}
	view->position = bus_position(bus);
	view->top = bus_top(bus);
	view->lag_us = now_us - (known_us ? known_us : engine->started_us);
	view->queued = bus_queued(bus);
	view->stats = *bus_stats(bus);
	list_each(&bus_peers(bus)->list, node)
		view->brokers +=
			peer_is_live(list_entry(node, struct bus_peer, link), now_us) ? 1 : 0;
}

size_t picture_broker_count(const struct engine *engine)
{
	return 1 + (engine->bus ? bus_peers(engine->bus)->list.count : 0);
}

void picture_brokers(const struct engine *engine, uint64_t now_us, struct broker_view *views)
{
	*views++ = (struct broker_view){
		.node = engine->config->node,
		.version = WSBROKER_VERSION,
		.source = engine->invalidations.maker.source,
		.self = true,
		.live = true,
		.position = engine->bus ? bus_position(engine->bus)
					: journal_top(engine->invalidations.journal),
		.clients = session_count(&engine->sessions),
	};
	if (!engine->bus)
		return;
	list_each(&bus_peers(engine->bus)->list, node) {
		const struct bus_peer *peer = list_entry(node, struct bus_peer, link);

		*views++ = (struct broker_view){
			.node = peer->node,
			.version = peer->version,
			.source = peer->source,
			.live = peer_is_live(peer, now_us),
			.position = peer->position,
			.clients = peer->clients,
			.heard_us = now_us - peer->heard_us,
		};
	}
}
