#include "tests/sim/readers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "broker/engine/invalidate.h"
#include "tests/sim/sim.h"
#include "tests/support/compose.h"
#include "tests/support/must.h"

static const char *const methods[SIM_PLAIN] = {"p0.read", "p1.read", "p2.read"};
static const char *const writes[SIM_PLAIN] = {"p0.grow", "p1.grow", "p2.grow"};
/* How the answer to a write differs. */
#define GROWN ",\"grown\":1"

static const char *const tags_of_request[] = {"number:{params.number}"};
static const char *const tags_of_answer[] = {"number:{result.number}"};

static void plan_writes(struct sim *sim, uint32_t pool)
{
	struct route_settings *route = setup_route(&sim->setup, writes[pool]);

	route->pool = pool;
	route->timeout_us = sim->read_timeout_us[pool];
	route->idempotent = sim_chance(sim, 50);
	route->hedge = sim_chance(sim, 30);
	route->invalidate = (struct invalidate_rule){
		.templates = (const char **)tags_of_request, .count = 1, .compiled = sim->grown};
	sim->unasked[pool] = sim->setup.pools[pool].probe.interval_us == 0;
}

void readers_plan(struct sim *sim)
{
	const char *why;
	size_t bad;

	if (tag_templates_create(&sim->grown, tags_of_request, 1, TAGS_OF_WRITE, &why, &bad))
		abort();
	sim->reads = sim_chance(sim, 60);
	/* Where the broker is told much, it hardly matters what it finds out. */
	sim->change_us = sim_chance(sim, 50) ? 60 * MS : 1500 * MS;
	for (uint32_t i = 0; sim->reads && i < sim->plain; i++) {
		struct route_settings *route = setup_route(&sim->setup, methods[i]);

		route->pool = i;
		route->timeout_us = sim_pick(sim, 30 * MS, 1500 * MS);
		route->idempotent = sim_chance(sim, 50);
		if (sim_chance(sim, 50))
			route->attempt_timeout_us = sim_pick(sim, 10 * MS, route->timeout_us);
		route->cache = (struct cache_rule){
			.enabled = true,
			.scope = {.kind = sim_chance(sim, 80) ? CACHE_SCOPE_SHARED
							      : CACHE_SCOPE_CLIENT},
			.tags = (const char **)(sim_chance(sim, 50) ? tags_of_request
								    : tags_of_answer),
			.tag_count = 1,
			.ttl_us =
				sim_pick(sim, 1 * MS, sim_chance(sim, 50) ? 1500 * MS : 9000 * MS),
			.stale_while_revalidate_us =
				sim_chance(sim, 50) ? sim_pick(sim, 0, 500 * MS) : 0,
			.stale_if_error_us = sim_chance(sim, 50) ? sim_pick(sim, 0, 900 * MS) : 0,
			.prefetch_threshold = sim_chance(sim, 50) ? 0.5 : 0,
			.weight = 2,
		};
		sim->read_timeout_us[i] = route->timeout_us;
		plan_writes(sim, i);
		for (uint32_t k = 0; k < SIM_NUMBERS; k++)
			sim->numbers[i][k].value = 1;
	}
	if (sim->reads && sim_chance(sim, 50))
		sim->setup.config.cache.prefetch =
			(struct prefetch_settings){.predictive = true, .budget = 1};
	if (sim->reads)
		agenda_add(&sim->agenda, sim->outside.now_us, EVENT_CHANGE, NULL);
}

const char *readers_method(const struct ask *ask)
{
	return ask->grows ? writes[ask->pool] : methods[ask->pool];
}

void readers_fill(struct sim *sim, struct ask *ask)
{
	struct strbuf token;
	char json[64];

	ask->timeout_us = sim->read_timeout_us[ask->pool];
	ask->topic = (uint32_t)sim_pick(sim, 0, SIM_NUMBERS - 1);
	ask->grows = sim_chance(sim, 25);
	snprintf(json, sizeof(json), "{\"number\":%u}", ask->topic);
	strbuf_init(&token);
	compose_json(&token, ask->encoding, json);
	ask->params = token.text;
	ask->params_len = token.len;
}

void readers_heard(struct sim *sim, struct ask *ask)
{
	ask->floor = sim->numbers[ask->pool][ask->topic].floor;
}

/* {"number":n,"value":v} in either encoding. */
static bool read_result(enum encoding encoding, struct span result, uint32_t *number,
			uint64_t *value)
{
	struct strbuf json;
	bool well;

	strbuf_init(&json);
	well = result.at && transcode(encoding, ENCODING_JSON, result, &json) == WSB_OK &&
	       sscanf(json.text, "{\"number\":%" SCNu32 ",\"value\":%" SCNu64 "}", number, value) ==
		       2;
	strbuf_fini(&json);
	return well;
}

const char *readers_judge(struct sim *sim, struct ask *ask, const struct message *message)
{
	uint32_t number;
	uint64_t value;

	if (message->failed)
		return NULL;
	if (!read_result(message->encoding, message->result, &number, &value))
		return "a result that nobody made";
	if (number != ask->topic)
		return "another number than the one that was asked for";
	if (value > sim->numbers[ask->pool][number].value)
		return "a number that has not grown so far";
	if (value < ask->floor)
		sim_fail(sim, "nothing older is served than what was invalidated before",
			 "ask %u: number %u is %" PRIu64 ", at least %" PRIu64, ask->number, number,
			 value, ask->floor);
	return NULL;
}

/* errs: what was asked for has not been done. */
static void answer_read(struct sim *sim, struct sim_upstream *upstream, struct span id,
			uint32_t number, bool errs, bool grows)
{
	const struct temper *temper = upstream->temper;
	enum encoding encoding = sim->setup.pools[upstream->pool].encoding;
	char json[96];

	strbuf_clear(&sim->scratch);
	strbuf_clear(&sim->token);
	if (errs)
		snprintf(json, sizeof(json), "{\"code\":-5,\"message\":\"no\"}");
	else
		snprintf(json, sizeof(json), "{\"number\":%u,\"value\":%" PRIu64 "%s}", number,
			 sim->numbers[upstream->pool][number].value, grows ? GROWN : "");
	compose_json(&sim->token, encoding, json);
	compose_answer(&sim->scratch, encoding, id, errs ? "error" : "result",
		       strbuf_span(&sim->token));
	upstream_say_later(sim, upstream, &sim->scratch, sim_pick(sim, 0, temper->answer_us));
	if (sim_chance(sim, temper->doubles))
		upstream_say_later(sim, upstream, &sim->scratch,
				   sim_pick(sim, 0, temper->answer_us + 100 * MS));
}

static void know(struct sim *sim, const struct sim_upstream *upstream, uint32_t number,
		 uint64_t value)
{
	struct sim_number *kept = &sim->numbers[upstream->pool][number];

	if (value > kept->floor)
		kept->floor = value;
}

static void grow(struct sim *sim, struct sim_upstream *upstream, uint32_t number, bool asked)
{
	uint64_t value = ++sim->numbers[upstream->pool][number].value;

	if (asked)
		upstream->growth[number].asked = value;
	else
		upstream->growth[number].told = value;
}

void readers_answered(struct sim *sim, struct sim_upstream *upstream, struct span words)
{
	enum encoding encoding = sim->setup.pools[upstream->pool].encoding;
	struct message message;
	uint32_t number;
	uint64_t value;

	/* Where the broker hears nothing more it acts upon the end. */
	if (!sim->reads || upstream->pool >= sim->plain || upstream->peer->state != PEER_OPEN ||
	    upstream->peer->connection->doom ||
	    envelope_scan(sim->envelope, FROM_UPSTREAM, encoding, words, &message) ||
	    message.batch || message.failed || !message.result.at ||
	    !memmem(words.at, words.len, "grown", 5) ||
	    !read_result(encoding, message.result, &number, &value) || number >= SIM_NUMBERS)
		return;
	know(sim, upstream, number, value);
}

void readers_lost(struct sim *sim, struct sim_upstream *upstream)
{
	if (!sim->reads || upstream->pool >= sim->plain)
		return;
	for (uint32_t i = 0; i < SIM_NUMBERS; i++) {
		know(sim, upstream, i, upstream->growth[i].asked);
		know(sim, upstream, i, upstream->growth[i].told);
	}
}

/* Half of the time that a notification has is well before the broker gives it up. */
static bool grow_later(struct sim *sim, struct sim_upstream *upstream, uint32_t number,
		       struct span id)
{
	uint64_t most_us = id.at ? 2 * sim->read_timeout_us[upstream->pool]
				 : sim->read_timeout_us[upstream->pool] / 2;

	for (uint32_t i = 0; id.len <= sizeof(upstream->slow[i].id) && i < SIM_SLOW; i++) {
		struct sim_slow *slow = &upstream->slow[i];

		if (slow->at_us > 0)
			continue;
		*slow = (struct sim_slow){
			.at_us = sim->outside.now_us + sim_pick(sim, 0, most_us),
			.number = number,
			.id_len = id.len,
		};
		if (id.at)
			memcpy(slow->id, id.at, id.len);
		return true;
	}
	return false;
}

static void grow_at_last(struct sim *sim, struct sim_upstream *upstream)
{
	for (uint32_t i = 0; i < SIM_SLOW; i++) {
		struct sim_slow *slow = &upstream->slow[i];

		if (slow->at_us == 0 || sim->outside.now_us < slow->at_us)
			continue;
		slow->at_us = 0;
		grow(sim, upstream, slow->number, slow->id_len > 0);
		sim_trace(sim, "upstream %" PRIu64 " makes number %u grow at last",
			  upstream->peer->number, slow->number);
		if (slow->id_len > 0)
			answer_read(sim, upstream, span_of(slow->id, slow->id_len), slow->number,
				    false, true);
	}
}

void readers_look(struct sim *sim)
{
	list_each(&sim->outside.peers, node) {
		struct peer *peer = list_entry(node, struct peer, link);
		struct sim_upstream *upstream = peer->actor;

		if (!sim->reads || peer->kind != PEER_UPSTREAM || peer->state != PEER_OPEN ||
		    upstream->pool >= sim->plain)
			continue;
		grow_at_last(sim, upstream);
		if (sim->unasked[upstream->pool] || peer->connection->doubts.count > 0)
			continue;
		for (uint32_t i = 0; i < SIM_NUMBERS; i++)
			know(sim, upstream, i, upstream->growth[i].told);
	}
}

bool readers_serve(struct sim *sim, struct sim_upstream *upstream, struct span payload)
{
	enum encoding encoding = sim->setup.pools[upstream->pool].encoding;
	struct message message;
	struct strbuf params;
	uint32_t number;
	bool errs = sim_chance(sim, upstream->temper->errs);
	bool grows;

	if (!sim->reads || envelope_scan(sim->envelope, FROM_CLIENT, encoding, payload, &message) ||
	    !message.method.at)
		return false;
	grows = span_is(message.method, writes[upstream->pool]);
	if (!grows && !span_is(message.method, methods[upstream->pool]))
		return false;
	strbuf_init(&params);
	if (transcode(encoding, ENCODING_JSON, message.params, &params) ||
	    sscanf(params.text, "{\"number\":%" SCNu32 "}", &number) != 1 || number >= SIM_NUMBERS)
		sim_fail(sim, "an upstream gets the params of a reader", "%.*s", (int)payload.len,
			 payload.at);
	strbuf_fini(&params);
	if (grows && !errs && !upstream->hangs && sim_chance(sim, 40) &&
	    grow_later(sim, upstream, number, message.id))
		return true;
	if (grows && !errs && !upstream->hangs)
		grow(sim, upstream, number, message.id.at != NULL);
	sim_trace(sim, "upstream %" PRIu64 " hears %s of %u, which is %" PRIu64,
		  upstream->peer->number, grows ? "growth" : "read", number,
		  sim->numbers[upstream->pool][number].value);
	if (message.id.at && !upstream->hangs && !sim_chance(sim, upstream->temper->drops))
		answer_read(sim, upstream, message.id, number, errs, grows);
	if (sim_chance(sim, upstream->temper->kills))
		agenda_add(&sim->agenda, sim->outside.now_us + sim_pick(sim, 0, 50 * MS),
			   EVENT_KILL, upstream->peer);
	return true;
}

/* In one of the ways that there are. Softly nothing is promised. */
static void tell_broker(struct sim *sim, uint32_t pool, uint32_t number)
{
	char tag[32];
	struct span span = span_of(tag, 0);
	struct invalidation what = {.mode = INVALIDATE_HARD};
	uint64_t way = sim_pick(sim, 0, 9);

	if (way < 7) {
		span.len = (size_t)snprintf(tag, sizeof(tag), "number:%u", number);
		what.tags = &span;
		what.tag_count = 1;
	} else if (way < 9) {
		span = span_text(methods[pool]);
		what.methods = &span;
		what.method_count = 1;
	} else {
		what.all = true;
	}
	if (sim_chance(sim, 30))
		what.mode = INVALIDATE_SOFT;
	invalidate(sim->outside.engine, &what, CAUSE_ADMIN, sim->outside.now_us);
	sim_trace(sim, "the broker is told%s of number %u of pool %u: %" PRIu64,
		  what.mode == INVALIDATE_SOFT ? " softly" : "", number, pool,
		  sim->numbers[pool][number].value);
	if (what.mode == INVALIDATE_SOFT)
		return;
	/* A tag is the same number's in all pools. */
	for (uint32_t i = 0; i < SIM_PLAIN; i++)
		for (uint32_t k = 0; k < SIM_NUMBERS; k++)
			if (way == 9 || (way >= 7 && i == pool) || (way < 7 && k == number))
				sim->numbers[i][k].floor = sim->numbers[i][k].value;
}

void readers_change(struct sim *sim)
{
	uint32_t pool = (uint32_t)sim_pick(sim, 0, sim->plain - 1);
	uint32_t number = (uint32_t)sim_pick(sim, 0, SIM_NUMBERS - 1);

	if (sim_chance(sim, 50))
		sim->numbers[pool][number].value++;
	else
		tell_broker(sim, pool, number);
	if (sim->outside.now_us < sim->calm_us)
		agenda_add(&sim->agenda, sim->outside.now_us + sim_pick(sim, 0, sim->change_us),
			   EVENT_CHANGE, NULL);
}
