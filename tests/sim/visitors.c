/* Clients of a session listener: they come, wait for an upstream of their own, carry bytes, go. */
#include "tests/sim/visitors.h"

#include <inttypes.h>
#include "broker/pool/health.h"
#include "broker/pool/tunnel.h"

#define VISITOR_GAP_US (60 * MS)

static void visit_later(struct sim *sim, struct sim_visitor *visitor)
{
	agenda_add(&sim->agenda, sim->outside.now_us + sim_pick(sim, 0, VISITOR_GAP_US),
		   EVENT_VISIT, visitor);
}

void visitors_plan(struct sim *sim)
{
	static const char *const names[] = {"a", "b", "c", "d"};
	struct pool_settings *pool;
	size_t endpoints = sim_pick(sim, 1, SETUP_ENDPOINTS);

	sim->tunnels = sim->setup.config.pool_count;
	pool = setup_pool(&sim->setup, "tunnels");
	pool->tunnels = true;
	pool->size = (uint32_t)sim_pick(sim, 1, SIM_VISITORS);
	pool->balancer = (enum balancer_kind)sim_pick(sim, 0, 3);
	plan_ejection(sim, &pool->ejection);
	for (size_t i = 0; i < endpoints; i++) {
		struct endpoint_settings *endpoint = setup_endpoint(pool, names[i]);

		endpoint->weight = (uint32_t)sim_pick(sim, 1, 5);
		endpoint->tier = sim_chance(sim, 25) ? 2 : 1;
		sim->tempers[sim->tunnels][i] = (struct temper){
			.refuses_dial = sim_chance(sim, 50) ? (uint32_t)sim_pick(sim, 0, 100) : 0,
			.dial_us = sim_pick(sim, 0, 60 * MS),
		};
	}
	sim->setup.listeners[1] = sim->setup.listeners[0];
	sim->setup.listeners[1].address.text = "127.0.0.1:7090";
	sim->setup.listeners[1].session = true;
	sim->setup.listeners[1].session_pool = (uint32_t)sim->tunnels;
	sim->setup.config.listener_count = 2;
	for (uint32_t i = 0; i < SIM_VISITORS; i++) {
		sim->visitors[i].number = i;
		visit_later(sim, &sim->visitors[i]);
	}
}

static struct pool *tunnels_pool(const struct sim *sim)
{
	return sim->outside.engine->lanes[sim->tunnels]->pool;
}

static bool was_tried(const struct tunnel *tunnel, const struct endpoint *endpoint)
{
	for (size_t i = 0; i < tunnel->tries; i++)
		if (tunnel->tried[i] == endpoint)
			return true;
	return false;
}

/* It has just been decided who is dialled for this visitor. */
static void check_choice(struct sim *sim, const struct sim_visitor *visitor)
{
	const struct endpoint *chosen = visitor->peer->dialled;
	const struct pool *pool = tunnels_pool(sim);
	const struct tunnel *tunnel;

	if (!chosen || visitor->peer->state == PEER_ENDED || chosen->outlier.state != BREAKER_OPEN)
		return;
	tunnel = visitor->peer->session->tunnel;
	for (size_t i = 0; i < pool->endpoint_count; i++) {
		const struct endpoint *endpoint = pool->endpoints[i];

		if (endpoint_takes_tunnels(endpoint, sim->outside.now_us) &&
		    endpoint_is_well(endpoint) && !was_tried(tunnel, endpoint))
			sim_fail(sim, "who is ejected is dialled when nobody is well",
				 "visitor %u: %s though %s is", visitor->number,
				 chosen->settings->name, endpoint->settings->name);
	}
}

static void visitor_arrives(struct sim *sim, struct sim_visitor *visitor)
{
	const struct pool *pool = tunnels_pool(sim);
	const struct lane *lane = sim->outside.engine->lanes[sim->tunnels];
	size_t before = pool->tunnels.count;
	struct admittance admittance;
	int status = outside_knock_at(&sim->outside, 1, true, &admittance);
	bool full = before >= pool->size || lane->paused || sim->outside.engine->draining;

	if (status != (full ? 503 : 101))
		sim_fail(sim, "size is the most sessions at once", "%d with %zu of %u", status,
			 before, pool->size);
	if (status != 101)
		return;
	visitor->peer = outside_tunnel(&sim->outside, 1, &admittance);
	visitor->dials = 0;
	check_choice(sim, visitor);
	sim_trace(sim, "visitor %u arrives: %s", visitor->number,
		  visitor->peer->dialled ? visitor->peer->dialled->settings->name : "nobody");
}

static void visitor_is_dialled(struct sim *sim, struct sim_visitor *visitor)
{
	static const char *const causes[] = {"dns", "connect", "tls", "upgrade"};
	struct peer *peer = visitor->peer;
	const struct temper *temper = sim_temper(sim, sim->tunnels, peer->dialled);

	if (++visitor->dials > SETUP_ENDPOINTS + 4)
		sim_fail(sim, "each endpoint is tried once", "visitor %u", visitor->number);
	if (sim_chance(sim, 5))
		peer_end(peer, "eof", 0, span_of("", 0));
	else if (sim_chance(sim, temper->refuses_dial) && sim_chance(sim, 80))
		tunnel_fails(peer, causes[sim_pick(sim, 0, 3)]);
	else if (sim_chance(sim, temper->refuses_dial))
		tunnel_declines(peer, 503);
	else if (sim_chance(sim, 10))
		tunnel_declines(peer, 401);
	else
		tunnel_opens(peer);
	check_choice(sim, visitor);
}

static void visitor_speaks(struct sim *sim, struct sim_visitor *visitor)
{
	struct peer *peer = visitor->peer;
	const struct tunnel *tunnel = peer->session->tunnel;

	if (!tunnel->open || sim_chance(sim, 20)) {
		peer_end(peer, "eof", sim_chance(sim, 50) ? 1000 : 0, span_of("", 0));
		return;
	}
	engine_tunnel_moved(sim->outside.engine, peer->session, (enum wire_side)sim_pick(sim, 0, 1),
			    sim_pick(sim, 1, 100000), sim->outside.now_us);
	engine_tunnel_holds(sim->outside.engine, peer->session, sim_pick(sim, 0, 65536));
}

void visitor_step(struct sim *sim, struct sim_visitor *visitor)
{
	struct peer *peer = visitor->peer;
	bool calm = sim->outside.now_us >= sim->calm_us;

	if (peer && peer->state == PEER_ENDED)
		visitor->peer = NULL;
	if (!visitor->peer && calm)
		return;
	if (!visitor->peer)
		visitor_arrives(sim, visitor);
	else if (peer->state == PEER_CLOSING || (calm && !sim->drains))
		peer_end(peer, "eof", peer->close_code, span_of("", 0));
	else if (peer->dialled)
		visitor_is_dialled(sim, visitor);
	else
		visitor_speaks(sim, visitor);
	visit_later(sim, visitor);
}

void visitors_leave(struct sim *sim)
{
	for (uint32_t i = 0; i < SIM_VISITORS; i++)
		if (sim->visitors[i].peer)
			peer_end(sim->visitors[i].peer, "eof", 0, span_of("", 0));
}

/* Those who are on their way out have been told so for a reason. */
static bool visitor_counts(struct sim *sim, const struct sim_visitor *visitor)
{
	const struct peer *peer = visitor->peer;

	if (!peer || peer->state == PEER_ENDED)
		return false;
	if (peer->state == PEER_CLOSING && peer->close_code != 1012)
		sim_fail(sim, "a client is not cut without a reason", "visitor %u: %u",
			 visitor->number, peer->close_code);
	if (peer->state == PEER_DIALING && !peer->dialled && peer->session->tunnel &&
	    ((const struct tunnel *)peer->session->tunnel)->endpoint)
		sim_fail(sim, "who waits for an upstream is dialled", "visitor %u",
			 visitor->number);
	return true;
}

void visitors_check(struct sim *sim)
{
	const struct pool *pool = tunnels_pool(sim);
	size_t count = 0, on_endpoints = 0, somewhere = 0;
	uint64_t held = 0;

	for (uint32_t i = 0; i < SIM_VISITORS; i++)
		count += visitor_counts(sim, &sim->visitors[i]);
	list_each(&pool->tunnels, node) {
		const struct tunnel *tunnel = list_entry(node, struct tunnel, link);

		somewhere += tunnel->endpoint != NULL;
		held += tunnel->held_bytes;
	}
	for (size_t i = 0; i < pool->endpoint_count; i++)
		on_endpoints += pool->endpoints[i]->tunnels;
	if (pool->tunnels.count != count || on_endpoints != somewhere)
		sim_fail(sim, "each client has its own upstream", "%zu, %zu of %zu on endpoints",
			 count, on_endpoints, pool->tunnels.count);
	if (sim->outside.engine->tunnel_bytes != held)
		sim_fail(sim, "what is held is counted", "%" PRIu64 " of %" PRIu64, held,
			 sim->outside.engine->tunnel_bytes);
}
