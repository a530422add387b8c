/* Clients of session listeners: each has an upstream connection of its own. */
#include <criterion/criterion.h>

#include "broker/engine/client.h"
#include "broker/pool/tunnel.h"
#include "tests/unit/engine/stage.h"

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="

/* Two endpoints, two clients at most; the listener serves tunnels. */
static void scene_init(struct stage *stage)
{
	stage_init(stage);
	stage->pool->tunnels = true;
	stage->pool->size = 2;
	setup_endpoint(stage->pool, "b");
	stage->setup.listeners[0].session = true;
}

static struct traffic_stats *traffic(struct stage *stage)
{
	return &stage->outside.engine->lanes[0]->traffic;
}

static struct pool *pool_of(struct stage *stage)
{
	return stage->outside.engine->lanes[0]->pool;
}

static struct peer *arrive(struct stage *stage)
{
	struct admittance admittance;

	cr_assert_eq(outside_knock(&stage->outside, true, &admittance), 101);
	cr_assert(admittance.tunnel);
	return outside_tunnel(&stage->outside, 0, &admittance);
}

static const char *dialled(const struct peer *peer)
{
	return peer->dialled ? peer->dialled->settings->name : "";
}

Test(tunnel, the_pool_holds_no_idle_connection_and_is_ready)
{
	struct stage stage;
	struct snapshot snapshot;

	scene_init(&stage);
	stage_begin(&stage);
	stage_pass(&stage, STAGE_S);
	cr_assert_null(stage_upstream(&stage, 0));
	cr_assert_eq(engine_snapshot(stage.outside.engine, SNAPSHOT_CONNECTIONS,
				     stage.outside.now_us, &snapshot),
		     WSB_OK);
	cr_assert(snapshot.ready);
	cr_assert_str_eq(snapshot.pools[0].endpoints[0].state, "active");
	snapshot_fini(&snapshot);
	stage_end(&stage);
}

Test(tunnel, a_client_gets_a_connection_of_its_own_for_as_long_as_it_lives)
{
	struct stage stage;
	struct snapshot snapshot;
	struct peer *client;

	scene_init(&stage);
	stage_begin(&stage);
	client = arrive(&stage);
	cr_assert_not_null(client->dialled);
	tunnel_opens(client);
	engine_tunnel_moved(stage.outside.engine, client->session, SIDE_CLIENT, 100,
			    stage.outside.now_us);
	engine_tunnel_moved(stage.outside.engine, client->session, SIDE_UPSTREAM, 7,
			    stage.outside.now_us);
	cr_assert_eq(engine_snapshot(stage.outside.engine, SNAPSHOT_CONNECTIONS,
				     stage.outside.now_us, &snapshot),
		     WSB_OK);
	cr_assert_eq(snapshot.clients, 1);
	cr_assert_eq(snapshot.pools[0].sessions, 1);
	cr_assert_eq(snapshot.connection_count, 1);
	cr_assert_eq(snapshot.connections[0].client, client->session->id);
	cr_assert_eq(snapshot.connections[0].bytes_out, 100);
	cr_assert_eq(snapshot.connections[0].bytes_in, 7);
	cr_assert_str_eq(snapshot.connections[0].state, "ready");
	snapshot_fini(&snapshot);
	cr_assert_eq(traffic(&stage)->tunnels_opened, 1);
	cr_assert_eq(traffic(&stage)->tunnel_bytes_up, 100);
	peer_end(client, "eof", 4321, span_of("", 0));
	cr_assert_eq(pool_of(&stage)->tunnels.count, 0);
	cr_assert_eq(stage.outside.engine->stats.closes[SIDE_CLIENT][CLOSE_OTHER], 1);
	stage_end(&stage);
}

Test(tunnel, size_is_the_most_at_once)
{
	struct stage stage;
	struct admittance admittance;
	struct peer *first, *second;

	scene_init(&stage);
	stage_begin(&stage);
	first = arrive(&stage);
	second = arrive(&stage);
	tunnel_opens(second);
	cr_assert_eq(outside_knock(&stage.outside, true, &admittance), 503);
	cr_assert_eq(admittance.retry_after_s, 1);
	cr_assert_not_null(strstr(admittance.detail, "pools.size"));
	cr_assert_eq(traffic(&stage)->tunnels_full, 1);
	peer_end(first, "eof", 0, span_of("", 0));
	cr_assert_eq(outside_knock(&stage.outside, true, &admittance), 101);
	stage_end(&stage);
}

Test(tunnel, each_endpoint_is_tried_once_within_the_time)
{
	struct stage stage;
	struct peer *client;
	uint64_t begun_us;

	scene_init(&stage);
	stage_begin(&stage);
	client = arrive(&stage);
	begun_us = stage.outside.now_us;
	cr_assert_str_eq(dialled(client), "a");
	cr_assert_eq(client->dial_until_us, begun_us + 5 * STAGE_S, "half of limits.handshake");
	stage.outside.now_us += STAGE_S;
	tunnel_fails(client, "connect");
	cr_assert_str_eq(dialled(client), "b");
	cr_assert_eq(client->dial_until_us, begun_us + 10 * STAGE_S, "all that is left");
	tunnel_fails(client, "connect");
	cr_assert_eq(client->status, 502);
	cr_assert_eq(client->retry_after_s, 1);
	cr_assert_eq(traffic(&stage)->tunnels_unavailable, 1);
	cr_assert_eq(pool_of(&stage)->tunnels.count, 0);
	stage_end(&stage);
}

Test(tunnel, nobody_is_dialled_while_all_back_off_and_a_trial_brings_them_back)
{
	static const char *const ways_back[] = {"opened", "answered"};

	for (size_t i = 0; i < 2; i++) {
		struct stage stage;
		struct snapshot snapshot;
		struct peer *client, *trial;

		scene_init(&stage);
		stage.pool->endpoint_count = 1;
		stage_begin(&stage);
		client = arrive(&stage);
		tunnel_fails(client, "connect");
		client = arrive(&stage);
		cr_assert_eq(client->status, 503);
		cr_assert_eq(engine_snapshot(stage.outside.engine, SNAPSHOT_POOLS,
					     stage.outside.now_us, &snapshot),
			     WSB_OK);
		cr_assert_not(snapshot.ready);
		cr_assert_not_null(strstr(snapshot.ready_reasons, "no endpoint that is up"));
		snapshot_fini(&snapshot);
		stage_pass(&stage, STAGE_S);
		trial = stage_upstream(&stage, 0);
		cr_assert_not_null(trial, "a trial has been made");
		if (i == 0)
			peer_open(trial);
		else
			peer_end(trial, "answered", 0, span_text("status 401"));
		stage_pass(&stage, 20 * STAGE_MS);
		client = arrive(&stage);
		cr_assert_str_eq(dialled(client), "a", "%s", ways_back[i]);
		if (i == 0) {
			cr_assert_eq(trial->state, PEER_CLOSING);
			stage_kill(trial);
		}
		stage_pass(&stage, STAGE_S);
		cr_assert_null(stage_upstream(&stage, 0), "and no other one");
		stage_end(&stage);
	}
}

/* a has weight 3 and b weight 1. */
static const struct {
	enum balancer_kind kind;
	uint32_t least, most; /* of 40, on a */
} spreads[] = {
	{BALANCER_ROUND_ROBIN, 30, 30},
	{BALANCER_LEAST_CONNECTIONS, 30, 30},
	{BALANCER_RANDOM, 20, 38},
	{BALANCER_PEAK_EWMA, 27, 33},
};

Test(tunnel, clients_spread_by_weight)
{
	for (size_t k = 0; k < sizeof(spreads) / sizeof(spreads[0]); k++) {
		struct stage stage;
		uint32_t on_a;

		scene_init(&stage);
		stage.pool->size = 40;
		stage.pool->balancer = spreads[k].kind;
		stage.pool->endpoints[0].weight = 3;
		stage_begin(&stage);
		for (size_t i = 0; i < 40; i++)
			tunnel_opens(arrive(&stage));
		on_a = pool_of(&stage)->endpoints[0]->tunnels;
		cr_assert(on_a >= spreads[k].least && on_a <= spreads[k].most, "%s: %u",
			  balancer_name(spreads[k].kind), on_a);
		stage_end(&stage);
	}
}

Test(tunnel, peak_ewma_prefers_who_connects_faster)
{
	struct stage stage;

	scene_init(&stage);
	stage.pool->size = 40;
	stage.pool->balancer = BALANCER_PEAK_EWMA;
	stage_begin(&stage);
	for (size_t i = 0; i < 40; i++) {
		struct peer *client = arrive(&stage);

		stage.outside.now_us += strcmp(dialled(client), "a") == 0 ? 90000 : 10000;
		tunnel_opens(client);
	}
	cr_assert_leq(pool_of(&stage)->endpoints[0]->tunnels, 5);
	stage_end(&stage);
}

Test(tunnel, a_higher_tier_serves_when_the_lower_one_is_away)
{
	struct stage stage;
	struct peer *client;

	scene_init(&stage);
	stage.pool->endpoints[0].tier = 2;
	stage_begin(&stage);
	client = arrive(&stage);
	cr_assert_str_eq(dialled(client), "b");
	tunnel_fails(client, "connect");
	cr_assert_str_eq(dialled(client), "a");
	tunnel_opens(client);
	client = arrive(&stage);
	cr_assert_str_eq(dialled(client), "a", "b backs off");
	stage_end(&stage);
}

Test(tunnel, what_the_upstream_declines_is_no_failure_of_it)
{
	struct stage stage;
	struct peer *client;

	scene_init(&stage);
	stage_begin(&stage);
	client = arrive(&stage);
	tunnel_declines(client, 401);
	cr_assert_eq(client->status, 0, "its answer is passed on");
	cr_assert_eq(traffic(&stage)->tunnels_declined, 1);
	cr_assert_not(pool_of(&stage)->endpoints[0]->down);
	peer_end(client, "eof", 0, span_of("", 0));
	cr_assert_eq(pool_of(&stage)->tunnels.count, 0);
	stage_end(&stage);
}

/* Two endpoints, of which a fails each client in this way. */
static void sick_scene(struct stage *stage)
{
	scene_init(stage);
	stage->pool->size = 100;
	stage->pool->ejection = (struct ejection_settings){
		.consecutive = 3,
		.window_us = 10 * STAGE_S,
		.base_us = 5 * STAGE_S,
		.max_us = 50 * STAGE_S,
		.max_ejected = 0.5,
	};
	stage_begin(stage);
}

static void fails_by_connect(struct peer *client)
{
	tunnel_fails(client, "tls");
}

static void breaks_off(struct peer *client)
{
	tunnel_fails(client, "upgrade");
}

static void is_unable(struct peer *client)
{
	tunnel_declines(client, 503);
}

static void forbids(struct peer *client)
{
	tunnel_declines(client, 403);
}

/* A second passes, in which who was thought to be down is found to be up. */
static void pass_and_let_trials_in(struct stage *stage)
{
	for (int i = 0; i < 100; i++) {
		struct peer *trial;

		stage_pass(stage, 10 * STAGE_MS);
		for (size_t k = 0; (trial = stage_upstream(stage, k)); k++) {
			if (trial->state == PEER_DIALING)
				peer_open(trial);
			else if (trial->state == PEER_CLOSING)
				stage_kill(trial);
		}
	}
}

/* So many clients come, one a second; returns how many of them were sent to a. */
static uint32_t visit(struct stage *stage, uint32_t clients, void (*fail)(struct peer *))
{
	uint32_t to_a = 0;

	for (uint32_t i = 0; i < clients; i++) {
		struct peer *client = arrive(stage);
		bool on_a = strcmp(dialled(client), "a") == 0;

		to_a += on_a;
		if (on_a && fail)
			fail(client);
		if (client->dialled)
			tunnel_opens(client);
		peer_end(client, "eof", 0, span_of("", 0));
		pass_and_let_trials_in(stage);
	}
	return to_a;
}

Test(tunnel, an_endpoint_that_fails_clients_is_passed_over_until_it_serves_again)
{
	static void (*const failures[])(struct peer *) = {fails_by_connect, breaks_off, is_unable};

	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		struct stage stage;
		const struct endpoint *a;

		sick_scene(&stage);
		a = pool_of(&stage)->endpoints[0];
		for (uint32_t failed = 0; failed < 3;)
			failed += visit(&stage, 1, failures[i]);
		cr_assert_eq(a->state, ENDPOINT_EJECTED, "case %zu", i);
		cr_assert_eq(visit(&stage, 4, failures[i]), 0, "case %zu", i);
		stage_pass(&stage, 2 * STAGE_S);
		cr_assert_eq(a->state, ENDPOINT_TRIAL, "case %zu", i);
		cr_assert_eq(visit(&stage, 1, failures[i]), 1, "case %zu", i);
		cr_assert_eq(a->state, ENDPOINT_EJECTED, "case %zu: for longer", i);
		cr_assert_eq(visit(&stage, 8, failures[i]), 0, "case %zu", i);
		stage_pass(&stage, 4 * STAGE_S);
		cr_assert_eq(visit(&stage, 3, NULL), 3, "case %zu: three try it", i);
		cr_assert_eq(a->state, ENDPOINT_ACTIVE, "case %zu", i);
		stage_end(&stage);
	}
}

Test(tunnel, what_clients_may_have_done_themselves_ejects_nobody)
{
	struct stage stage;

	sick_scene(&stage);
	visit(&stage, 20, forbids);
	cr_assert_eq(pool_of(&stage)->endpoints[0]->state, ENDPOINT_ACTIVE);
	/* Nobody likes how these ask. */
	for (int i = 0; i < 20; i++) {
		struct peer *client = arrive(&stage);

		while (client->dialled)
			tunnel_fails(client, "upgrade");
		pass_and_let_trials_in(&stage);
	}
	for (size_t i = 0; i < 2; i++)
		cr_assert_eq(pool_of(&stage)->endpoints[i]->outlier.state, BREAKER_CLOSED);
	stage_end(&stage);
}

Test(tunnel, who_is_ejected_serves_when_nobody_else_does)
{
	struct stage stage;
	struct peer *client;

	sick_scene(&stage);
	for (uint32_t failed = 0; failed < 3;)
		failed += visit(&stage, 1, fails_by_connect);
	client = arrive(&stage);
	cr_assert_str_eq(dialled(client), "b");
	tunnel_fails(client, "connect");
	cr_assert_str_eq(dialled(client), "a");
	tunnel_opens(client);
	stage_end(&stage);
}

Test(tunnel, a_client_that_leaves_early_counts_against_nobody)
{
	struct stage stage;
	struct peer *client;

	scene_init(&stage);
	stage_begin(&stage);
	client = arrive(&stage);
	peer_end(client, "eof", 0, span_of("", 0));
	cr_assert_eq(pool_of(&stage)->endpoints[0]->tunnels, 0);
	cr_assert_eq(pool_of(&stage)->endpoints[0]->stats.dial_failures, 0);
	stage_end(&stage);
}

Test(tunnel, a_drain_refuses_who_is_being_dialled_and_tells_the_others)
{
	struct stage stage;
	struct peer *dialling, *open;

	scene_init(&stage);
	stage.setup.config.drain.spread_us = 0;
	stage_begin(&stage);
	dialling = arrive(&stage);
	open = arrive(&stage);
	tunnel_opens(open);
	engine_drain(stage.outside.engine, stage.outside.now_us);
	stage_pass(&stage, 10 * STAGE_MS);
	cr_assert_eq(dialling->status, 503);
	cr_assert_eq(open->state, PEER_CLOSING);
	cr_assert_eq(open->close_code, 1012);
	peer_end(open, "asked", 0, span_of("", 0));
	stage_pass(&stage, 10 * STAGE_MS);
	cr_assert(engine_is_drained(stage.outside.engine, stage.outside.now_us));
	stage_end(&stage);
}

Test(tunnel, a_kick_closes_with_1008)
{
	struct stage stage;
	struct peer *client;

	scene_init(&stage);
	stage_begin(&stage);
	client = arrive(&stage);
	tunnel_opens(client);
	client_close(stage.outside.engine, client->session, 1008, "kicked");
	cr_assert_eq(client->close_code, 1008);
	cr_assert_eq(stage.outside.engine->stats.closes[SIDE_CLIENT][CLOSE_1008], 1);
	peer_end(client, "eof", 1008, span_of("", 0));
	cr_assert_eq(stage.outside.engine->stats.closes[SIDE_CLIENT][CLOSE_1008], 1);
	stage_end(&stage);
}

static const struct {
	const char *listener, *method, *path, *version, *key, *protocols;
	bool upgrade;
	int status;
} visitors[] = {
	{"/", "GET", "/", "13", KEY, NULL, true, 101},
	{"/", "GET", "/any/thing", "13", KEY, "soap, graphql-transport-ws", true, 101},
	{"/chat", "GET", "/chat", "13", KEY, NULL, true, 101},
	{"/chat", "GET", "/chat/room", "13", KEY, NULL, true, 101},
	{"/chat/", "GET", "/chat/room", "13", KEY, NULL, true, 101},
	{"/chat", "GET", "/chatter", "13", KEY, NULL, true, 404},
	{"/chat", "GET", "/", "13", KEY, NULL, true, 404},
	{"/", "GET", "/", "12", KEY, NULL, true, 400},
	{"/", "GET", "/", "13", "short", NULL, true, 400},
	{"/", "PUT", "/", "13", KEY, NULL, true, 400},
	{"/", "GET", "/", NULL, NULL, NULL, false, 426},
	{"/", "POST", "/", NULL, NULL, NULL, false, 405},
};

Test(tunnel, who_is_let_in)
{
	for (size_t i = 0; i < sizeof(visitors) / sizeof(visitors[0]); i++) {
		struct stage stage;
		struct admittance admittance;
		struct admission admission = {
			.upgrade = visitors[i].upgrade,
			.method = span_text(visitors[i].method),
			.path = span_text(visitors[i].path),
			.version = span_text(visitors[i].version),
			.key = span_text(visitors[i].key),
			.protocols = span_text(visitors[i].protocols),
		};

		scene_init(&stage);
		stage.setup.listeners[0].path = visitors[i].listener;
		stage_begin(&stage);
		engine_admit(stage.outside.engine, &admission, &admittance);
		cr_assert_eq(admittance.status, visitors[i].status, "row %zu: %d", i,
			     admittance.status);
		stage_end(&stage);
	}
}
