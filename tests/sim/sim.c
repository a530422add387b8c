/* One run: the agenda is worked off, and after each event everything is checked. */
#include "tests/sim/operator.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/sim/visitors.h"

#define STEPS_MAX 200000

_Noreturn void sim_fail(struct sim *sim, const char *invariant, const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fprintf(stderr,
		"FAILED seed %" PRIu64 " step %" PRIu64 " at %" PRIu64 " us: %s: ", sim->seed,
		sim->step, sim->outside.now_us, invariant);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\nreplay: sim --seed %" PRIu64 " --verbose\n", sim->seed);
	exit(1);
}

void sim_trace(struct sim *sim, const char *format, ...)
{
	va_list args;

	if (!sim->verbose)
		return;
	printf("%6" PRIu64 " %9" PRIu64 "us ", sim->step, sim->outside.now_us);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

void sim_trace_words(struct sim *sim, const struct sim_client *client, const char *verb,
		     struct span words)
{
	if (!sim->verbose)
		return;
	printf("%6" PRIu64 " %9" PRIu64 "us client %u %s ", sim->step, sim->outside.now_us,
	       client->number, verb);
	for (size_t i = 0; i < words.len; i++) {
		unsigned char byte = (unsigned char)words.at[i];

		if (byte >= ' ' && byte < 0x7f)
			putchar(byte);
		else
			printf("\\x%02x", byte);
	}
	putchar('\n');
}

bool sim_chance(struct sim *sim, uint32_t percent)
{
	return rng_below(&sim->rng, 100) < percent;
}

uint64_t sim_pick(struct sim *sim, uint64_t from, uint64_t to)
{
	return from + rng_below(&sim->rng, to - from + 1);
}

/* Whether the engine had a reason to end this client. */
static void sim_check_end(struct sim *sim, const struct sim_client *client, const struct peer *peer)
{
	bool justified = false;

	if (peer->state == PEER_ABORTED)
		justified = client->mute || client->slow;
	else if (peer->close_code == 1013)
		justified = client->slow || sim->latitude.may_be_cut || sim->memory_is_short;
	else if (peer->close_code == 1008)
		justified = client->kicked ||
			    (client->expires_us && sim->outside.now_us >= client->expires_us);
	else if (peer->close_code == 1012)
		justified = sim->outside.engine->draining;
	else if (peer->close_code == 1007 || peer->close_code == 1009)
		justified = client->breaks_rules;
	else if (peer->close_code == 1000)
		justified = sim->latitude.may_be_idle;
	if (!justified)
		sim_fail(sim, "a client is not cut without a reason", "client %u: %u %s",
			 client->number, peer->close_code, peer->close_reason);
}

/* Called from inside the engine, so that nothing is done now. */
static void sim_on_change(void *context, struct peer *peer)
{
	struct sim *sim = context;
	uint64_t now_us = sim->outside.now_us;

	if (peer->kind == PEER_UPSTREAM && peer->state == PEER_DIALING)
		upstream_dialled(sim, peer);
	if (peer->state != PEER_CLOSING && peer->state != PEER_ABORTED)
		return;
	sim_trace(sim, "the engine ends %s %" PRIu64 ": %u %s",
		  peer->kind == PEER_UPSTREAM ? "upstream" : "client's peer", peer->number,
		  peer->close_code, peer->close_reason);
	if (peer->kind == PEER_CLIENT)
		sim_check_end(sim, peer->actor, peer);
	agenda_add(&sim->agenda, now_us + sim_pick(sim, 0, 100 * MS), EVENT_END, peer);
}

static void sim_flush_client(struct sim *sim, struct sim_client *client)
{
	if (!client->peer)
		return;
	if (client->post) {
		if (client->peer->status == 0)
			return;
		judge_post(sim, client);
		client_gone(sim, client);
		return;
	}
	if (!client->slow)
		client_read(sim, client, SIZE_MAX);
}

/* Of endpoints that fell ill, what waited in outboxes may have been moved, out of its order. */
static void sim_note_rescues(struct sim *sim)
{
	const struct engine *engine = sim->outside.engine;

	for (size_t lane = 0; lane < engine->lane_count; lane++) {
		const struct pool *pool = engine->lanes[lane]->pool;
		size_t at = sim_pool_index(sim, pool);
		uint64_t sicknesses = 0;

		for (size_t i = 0; i < pool->endpoint_count; i++) {
			const struct endpoint *endpoint = pool->endpoints[i];

			for (size_t kind = 0; kind < FAILURE_KINDS; kind++)
				sicknesses += endpoint->stats.ejections[kind] << 8;
			sicknesses += endpoint->probe.failing ? UINT64_C(1) << i % 8 : 0;
		}
		if (sicknesses == sim->sicknesses[at])
			continue;
		sim->sicknesses[at] = sicknesses;
		for (uint32_t i = 0; i < sim->ask_count; i++)
			sim->asks[i].moved |= sim->asks[i].pool == at && sim->asks[i].writes == 0;
	}
}

void sim_flush(struct sim *sim)
{
	sim_note_rescues(sim);
	for (uint32_t i = 0; i < sim->client_count; i++)
		sim_flush_client(sim, &sim->clients[i]);
	list_each(&sim->outside.peers, node) {
		struct peer *peer = list_entry(node, struct peer, link);
		struct sim_upstream *upstream = peer->actor;

		if (peer->kind != PEER_UPSTREAM || peer->state == PEER_DIALING ||
		    !peer->wants_write)
			continue;
		if (!upstream->stalled)
			upstream_read(sim, upstream, SIZE_MAX);
		else if (sim_chance(sim, 30))
			upstream_read(sim, upstream, sim_pick(sim, 1, 80));
	}
}

/* The process is stopped for a while, or the machine sleeps: nothing happens meanwhile. */
static void sim_stand_still(struct sim *sim)
{
	uint64_t gap_us = sim_pick(sim, 520 * MS, 1500 * MS);

	sim_trace(sim, "time stands still for %" PRIu64 " us", gap_us);
	agenda_delay(&sim->agenda, gap_us);
	news_all_late(sim);
	sim->calm_us += gap_us;
	sim->outside.now_us += gap_us;
}

/* What admin looks at must never disturb. */
static void sim_take_picture(struct sim *sim)
{
	struct snapshot snapshot;

	if (engine_snapshot(sim->outside.engine, SNAPSHOT_CONNECTIONS, sim->outside.now_us,
			    &snapshot))
		sim_fail(sim, "a picture can be taken", "no memory?");
	if (snapshot.clients != session_count(&sim->outside.engine->sessions) ||
	    snapshot.pool_count != sim->outside.engine->lane_count)
		sim_fail(sim, "a picture is true", "%zu clients", snapshot.clients);
	snapshot_fini(&snapshot);
}

static void sim_tick(struct sim *sim)
{
	if (rng_below(&sim->rng, 2000) == 0)
		sim_stand_still(sim);
	if (rng_below(&sim->rng, 100) == 0)
		sim_take_picture(sim);
	outside_tick(&sim->outside, sim->outside.now_us);
	agenda_add(&sim->agenda, sim->outside.now_us + sim->tick_gap_us, EVENT_TICK, NULL);
}

static void sim_drain(struct sim *sim)
{
	if (sim->drains) {
		sim_trace(sim, "drain begins");
		engine_drain(sim->outside.engine, sim->outside.now_us);
	} else {
		for (uint32_t i = 0; i < sim->client_count; i++)
			agenda_add(&sim->agenda, sim->outside.now_us + sim_pick(sim, 0, 2500 * MS),
				   EVENT_LEAVE, &sim->clients[i]);
	}
}

/* Words arrive in pieces, and not while nobody reads. */
static void sim_say(struct sim *sim, struct peer *peer, const struct happening *event)
{
	struct span left = span_of(event->words, event->words_len);

	news_arrive(sim);
	if (peer->state != PEER_OPEN) {
		news_arrived(sim, left);
		return;
	}
	if (peer->paused && sim_chance(sim, 80)) {
		news_late(sim, left);
		agenda_add_words(&sim->agenda, sim->outside.now_us + 5 * MS, peer, event->binary,
				 left);
		return;
	}
	while (left.len > 1 && sim_chance(sim, 15)) {
		size_t len = sim_pick(sim, 0, left.len - 1);

		peer_piece(peer, event->binary, span_of(left.at, len), sim_chance(sim, 50), false);
		left = span_of(left.at + len, left.len - len);
	}
	peer_say(peer, event->binary, left);
	news_arrived(sim, span_of(event->words, event->words_len));
	readers_answered(sim, peer->actor, span_of(event->words, event->words_len));
}

/* The end that the engine asked for: what was pending has been sent, or time is up. */
static void sim_end_peer(struct sim *sim, struct peer *peer)
{
	if (peer->state == PEER_ENDED)
		return;
	if (peer->kind == PEER_UPSTREAM)
		upstream_end(sim, peer, "asked", 0);
	else if (peer->kind == PEER_CLIENT)
		client_leave(sim, peer->actor, peer->close_code);
}

static void sim_kill(struct sim *sim, struct peer *peer)
{
	static const struct {
		const char *cause;
		uint16_t code;
	} ends[] = {
		{"eof", 0}, {"closed", 1001}, {"closed", 1011}, {"closed", 1012}, {"protocol", 0}};
	size_t end = sim_pick(sim, 0, 4);

	if (peer->state == PEER_OPEN)
		upstream_end(sim, peer, ends[end].cause, ends[end].code);
}

static void sim_peer_event(struct sim *sim, const struct happening *event)
{
	struct peer *peer = event->who;
	struct sim_upstream *upstream = peer->actor;

	switch (event->kind) {
	case EVENT_PONG:
		if (!peer->paused)
			peer_pong(peer);
		else
			agenda_add(&sim->agenda, sim->outside.now_us + 5 * MS, EVENT_PONG, peer);
		return;
	case EVENT_END:
		sim_end_peer(sim, peer);
		return;
	case EVENT_DIAL:
		upstream_settle_dial(sim, peer);
		return;
	case EVENT_SAY:
		sim_say(sim, peer, event);
		return;
	case EVENT_KILL:
		sim_kill(sim, peer);
		return;
	case EVENT_WAKE:
		upstream->stalled = false;
		return;
	default:
		upstream_babble(sim, upstream);
		return;
	}
}

static void sim_handle(struct sim *sim, const struct happening *event)
{
	struct sim_client *client = event->who;

	switch (event->kind) {
	case EVENT_TICK:
		sim_tick(sim);
		return;
	case EVENT_DRAIN:
		sim_drain(sim);
		return;
	case EVENT_EMIT:
		subscribers_emit(sim);
		return;
	case EVENT_OPERATOR:
		if (sim->outside.now_us < sim->calm_us)
			operator_act(sim);
		else
			operator_ends(sim);
		return;
	case EVENT_VISIT:
		visitor_step(sim, event->who);
		return;
	case EVENT_CHANGE:
		readers_change(sim);
		return;
	case EVENT_NEWS:
		news_break(sim);
		return;
	case EVENT_RELOAD:
		reload_happen(sim);
		return;
	case EVENT_ARRIVE:
		if (sim->outside.now_us < sim->calm_us)
			client_arrive(sim, client);
		return;
	case EVENT_SPEAK:
		client_speak(sim, client);
		return;
	case EVENT_DRINK:
		if (!client->peer)
			return;
		client_read(sim, client, sim_pick(sim, 1, 400));
		agenda_add(&sim->agenda, sim->outside.now_us + sim_pick(sim, 0, 80 * MS),
			   EVENT_DRINK, client);
		return;
	case EVENT_LEAVE:
		client_leave(sim, client, sim_chance(sim, 50) ? 1000 : 0);
		return;
	default:
		sim_peer_event(sim, event);
		return;
	}
}

static bool sim_is_over(const struct sim *sim)
{
	const struct engine *engine = sim->outside.engine;

	if (sim->outside.now_us < sim->calm_us)
		return false;
	if (sim->operated && !sim->drains && sim->settled_us == 0)
		return false;
	if (sim->drains)
		return engine_is_drained(engine, sim->outside.now_us);
	return session_count(&engine->sessions) == 0 && engine->exchanges.used == 0 &&
	       subscribers_are_done(sim) && sim->outside.now_us >= sim->settled_us;
}

static void sim_loop(struct sim *sim)
{
	struct happening event;

	while (!sim_is_over(sim) && agenda_pop(&sim->agenda, &event)) {
		sim->step++;
		sim->outside.now_us = event.at_us;
		sim_handle(sim, &event);
		free(event.words);
		sim_flush(sim);
		readers_look(sim);
		check_step(sim);
		if (sim->step > STEPS_MAX)
			sim_fail(sim, "a run ends", "%u asks", sim->ask_count);
	}
}

static void sim_hang_up(struct sim *sim)
{
	struct list_node *node;

	for (uint32_t i = 0; i < sim->client_count; i++)
		client_leave(sim, &sim->clients[i], 0);
	visitors_leave(sim);
	while ((node = list_first(&sim->outside.peers)))
		upstream_end(sim, list_entry(node, struct peer, link), "eof", 0);
}

static void sim_free(struct sim *sim)
{
	list_each(&sim->outside.gone, node) {
		struct peer *peer = list_entry(node, struct peer, link);

		if (peer->kind == PEER_UPSTREAM)
			free(peer->actor);
	}
	outside_fini(&sim->outside);
	for (uint32_t i = 0; i < sim->ask_count; i++)
		free(sim->asks[i].params);
	free(sim->asks);
	free(sim->batches);
	free(sim->subs);
	news_free(sim);
	agenda_fini(&sim->agenda);
	envelope_destroy(sim->envelope);
	strbuf_fini(&sim->scratch);
	strbuf_fini(&sim->token);
	plan_free(sim);
}

void sim_run(struct sim *sim)
{
	struct setup *first;

	rng_init(&sim->rng, sim->seed);
	outside_init(&sim->outside, sim->seed);
	strbuf_init(&sim->scratch);
	strbuf_init(&sim->token);
	sim->outside.on_change = sim_on_change;
	sim->outside.context = sim;
	plan_make(sim);
	reload_begin(sim);
	first = setup_copy(&sim->setup);
	if (envelope_create(&sim->envelope, NULL, NULL, 0) ||
	    outside_begin(&sim->outside, &first->config, sim->seed))
		sim_fail(sim, "an engine can be made", "no memory?");
	config_release(&first->config);
	sim_loop(sim);
	if (sim->operated && !sim->drains)
		operator_check_sizes(sim);
	subscribers_check_end(sim);
	sim_hang_up(sim);
	check_end(sim);
	outside_end(&sim->outside);
	sim_free(sim);
}
