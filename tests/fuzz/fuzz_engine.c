/* The whole engine with a byte string as script: one byte for what happens, one for to whom, and
 * for words one for their length and the words. */
#include "broker/route/tag_template.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/outside.h"
#include "tests/support/setup.h"

#define OUTSIDE_PEERS_MAX 64 /* more would only make each run slow */

enum happening {
	PASS_TIME,
	CLIENT_ARRIVES,
	CLIENT_SAYS_TEXT,
	CLIENT_SAYS_BYTES,
	CLIENT_BEGINS,
	CLIENT_LEAVES,
	CLIENT_READS,
	CLIENT_POSTS,
	DIAL_SUCCEEDS,
	DIAL_FAILS,
	UPSTREAM_ANSWERS,
	UPSTREAM_SAYS_TEXT,
	UPSTREAM_SAYS_BYTES,
	UPSTREAM_READS,
	UPSTREAM_DIES,
	PONGS,
	DRAIN,
	HAPPENINGS,
};

struct play {
	struct outside outside;
	struct setup setup;
	struct push_settings push;
	struct span script;
};

static uint8_t next_byte(struct play *play)
{
	uint8_t byte;

	if (play->script.len == 0)
		return 0;
	byte = (uint8_t)*play->script.at;
	play->script = span_of(play->script.at + 1, play->script.len - 1);
	return byte;
}

static struct span next_words(struct play *play)
{
	size_t len = next_byte(play);
	struct span words;

	if (len > play->script.len)
		len = play->script.len;
	words = span_of(play->script.at, len);
	play->script = span_of(play->script.at + len, play->script.len - len);
	return words;
}

static const char *tags[] = {"t:{params.id}", "r:{result[*]}"};

/* Compiled once for all runs. */
static struct invalidate_rule invalidate_rule(enum tag_use use)
{
	static struct tag_templates *compiled[TAGS_OF_PUSH + 1];
	const char *why;
	size_t bad;

	if (!compiled[use])
		must(tag_templates_create(&compiled[use], tags, 1, use, &why, &bad) == WSB_OK);
	return (struct invalidate_rule){.templates = tags, .count = 1, .compiled = compiled[use]};
}

/* The third byte says what the cache has to do with it, and with what else a request may go. */
static void prepare_cache(struct play *play, struct pool_settings *pool)
{
	struct setup *setup = &play->setup;
	uint8_t bits = next_byte(play);
	struct route_settings *route;

	if (bits & 1) {
		route = setup_route(setup, "c*");
		route->timeout_us = 300000;
		route->idempotent = bits & 8;
		route->cache = (struct cache_rule){
			.enabled = true,
			.scope = {.kind = bits & 2 ? CACHE_SCOPE_CLIENT : CACHE_SCOPE_SHARED},
			.tags = tags,
			.tag_count = 2,
			.ttl_us = 200000,
			.stale_while_revalidate_us = 200000,
			.stale_if_error_us = 1000000,
			.prefetch_threshold = 0.5,
			.weight = 2,
			.allow_null = bits & 2,
		};
		setup->config.cache.prefetch.predictive = true;
		setup->config.cache.prefetch.budget = 1;
	}
	if (bits & 4)
		pool->affinity = AFFINITY_CLIENT;
	if (bits & 16) {
		route = setup_route(setup, "w");
		route->timeout_us = 300000;
		route->invalidate = invalidate_rule(TAGS_OF_WRITE);
	}
	if (bits & 32)
		play->push.invalidate = invalidate_rule(TAGS_OF_PUSH);
	if (bits & 64)
		play->push.forward = FORWARD_ALL;
	if (bits & 128) {
		pool->probe.method = "h";
		pool->probe.fall = pool->probe.rise = 1;
		pool->ejection.consecutive = 2;
		pool->ejection.base_us = 100000;
		pool->ejection.max_us = 1000000;
		pool->ejection.max_ejected = 1;
	}
}

static void prepare_subscribing(struct setup *setup, uint8_t more)
{
	struct route_settings *route;

	if (!(more & 32))
		return;
	route = setup_route(setup, "s");
	route->timeout_us = 300000;
	route->subscribe = (struct subscribe_settings){
		.unsubscribe = "u",
		.notification = more & 64 ? "e" : "*",
		.id = more & 64 ? "params.s" : NULL,
		.result = "params.s",
		.restore_us = 500000,
		.max_per_connection = more & 128 ? 1 : 0,
	};
}

/* The first bytes choose the configuration. */
static void prepare(struct play *play)
{
	struct setup *setup = &play->setup;
	uint8_t bits = next_byte(play);
	uint8_t more = next_byte(play);
	struct pool_settings *pool;
	struct route_settings *route;

	setup_init(setup);
	pool = setup_pool(setup, "main");
	setup_endpoint(pool, "a");
	setup_endpoint(pool, "b")->tier = bits & 1 ? 2 : 1;
	pool->size = 2;
	pool->encoding = bits & 2 ? ENCODING_MSGPACK : ENCODING_JSON;
	pool->max_in_flight = bits & 4 ? 1 : 8;
	pool->queue.requests = bits & 8 ? 2 : 100;
	pool->balancer = (enum balancer_kind)(bits >> 4 & 3);
	if (bits & 64)
		setup_greeting(pool)->send = "{\"method\":\"hello\"}";
	if (bits & 128)
		setup->config.limits.in_flight_per_client = 2;
	if (more & 1)
		setup->config.limits.send_buffer_bytes = 256;
	if (more & 2)
		setup->config.limits.message_bytes = 64;
	if (more & 4)
		setup->config.limits.rate_per_client = 5;
	setup->config.drain.timeout_us = 100000;
	setup_route(setup, "respond")->action = ROUTE_RESPOND;
	setup->routes[0].respond = "{\"jsonrpc\":\"2.0\",\"result\":1}";
	setup_route(setup, "deny")->action = ROUTE_DENY;
	setup_route(setup, "drop")->action = ROUTE_DROP;
	prepare_subscribing(setup, more);
	play->push = (struct push_settings){.method = "*", .forward = FORWARD_SUBSCRIBERS};
	setup->config.push = &play->push;
	setup->config.push_count = 1;
	prepare_cache(play, pool);
	route = setup_route(setup, "*");
	route->idempotent = more & 8;
	route->hedge = route->idempotent && more & 64;
	route->timeout_us = 300000;
	if (more & 16) {
		setup->config.envelope_is_jsonrpc = false;
		setup->config.envelope = (struct envelope_settings){.id = "/n",
								    .method = "/t",
								    .params = "/p",
								    .result = "/p",
								    .error = "/e",
								    .ids = ID_UUID};
	}
}

/* The number-th that is there, of this kind and state; NULL: fewer are. */
static struct peer *peer_at(struct play *play, enum peer_kind kind, enum peer_state state,
			    uint8_t number)
{
	size_t count = 0;

	list_each(&play->outside.peers, node) {
		const struct peer *peer = list_entry(node, struct peer, link);

		count += peer->kind == kind && peer->state == state;
	}
	if (count == 0)
		return NULL;
	number = (uint8_t)(number % count);
	list_each(&play->outside.peers, node) {
		struct peer *peer = list_entry(node, struct peer, link);

		if (peer->kind == kind && peer->state == state && number-- == 0)
			return peer;
	}
	return NULL;
}

/* Reads one request and answers it as an upstream of that encoding would. */
static void answer_next(struct play *play, struct peer *upstream)
{
	const struct envelope *envelope = play->outside.engine->envelope;
	enum encoding encoding = play->setup.pools[0].encoding;
	struct span pieces[MESSAGE_PIECES_MAX];
	struct message message;
	struct strbuf answer;
	struct frame frame;
	size_t count;

	peer_take(upstream, SIZE_MAX);
	if (!peer_next(upstream, &frame))
		return;
	must(frame.opcode == (encoding == ENCODING_MSGPACK ? WS_BINARY : WS_TEXT));
	must(envelope_scan(envelope, FROM_CLIENT, encoding, frame.payload, &message) == WSB_OK);
	if (!message.id.at)
		return;
	/* The request itself is as good an answer as any: it has the id. */
	strbuf_init(&answer);
	count = message_splice(&message, &(struct message_edit){.strip_options = true}, pieces);
	for (size_t i = 0; i < count; i++)
		strbuf_add(&answer, pieces[i]);
	peer_say(upstream, encoding == ENCODING_MSGPACK, strbuf_span(&answer));
	strbuf_fini(&answer);
}

static void pong_all(struct play *play)
{
	list_each(&play->outside.peers, node) {
		struct peer *peer = list_entry(node, struct peer, link);

		if (peer->kind != PEER_POST)
			peer_pong(peer);
	}
}

static void arrive(struct play *play)
{
	struct admittance admittance;

	if (play->outside.peers.count < OUTSIDE_PEERS_MAX &&
	    outside_knock(&play->outside, true, &admittance) == 101)
		must(outside_client(&play->outside, 0, &admittance));
}

static void post(struct play *play, uint8_t whom)
{
	struct span words = next_words(play);
	struct admittance admittance;

	if (play->outside.peers.count < OUTSIDE_PEERS_MAX &&
	    outside_knock(&play->outside, false, &admittance) == 200)
		outside_post(&play->outside, 0, &admittance,
			     whom & 1 ? ENCODING_MSGPACK : ENCODING_JSON, words);
}

static void happen_to_client(struct play *play, enum happening what, uint8_t whom)
{
	struct peer *client = peer_at(play, PEER_CLIENT, PEER_OPEN, whom);

	if (what == CLIENT_SAYS_TEXT || what == CLIENT_SAYS_BYTES || what == CLIENT_BEGINS) {
		struct span words = next_words(play);

		if (client)
			peer_piece(client, what == CLIENT_SAYS_BYTES, words, whom & 128,
				   what != CLIENT_BEGINS);
	} else if (client && what == CLIENT_READS) {
		peer_take(client, whom);
	} else if (client) {
		peer_end(client, "eof", 0, span_of("", 0));
	}
}

static void happen_to_upstream(struct play *play, enum happening what, uint8_t whom)
{
	struct peer *upstream = peer_at(play, PEER_UPSTREAM, PEER_OPEN, whom);

	if (what == UPSTREAM_SAYS_TEXT || what == UPSTREAM_SAYS_BYTES) {
		struct span words = next_words(play);

		if (upstream)
			peer_say(upstream, what == UPSTREAM_SAYS_BYTES, words);
	} else if (upstream && what == UPSTREAM_ANSWERS) {
		answer_next(play, upstream);
	} else if (upstream && what == UPSTREAM_READS) {
		peer_take(upstream, whom);
	} else if (upstream) {
		peer_end(upstream, "eof", 0, span_of("", 0));
	}
}

static void happen(struct play *play)
{
	enum happening what = (enum happening)(next_byte(play) % HAPPENINGS);
	uint8_t whom = next_byte(play);
	struct peer *dial = peer_at(play, PEER_UPSTREAM, PEER_DIALING, whom);

	switch (what) {
	case PASS_TIME:
		outside_tick(&play->outside, play->outside.now_us + 1000 * whom);
		break;
	case CLIENT_ARRIVES:
		arrive(play);
		break;
	case CLIENT_POSTS:
		post(play, whom);
		break;
	case DIAL_SUCCEEDS:
		if (dial)
			peer_open(dial);
		break;
	case DIAL_FAILS:
		if (dial)
			peer_end(dial, "connect", 0, span_of("", 0));
		break;
	case PONGS:
		pong_all(play);
		break;
	case DRAIN:
		engine_drain(play->outside.engine, play->outside.now_us);
		break;
	default:
		if (what < DIAL_SUCCEEDS)
			happen_to_client(play, what, whom);
		else
			happen_to_upstream(play, what, whom);
		break;
	}
}

static void check(const struct play *play)
{
	const struct engine *engine = play->outside.engine;
	const struct pool *pool = engine->lanes[0]->pool;
	uint32_t in_flight = 0;

	must(!play->outside.breach);
	must(engine->exchanges.used == engine->timers.armed);
	must(engine->lanes[0]->queue.count <= engine->exchanges.used);
	for (size_t state = 0; state < CONNECTION_CLOSED; state++) {
		list_each(&pool->states[state], node) {
			const struct connection *connection =
				list_entry(node, struct connection, state_link);

			must(connection->in_flight ==
			     connection->attempts.count + connection->notifications.count);
			in_flight += connection->in_flight;
		}
	}
	must(in_flight == pool->in_flight);
}

static void check_what_was_sent(struct play *play)
{
	struct frame frame;

	list_each(&play->outside.gone, node) {
		struct peer *peer = list_entry(node, struct peer, link);

		while (peer_next(peer, &frame))
			;
		must(!peer->stream.flaw);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct play play = {0};

	play.script = span_of((const char *)data, size);
	outside_init(&play.outside, 1);
	prepare(&play);
	setup_compile(&play.setup);
	must(outside_begin(&play.outside, &play.setup.config, 1) == WSB_OK);
	while (play.script.len > 0) {
		happen(&play);
		check(&play);
	}
	outside_hang_up(&play.outside);
	must(session_count(&play.outside.engine->sessions) == 0);
	must(play.outside.engine->client_outboxes.bytes == 0);
	must(play.outside.engine->connection_outboxes.bytes == 0);
	check_what_was_sent(&play);
	outside_end(&play.outside);
	outside_fini(&play.outside);
	setup_fini(&play.setup);
	return 0;
}
