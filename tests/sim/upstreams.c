/* The upstreams: each answers with the whole params of the request, unless its temper says else. */
#include "tests/sim/sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "broker/engine/doubts.h"
#include "tests/support/compose.h"
#include "tests/support/must.h"

/* Endpoints come and go, so they are known by their names. */
const struct temper *sim_temper(const struct sim *sim, size_t pool, const struct endpoint *endpoint)
{
	size_t place = (size_t)(endpoint->settings->name[0] - 'a');

	return &sim->tempers[pool][place < SETUP_ENDPOINTS ? place : SETUP_ENDPOINTS];
}

void upstream_dialled(struct sim *sim, struct peer *peer)
{
	struct sim_upstream *upstream = must_calloc(1, sizeof(*upstream));
	const struct pool *pool = peer->connection->pool;

	upstream->peer = peer;
	upstream->pool = (uint32_t)sim_pool_index(sim, pool);
	upstream->temper = sim_temper(sim, upstream->pool, peer->connection->endpoint);
	peer->actor = upstream;
	agenda_add(&sim->agenda, sim->outside.now_us + sim_pick(sim, 0, upstream->temper->dial_us),
		   EVENT_DIAL, peer);
}

/* For a while it reads nothing, or a little now and then. */
static void upstream_may_stall(struct sim *sim, struct sim_upstream *upstream)
{
	if (!sim_chance(sim, upstream->temper->stalls))
		return;
	upstream->stalled = true;
	agenda_add(&sim->agenda, sim->outside.now_us + sim_pick(sim, 0, 300 * MS), EVENT_WAKE,
		   upstream->peer);
}

static bool upstream_is_away(const struct sim *sim, const struct temper *temper)
{
	return temper->flap_us > 0 && sim->outside.now_us / temper->flap_us % 2 == 1;
}

void upstream_settle_dial(struct sim *sim, struct peer *peer)
{
	static const char *const causes[] = {"dns", "connect", "tls", "upgrade"};
	struct sim_upstream *upstream = peer->actor;
	const struct temper *temper = upstream->temper;
	uint64_t now_us = sim->outside.now_us;

	if (peer->state != PEER_DIALING)
		return;
	if (sim_chance(sim, temper->refuses_dial) || upstream_is_away(sim, temper)) {
		upstream_end(sim, peer,
			     sim->setup.pools[upstream->pool].tunnels && sim_chance(sim, 30)
				     ? "answered"
				     : causes[sim_pick(sim, 0, 3)],
			     0);
		return;
	}
	upstream->hangs = sim_chance(sim, temper->hangs);
	sim_trace(sim, "upstream %" PRIu64 " of pool %u opens%s", peer->number, upstream->pool,
		  upstream->hangs ? " and hangs" : "");
	upstream_may_stall(sim, upstream);
	peer_open(peer);
	if (sim_chance(sim, temper->kills * 3))
		agenda_add(&sim->agenda, now_us + sim_pick(sim, 0, 1500 * MS), EVENT_KILL, peer);
	if (temper->flap_us > 0)
		agenda_add(&sim->agenda, (now_us / temper->flap_us + 1) * temper->flap_us,
			   EVENT_KILL, peer);
	if (sim_chance(sim, temper->babbles))
		agenda_add(&sim->agenda, now_us + sim_pick(sim, 0, 500 * MS), EVENT_BABBLE, peer);
}

void upstream_say_later(struct sim *sim, struct sim_upstream *upstream, const struct strbuf *words,
			uint64_t delay_us)
{
	enum encoding encoding = sim->setup.pools[upstream->pool].encoding;

	agenda_add_words(&sim->agenda, sim->outside.now_us + delay_us, upstream->peer,
			 encoding == ENCODING_MSGPACK, strbuf_span(words));
}

static void upstream_greet(struct sim *sim, struct sim_upstream *upstream)
{
	enum encoding encoding = sim->setup.pools[upstream->pool].encoding;

	if (upstream->greeted)
		sim_fail(sim, "a connection is greeted once", "upstream %" PRIu64,
			 upstream->peer->number);
	upstream->greeted = true;
	if (upstream->hangs)
		return;
	strbuf_clear(&sim->scratch);
	compose_json(&sim->scratch, encoding,
		     sim_chance(sim, upstream->temper->rejects)
			     ? "{\"type\":\"go_away\"}"
			     : "{\"type\":\"welcome\",\"more\":[1]}");
	upstream_say_later(sim, upstream, &sim->scratch, sim_pick(sim, 0, 60 * MS));
}

/* An error of the upstream's own, which carries the params as its data. */
static void upstream_compose_error(struct sim *sim, enum encoding encoding, struct span params)
{
	struct strbuf code, text;

	strbuf_init(&code);
	strbuf_init(&text);
	compose_json(&code, encoding, "-5");
	compose_text(&text, encoding, "upstream says no");
	compose(&sim->token, encoding,
		(struct part[]){
			{"code", strbuf_span(&code)},
			{"message", strbuf_span(&text)},
			{"data", params},
		},
		3);
	strbuf_fini(&code);
	strbuf_fini(&text);
}

static void upstream_compose_answer(struct sim *sim, const struct sim_upstream *upstream,
				    struct span id, struct span params)
{
	enum encoding encoding = sim->setup.pools[upstream->pool].encoding;

	strbuf_clear(&sim->scratch);
	strbuf_clear(&sim->token);
	if (sim_chance(sim, upstream->temper->errs)) {
		upstream_compose_error(sim, encoding, params);
		compose_answer(&sim->scratch, encoding, id, "error", strbuf_span(&sim->token));
	} else if (encoding == ENCODING_MSGPACK && sim_chance(sim, upstream->temper->errs)) {
		strbuf_text(&sim->token, SIM_BYTES_ANSWER);
		strbuf_add(&sim->token, params);
		compose_answer(&sim->scratch, encoding, id, "result", strbuf_span(&sim->token));
	} else {
		compose_answer(&sim->scratch, encoding, id, "result", params);
	}
}

/* Of a write that may be done yet: an answer would say that it is. */
static bool is_in_doubt(const struct connection *connection, uint64_t number)
{
	list_each(&connection->doubts, node) {
		if (list_entry(node, struct doubt, at_link)->id == number)
			return true;
	}
	return false;
}

/* None that is, or can soon be, a request's: an ended one of the same place, one of a generation
 * far ahead, one of a place that is not in use. */
static uint64_t upstream_wrong_number(struct sim *sim, uint64_t number)
{
	const uint64_t generation = UINT64_C(1) << EXCHANGE_INDEX_BITS;

	switch (sim_pick(sim, 0, 3)) {
	case 0:
		return 0;
	case 1:
		return number > generation ? number - generation : 0;
	case 2:
		return number + 100000 * generation;
	default:
		return number + generation / 2;
	}
}

/* An id that was never asked for here: another's, a text, nothing. */
static void upstream_misname(struct sim *sim, struct sim_upstream *upstream, struct span id,
			     struct span params, bool quoted)
{
	enum encoding encoding = sim->setup.pools[upstream->pool].encoding;
	struct strbuf wrong;
	uint64_t number = 0;

	if (!own_id_read(ID_INTEGER, encoding, id, &number))
		sim_fail(sim, "ids upstream are whole numbers from 1 up", "%.*s", (int)id.len,
			 id.at);
	if (!quoted)
		number = upstream_wrong_number(sim, number);
	if (!quoted && is_in_doubt(upstream->peer->connection, number))
		number = 0;
	strbuf_init(&wrong);
	strbuf_printf(&wrong, quoted ? "\"%" PRIu64 "\"" : "%" PRIu64, number);
	strbuf_clear(&sim->token);
	compose_json(&sim->token, encoding, sim_chance(sim, 10) ? "null" : wrong.text);
	strbuf_fini(&wrong);
	strbuf_clear(&sim->scratch);
	compose_answer(&sim->scratch, encoding, strbuf_span(&sim->token), "result", params);
	upstream_say_later(sim, upstream, &sim->scratch, sim_pick(sim, 0, 40 * MS));
}

static void upstream_answer(struct sim *sim, struct sim_upstream *upstream, struct span id,
			    struct span params)
{
	const struct temper *temper = upstream->temper;
	uint64_t delay_us = sim_pick(sim, 0, temper->answer_us);

	if (sim_chance(sim, temper->misnames))
		upstream_misname(sim, upstream, id, params, false);
	if (sim_chance(sim, temper->quotes))
		upstream_misname(sim, upstream, id, params, true);
	if (upstream->hangs || sim_chance(sim, temper->drops))
		return;
	upstream_compose_answer(sim, upstream, id, params);
	if (sim_chance(sim, temper->doubles))
		upstream_say_later(sim, upstream, &sim->scratch, sim_pick(sim, 0, 200 * MS));
	upstream_say_later(sim, upstream, &sim->scratch, delay_us);
	if (sim_chance(sim, temper->kills))
		agenda_add(&sim->agenda, sim->outside.now_us + sim_pick(sim, 0, 2 * delay_us + 1),
			   EVENT_KILL, upstream->peer);
}

/* A second attempt overtakes what its client said meanwhile, so its order is its own. Of requests
 * that have ended nobody knows any more whether this was one. */
static bool upstream_may_be_repetition(struct sim *sim, const struct sim_upstream *upstream,
				       struct span payload)
{
	enum encoding encoding = sim->setup.pools[upstream->pool].encoding;
	struct exchange *exchange;
	struct message message;
	uint64_t id;

	if (envelope_scan(sim->envelope, FROM_CLIENT, encoding, payload, &message) ||
	    !message.id.at || !own_id_read(ID_INTEGER, encoding, message.id, &id))
		return false;
	return exchange_find(&sim->outside.engine->exchanges, id, &exchange) != EXCHANGE_IS_LIVE ||
	       exchange->attempts_made > 1;
}

/* Where clients stay on a connection their order holds over all that they move to; but what an old
 * connection has not read yet may be overtaken when the client could not wait for it, and what it
 * leaves behind when it goes has no seat. */
static void upstream_check_seated(struct sim *sim, const struct sim_upstream *upstream,
				  const struct ask *ask)
{
	struct sim_client *client = &sim->clients[ask->client];
	uint32_t *newest = &client->newest[upstream->pool];

	if (sim->setup.pools[upstream->pool].affinity == AFFINITY_NONE ||
	    sim->latitude.may_come_back || ask->writes > 1 || !client->peer ||
	    ask->number < client->first_of_session || ask->state == ASK_DONE ||
	    !upstream->peer->connection->carries)
		return;
	if (ask->number < *newest)
		sim_fail(sim, "a client that stays on a connection keeps its order",
			 "client %u: ask %u after %u", ask->client, ask->number, *newest - 1);
	*newest = ask->number + 1;
}

/* It has begun to leave for an upstream. */
static void upstream_count_write(struct sim *sim, struct sim_upstream *upstream, struct ask *ask,
				 struct span payload)
{
	uint32_t *newest = &upstream->newest[ask->client];

	ask->moved |= upstream_may_be_repetition(sim, upstream, payload);
	ask->writes++;
	upstream_check_seated(sim, upstream, ask);
	if (ask->writes > 1 && (ask->kind != ASK_GET || !ask->wants_answer))
		sim_fail(sim, "what is not idempotent is written once", "ask %u", ask->number);
	if (ask->writes > EXCHANGE_ATTEMPTS_MAX + 1)
		sim_fail(sim, "attempts are bounded", "ask %u: %u", ask->number, ask->writes);
	if (ask->writes > 1 || ask->moved ||
	    ask->number < sim->clients[ask->client].first_of_session)
		return;
	if (ask->number < *newest)
		sim_fail(sim, "messages of one client keep their order on a connection",
			 "client %u: ask %u after %u", ask->client, ask->number, *newest - 1);
	*newest = ask->number + 1;
}

static struct ask *upstream_ask_of(struct sim *sim, struct sim_upstream *upstream, bool binary,
				   struct span payload, struct message *message)
{
	enum encoding encoding = sim->setup.pools[upstream->pool].encoding;
	struct ask *ask;

	if (binary != (encoding == ENCODING_MSGPACK))
		sim_fail(sim, "an upstream gets its own encoding", "pool %u", upstream->pool);
	if (envelope_scan(sim->envelope, FROM_CLIENT, encoding, payload, message) ||
	    message->flaw != FLAW_NONE || message->batch || !message->params.at)
		sim_fail(sim, "an upstream gets whole messages", "%.*s", (int)payload.len,
			 payload.at);
	ask = asks_find_marked(sim, message->params);
	if (!ask || ask->kind > ASK_HUGE_NUMBER || ask->pool != upstream->pool)
		sim_fail(sim, "a message goes where its route says", "pool %u: %.*s",
			 upstream->pool, (int)payload.len, payload.at);
	if (message->options.at)
		sim_fail(sim, "the member wsbroker is stripped", "ask %u", ask->number);
	if ((message->id.at != NULL) != ask->wants_answer)
		sim_fail(sim, "requests have an id and notifications none", "ask %u", ask->number);
	if (ask->encoding == encoding &&
	    !span_equal(message->params, span_of(ask->params, ask->params_len)))
		sim_fail(sim, "params arrive as they were sent", "ask %u", ask->number);
	return ask;
}

/* Not always in time. */
static void upstream_answer_probe(struct sim *sim, struct sim_upstream *upstream,
				  struct span payload)
{
	enum encoding encoding = sim->setup.pools[upstream->pool].encoding;
	struct message message;

	if (envelope_scan(sim->envelope, FROM_CLIENT, encoding, payload, &message) ||
	    !message.id.at || !span_is(message.method, "health.check"))
		sim_fail(sim, "probing calls are whole requests", "%.*s", (int)payload.len,
			 payload.at);
	if (upstream->hangs || sim_chance(sim, upstream->temper->drops))
		return;
	strbuf_clear(&sim->scratch);
	strbuf_clear(&sim->token);
	if (!sim_chance(sim, upstream->temper->ails)) {
		compose_json(&sim->token, encoding, "{\"status\":\"ok\",\"more\":1}");
		compose_answer(&sim->scratch, encoding, message.id, "result",
			       strbuf_span(&sim->token));
	} else if (sim_chance(sim, 50)) {
		compose_json(&sim->token, encoding, "{\"status\":\"ill\"}");
		compose_answer(&sim->scratch, encoding, message.id, "result",
			       strbuf_span(&sim->token));
	} else {
		compose_json(&sim->token, encoding, "{\"code\":-1,\"message\":\"ill\"}");
		compose_answer(&sim->scratch, encoding, message.id, "error",
			       strbuf_span(&sim->token));
	}
	upstream_say_later(sim, upstream, &sim->scratch,
			   sim_pick(sim, 0, upstream->temper->answer_us));
}

static bool is_probe(struct span payload)
{
	return payload.at && memmem(payload.at, payload.len, "health.check", 12);
}

static void upstream_hear(struct sim *sim, struct sim_upstream *upstream, bool binary,
			  struct span payload)
{
	struct message message;
	struct ask *ask;

	if (payload.at && memmem(payload.at, payload.len, "hello", 5) &&
	    !asks_find_marked(sim, payload)) {
		upstream_greet(sim, upstream);
		return;
	}
	if (is_probe(payload)) {
		upstream_answer_probe(sim, upstream, payload);
		return;
	}
	if (subscribers_serve(sim, upstream, payload) || readers_serve(sim, upstream, payload))
		return;
	ask = upstream_ask_of(sim, upstream, binary, payload, &message);
	upstream_count_write(sim, upstream, ask, payload);
	sim_trace(sim, "upstream %" PRIu64 " hears ask %u, write %u", upstream->peer->number,
		  ask->number, ask->writes);
	if (message.id.at)
		upstream_answer(sim, upstream, message.id, message.params);
	upstream_may_stall(sim, upstream);
}

void upstream_read(struct sim *sim, struct sim_upstream *upstream, size_t max)
{
	struct peer *peer = upstream->peer;
	struct frame frame;

	peer_take(peer, max);
	while (peer_next(peer, &frame))
		upstream_hear(sim, upstream, frame.opcode == WS_BINARY, frame.payload);
	if (peer->stream.flaw)
		sim_fail(sim, "frames to upstreams are well-formed", "upstream %" PRIu64 ": %s",
			 peer->number, peer->stream.flaw);
	if (peer->pings && !upstream->hangs) {
		peer->pings = 0;
		agenda_add(&sim->agenda, sim->outside.now_us + sim_pick(sim, 0, 40 * MS),
			   EVENT_PONG, peer);
	}
}

/* The id of a request that is under way, but not here; 0: there is none. */
static uint64_t upstream_stolen_id(struct sim *sim, const struct sim_upstream *upstream)
{
	const struct exchange_slab *slab = &sim->outside.engine->exchanges;
	uint64_t id = 0;
	uint64_t seen = 0;

	for (size_t i = 0; slab->chunk_count > 0 && i < 64; i++) {
		struct exchange *exchange = &slab->chunks[0][i];

		if (exchange->state == EXCHANGE_FREE || exchange->notification ||
		    exchange_attempt_on(exchange, upstream->peer->connection))
			continue;
		if (rng_below(&sim->rng, ++seen) == 0)
			id = exchange_id(exchange);
	}
	return id;
}

void upstream_babble(struct sim *sim, struct sim_upstream *upstream)
{
	static const char *const words[] = {
		"not json at all",
		"",
		"\xff\xfe",
		"{\"jsonrpc\":\"2.0\",\"method\":\"news\",\"params\":[1]}",
		"{\"id\":null,\"error\":{\"code\":-32600,\"message\":\"what?\"}}",
		"{\"id\":1,\"id\":2,\"result\":3}",
		"{\"id\":{},\"result\":3}",
		"[{\"jsonrpc\":\"2.0\",\"id\":7777777,\"result\":1},3]",
		"[]",
		"42",
		"\xc1",
	};
	uint64_t stolen_id = upstream_stolen_id(sim, upstream);

	if (upstream->peer->state != PEER_OPEN)
		return;
	agenda_add(&sim->agenda, sim->outside.now_us + sim_pick(sim, 10 * MS, 400 * MS),
		   EVENT_BABBLE, upstream->peer);
	if (stolen_id && sim_chance(sim, 60)) {
		strbuf_clear(&sim->scratch);
		strbuf_printf(&sim->scratch, "{\"id\":%" PRIu64 ",\"result\":\"stolen\"}",
			      stolen_id);
		peer_say(upstream->peer, false, strbuf_span(&sim->scratch));
		return;
	}
	peer_say(upstream->peer, sim_chance(sim, 30), span_text(words[sim_pick(sim, 0, 10)]));
}

/* What the dying connection took and what it did not: the one may not be sent again unless the
 * route says so, the other must be. */
static void upstream_take_stock(struct sim *sim, struct sim_upstream *upstream)
{
	struct peer *peer = upstream->peer;
	const struct outbox *outbox = peer_outbox(peer);
	struct stream *left = &(struct stream){.masked = true};
	bool begun = stream_is_inside_frame(&peer->stream);
	struct frame frame;

	if (!outbox)
		return;
	if (begun)
		stream_put(left, span_of(peer->stream.bytes + peer->stream.at,
					 peer->stream.len - peer->stream.at));
	stream_put(left, outbox_pending(outbox));
	for (; stream_next(left, &frame); begun = false) {
		struct ask *ask = asks_find_marked(sim, frame.payload);

		if (!ask)
			continue;
		if (begun)
			upstream_count_write(sim, upstream, ask, frame.payload);
		else
			ask->moved = true;
		sim_trace(sim, "upstream %" PRIu64 " leaves ask %u %s", peer->number, ask->number,
			  begun ? "half read" : "unread");
	}
	stream_fini(left);
}

void upstream_end(struct sim *sim, struct peer *peer, const char *cause, uint16_t code)
{
	struct sim_upstream *upstream = peer->actor;

	sim_trace(sim, "upstream %" PRIu64 " ends: %s", peer->number, cause);
	upstream_take_stock(sim, upstream);
	news_upstream_ends(sim, upstream);
	peer_end(peer, cause, code, span_text(code ? "bye" : ""));
	readers_lost(sim, upstream);
}
