/* An engine that gets another configuration while it runs. */
#include <criterion/criterion.h>

#include "broker/engine/apply.h"
#include "broker/engine/reconfigure.h"
#include "tests/unit/engine/stage.h"

#define ASK(id, method) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"" method "\"}"

struct scene {
	struct stage stage;
	struct setup *next; /* to be changed before `reload` */
	/* Of begin_asked: who has asked, and the upstream that has read it under this id. */
	struct peer *client;
	struct peer *upstream;
	uint64_t id;
};

static void begin(struct scene *scene)
{
	stage_begin_ready(&scene->stage);
	scene->next = setup_copy(&scene->stage.setup);
}

/* Request 1 is under way. */
static void begin_asked(struct scene *scene)
{
	stage_init(&scene->stage);
	begin(scene);
	scene->client = stage_client(&scene->stage);
	scene->upstream = stage_upstream(&scene->stage, 0);
	says(scene->client, ASK("1", "m"));
	scene->id = hears_request(scene->upstream);
}

/* It is answered after all. */
static void is_answered(struct scene *scene)
{
	answers(scene->upstream, scene->id, "\"result\":1");
	expect_hears(scene->client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1}");
}

/* This upstream hears the next request, and its answer reaches the client of request 2. */
static void brings(struct scene *scene, struct peer *upstream)
{
	answers(upstream, hears_request(upstream), "\"result\":2");
	expect_hears(scene->client, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":2}");
}

static struct engine *engine_of(struct scene *scene)
{
	return scene->stage.outside.engine;
}

/* The next one after this begins as a copy of this one. */
static void reload(struct scene *scene)
{
	struct setup *taken = scene->next;

	cr_assert_eq(engine_reconfigure(engine_of(scene), &taken->config, "ann",
					scene->stage.outside.now_us),
		     WSB_OK);
	scene->next = setup_copy(taken);
	config_release(&taken->config);
}

static void end(struct scene *scene)
{
	config_release(&scene->next->config);
	stage_end(&scene->stage);
}

/* The upstream that hears the next request; it must be of this endpoint. */
static struct peer *upstream_of(struct scene *scene, const char *endpoint)
{
	list_each(&scene->stage.outside.peers, node) {
		struct peer *peer = list_entry(node, struct peer, link);

		if (peer->kind == PEER_UPSTREAM && peer->state == PEER_OPEN &&
		    strcmp(peer->connection->endpoint->settings->name, endpoint) == 0)
			return peer;
	}
	return NULL;
}

static size_t clients_closing(struct scene *scene, uint16_t code)
{
	size_t count = 0;

	list_each(&scene->stage.outside.peers, node) {
		struct peer *peer = list_entry(node, struct peer, link);

		count += peer->kind == PEER_CLIENT && peer->state == PEER_CLOSING &&
			 peer->close_code == code;
	}
	return count;
}

Test(reconfigure, the_same_again_touches_nobody)
{
	struct scene scene;
	const struct connection *connection;

	begin_asked(&scene);
	connection = scene.upstream->connection;
	for (int i = 0; i < 100; i++)
		reload(&scene);
	is_answered(&scene);
	says(scene.client, ASK("2", "m"));
	brings(&scene, scene.upstream);
	stage_pass(&scene.stage, STAGE_S);
	cr_expect_eq(stage_upstream(&scene.stage, 0)->connection, connection);
	cr_expect_null(stage_upstream(&scene.stage, 1));
	end(&scene);
}

/* Who asked before is judged by what was true then. */
Test(reconfigure, what_is_under_way_ends_by_the_old_rules)
{
	struct scene scene;
	struct peer *client;
	const struct config *old;

	stage_init(&scene.stage);
	scene.stage.any->timeout_us = 5 * STAGE_S;
	begin(&scene);
	client = stage_client(&scene.stage);
	reload(&scene);
	old = engine_of(&scene)->config;
	says(client, ASK("1", "m"));
	scene.next->routes[0].timeout_us = 1 * STAGE_S;
	reload(&scene);
	cr_expect_eq(old->holds, 1, "the request holds it");
	says(client, ASK("2", "m"));
	stage_pass(&scene.stage, 2 * STAGE_S);
	expect_error(client, .id = "2", .code = -32002, .reason = "timeout", .pool = "main",
		     .endpoint = "a");
	expect_silence(client);
	stage_pass(&scene.stage, 4 * STAGE_S);
	expect_error(client, .id = "1", .code = -32002, .reason = "timeout", .pool = "main",
		     .endpoint = "a");
	end(&scene);
}

Test(reconfigure, routes_are_other_ones_at_once)
{
	struct scene scene;
	struct peer *client;

	stage_init(&scene.stage);
	begin(&scene);
	client = stage_client(&scene.stage);
	says(client, ASK("1", "m"));
	hears_request(stage_upstream(&scene.stage, 0));
	scene.next->routes[0].action = ROUTE_DENY;
	reload(&scene);
	says(client, ASK("2", "m"));
	expect_error(client, .id = "2", .code = -32601, .reason = "method_denied");
	end(&scene);
}

Test(reconfigure, a_pool_obeys_its_new_settings)
{
	struct scene scene;
	struct pool_settings *pool;
	const struct lane *lane;

	stage_init(&scene.stage);
	begin(&scene);
	pool = &scene.next->pools[0];
	pool->size = 3;
	pool->max_in_flight = 7;
	pool->balancer = BALANCER_RANDOM;
	pool->queue.requests = 5;
	pool->queue.bytes = 500;
	pool->retry.per_second = 99;
	pool->endpoints[0].weight = 4;
	pool->endpoints[0].tier = 2;
	reload(&scene);
	lane = engine_of(&scene)->lanes[0];
	cr_expect_eq(lane->pool->size, 3);
	cr_expect_eq(lane->pool->balancer, BALANCER_RANDOM);
	cr_expect_eq(lane->queue.count_max, 5);
	cr_expect_eq(lane->queue.bytes_max, 500);
	cr_expect_eq(lane->retries.per_second, 99);
	cr_expect_eq(lane->pool->endpoints[0]->weight, 4);
	cr_expect_eq(lane->pool->tier, 2);
	cr_expect_eq(stage_upstream(&scene.stage, 0)->connection->max_in_flight, 7);
	stage_pass(&scene.stage, STAGE_S);
	stage_open_dials(&scene.stage);
	cr_expect_not_null(stage_upstream(&scene.stage, 2));
	end(&scene);
}

/* What autoscaling has made of the size is none of the file's business. */
/* Unless it is pinned: then what the load had made of it counts no more. */
Test(reconfigure, a_size_that_the_file_does_not_change_stays)
{
	struct scene scene;
	struct lane *lane;

	stage_init(&scene.stage);
	scene.stage.pool->autoscale =
		(struct autoscale_settings){.enabled = true, .min = 1, .max = 10, .target = 0.8};
	begin(&scene);
	lane = engine_of(&scene)->lanes[0];
	pool_resize(lane->pool, 4, "asked", "", scene.stage.outside.now_us);
	reload(&scene);
	cr_expect(lane->pool->size == 4 && !lane->pinned);
	scene.next->pools[0].autoscale.pinned = true;
	reload(&scene);
	cr_expect(lane->pool->size == scene.next->pools[0].size && lane->pinned);
	scene.next->pools[0].size = 2;
	reload(&scene);
	cr_expect_eq(lane->pool->size, 2);
	end(&scene);
}

Test(reconfigure, endpoints_join_and_leave)
{
	struct scene scene;

	begin_asked(&scene);
	scene.next->pools[0].endpoints[0].name = "b";
	reload(&scene);
	stage_pass(&scene.stage, 100 * STAGE_MS);
	stage_open_dials(&scene.stage);
	cr_assert_not_null(upstream_of(&scene, "b"));
	says(scene.client, ASK("2", "m"));
	brings(&scene, upstream_of(&scene, "b"));
	stage_pass(&scene.stage, STAGE_S);
	cr_expect_eq(scene.upstream->state, PEER_OPEN, "it still owes an answer");
	is_answered(&scene);
	stage_pass(&scene.stage, 100 * STAGE_MS);
	cr_expect_eq(scene.upstream->state, PEER_CLOSING);
	peer_end(scene.upstream, "asked", 1000, span_of(NULL, 0));
	cr_expect_eq(engine_of(&scene)->lanes[0]->pool->endpoint_count, 1);
	end(&scene);
}

/* The same name at another address is another endpoint. */
Test(reconfigure, an_endpoint_that_moves_is_replaced)
{
	struct scene scene;
	struct pool *pool;
	struct peer *old;

	stage_init(&scene.stage);
	begin(&scene);
	pool = engine_of(&scene)->lanes[0]->pool;
	old = upstream_of(&scene, "a");
	scene.next->pools[0].endpoints[0].host = "10.1.1.1";
	scene.next->pools[0].endpoints[0].url = "ws://10.1.1.1:9101/";
	reload(&scene);
	cr_assert_eq(pool->endpoint_count, 2);
	cr_expect_str_eq(old->connection->endpoint->settings->name, "a~1");
	cr_expect_str_eq(pool_find_endpoint(pool, "a")->settings->host, "10.1.1.1");
	scene.next->pools[0].endpoints[0].host = "10.1.1.2";
	reload(&scene);
	cr_expect_str_eq(pool_find_endpoint(pool, "a")->settings->host, "10.1.1.2");
	stage_pass(&scene.stage, 100 * STAGE_MS);
	cr_expect_eq(old->state, PEER_CLOSING);
	stage_open_dials(&scene.stage);
	cr_expect_not_null(upstream_of(&scene, "a"));
	end(&scene);
}

Test(reconfigure, a_drained_endpoint_is_drained_by_the_file_too)
{
	struct scene scene;
	struct pool *pool;

	stage_init(&scene.stage);
	setup_endpoint(scene.stage.pool, "b");
	begin(&scene);
	pool = engine_of(&scene)->lanes[0]->pool;
	scene.next->pools[0].endpoints[1].wish = WISH_DRAIN;
	reload(&scene);
	cr_expect_eq(pool_find_endpoint(pool, "b")->wish, WISH_DRAIN);
	reload(&scene);
	cr_expect_eq(pool_find_endpoint(pool, "b")->wish, WISH_DRAIN);
	scene.next->pools[0].endpoints[1].wish = WISH_SERVE;
	reload(&scene);
	cr_expect_eq(pool_find_endpoint(pool, "b")->wish, WISH_SERVE);
	end(&scene);
}

Test(reconfigure, a_pool_that_is_gone_ends_what_it_has_accepted)
{
	struct scene scene;

	begin_asked(&scene);
	scene.next->pools[0].name = "other";
	scene.next->pools[0].endpoints[0].name = "b";
	reload(&scene);
	cr_assert_eq(engine_of(&scene)->lane_count, 2);
	cr_expect_str_eq(engine_of(&scene)->lanes[0]->pool->settings->name, "other");
	says(scene.client, ASK("2", "m"));
	stage_pass(&scene.stage, 100 * STAGE_MS);
	stage_open_dials(&scene.stage);
	brings(&scene, upstream_of(&scene, "b"));
	expect_silence(scene.upstream);
	is_answered(&scene);
	stage_pass(&scene.stage, 100 * STAGE_MS);
	cr_expect_eq(scene.upstream->state, PEER_CLOSING);
	peer_end(scene.upstream, "asked", 1000, span_of(NULL, 0));
	stage_pass(&scene.stage, 20 * STAGE_MS);
	cr_expect_eq(engine_of(&scene)->lane_count, 1);
	end(&scene);
}

/* It had not gone yet. */
Test(reconfigure, a_pool_that_comes_back_goes_on)
{
	struct scene scene;

	begin_asked(&scene);
	scene.next->pools[0].name = "other";
	reload(&scene);
	stage_pass(&scene.stage, 50 * STAGE_MS);
	scene.next->pools[0].name = "main";
	reload(&scene);
	is_answered(&scene);
	stage_pass(&scene.stage, 100 * STAGE_MS);
	cr_expect_eq(scene.upstream->state, PEER_OPEN);
	says(scene.client, ASK("2", "m"));
	hears_request(scene.upstream);
	end(&scene);
}

/* Its old connections speak JSON, and what they carry has been accepted. */
Test(reconfigure, a_pool_that_ends_does_not_come_back_as_another_kind)
{
	struct scene scene;

	begin_asked(&scene);
	scene.next->pools[0].name = "other";
	reload(&scene);
	scene.next->pools[0].name = "main";
	scene.next->pools[0].encoding = ENCODING_MSGPACK;
	cr_expect_eq(engine_reconfigure(engine_of(&scene), &scene.next->config, NULL,
					scene.stage.outside.now_us),
		     WSB_EEXIST);
	cr_expect_str_eq(engine_of(&scene)->config->pools[0].name, "other");
	is_answered(&scene);
	stage_pass(&scene.stage, 100 * STAGE_MS);
	peer_end(scene.upstream, "asked", 1000, span_of(NULL, 0));
	stage_pass(&scene.stage, 20 * STAGE_MS);
	reload(&scene);
	cr_expect_str_eq(engine_of(&scene)->lanes[0]->pool->settings->name, "main");
	end(&scene);
}

Test(reconfigure, a_pool_that_ends_takes_no_commands)
{
	struct command command = {.kind = COMMAND_POOL_PAUSE, .pool = "main"};
	struct outcome outcome;
	struct scene scene;
	struct peer *client;

	stage_init(&scene.stage);
	begin(&scene);
	client = stage_client(&scene.stage);
	says(client, ASK("1", "m"));
	scene.next->pools[0].name = "other";
	reload(&scene);
	engine_apply(engine_of(&scene), &command, &outcome, scene.stage.outside.now_us);
	cr_expect_eq(outcome.kind, OUTCOME_NOT_FOUND, "%s", outcome.detail);
	end(&scene);
}

/* Nobody has promised them more than to try. */
Test(reconfigure, what_waits_in_a_pool_that_is_gone_is_still_served)
{
	struct scene scene;
	struct peer *client;
	struct peer *upstream;
	uint64_t id;

	stage_init(&scene.stage);
	scene.stage.pool->max_in_flight = 1;
	begin(&scene);
	client = stage_client(&scene.stage);
	upstream = stage_upstream(&scene.stage, 0);
	says(client, ASK("1", "m"));
	says(client, ASK("2", "m"));
	id = hears_request(upstream);
	scene.next->pools[0].name = "other";
	reload(&scene);
	answers(upstream, id, "\"result\":1");
	answers(upstream, hears_request(upstream), "\"result\":2");
	expect_hears(client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1}");
	expect_hears(client, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":2}");
	end(&scene);
}

Test(reconfigure, who_is_being_greeted_the_old_way_begins_anew)
{
	struct scene scene;
	struct greeting_step *step;
	struct peer *peer;

	stage_init(&scene.stage);
	step = setup_greeting(scene.stage.pool);
	step->send = "{\"hello\":1}";
	step->expect = json_pack("{s:b}", "welcome", 1);
	stage_begin(&scene.stage);
	scene.next = setup_copy(&scene.stage.setup);
	stage_pass(&scene.stage, 20 * STAGE_MS);
	peer = stage_upstream(&scene.stage, 0);
	peer_open(peer);
	reload(&scene);
	cr_expect_eq(peer->state, PEER_OPEN, "the words are the same");
	says(peer, "{\"welcome\":true}");
	peer_pong(peer);
	cr_expect_eq(peer->connection->state, CONNECTION_READY);
	stage_kill(peer);
	stage_pass(&scene.stage, 3 * STAGE_S);
	peer = stage_upstream(&scene.stage, 0);
	peer_open(peer);
	scene.next->pools[0].on_connect[0].send = "{\"hello\":2}";
	reload(&scene);
	cr_expect_eq(peer->state, PEER_ABORTED);
	json_decref(step->expect);
	end(&scene);
}

/* Everybody is who he was, and the limits are others. */
Test(reconfigure, limits_hold_for_those_who_are_there)
{
	struct scene scene;
	struct peer *client;

	stage_init(&scene.stage);
	begin(&scene);
	client = stage_client(&scene.stage);
	says(client, ASK("1", "m"));
	says(client, ASK("2", "m"));
	scene.next->config.limits.in_flight_per_client = 2;
	scene.next->config.limits.rate_per_client = 1;
	reload(&scene);
	cr_expect(client->paused);
	scene.next->config.limits.in_flight_per_client = 3;
	reload(&scene);
	cr_expect_not(client->paused);
	scene.next->config.limits.in_flight_per_client = 100;
	reload(&scene);
	says(client, ASK("3", "m"));
	says(client, ASK("4", "m"));
	expect_error(client, .id = "4", .code = -32004, .reason = "rate_limited", .retryable = true,
		     .limit = "limits.rate_per_client");
	scene.next->config.limits.message_bytes = 50;
	reload(&scene);
	says(client, ASK("5", "a_very_long_method_that_does_not_fit_any_more"));
	cr_expect_eq(client->close_code, 1009);
	end(&scene);
}

static void set_tokens(struct setup *setup, const char *ann, const char *ben)
{
	setup->tokens[0] = (struct token){.name = "ann", .secret = ann};
	setup->tokens[1] = (struct token){.name = "ben", .secret = ben};
	setup->listeners[0].auth = true;
	setup->listeners[0].tokens =
		(struct token_set){.tokens = setup->tokens, .count = ben ? 2 : 1};
}

Test(reconfigure, who_has_lost_his_token_goes)
{
	struct admittance ann = {.status = 101, .identity = "ann"};
	struct admittance ben = {.status = 101, .identity = "ben"};
	struct scene scene;

	stage_init(&scene.stage);
	set_tokens(&scene.stage.setup, "one", "two");
	begin(&scene);
	cr_assert_not_null(outside_client(&scene.stage.outside, 0, &ann));
	cr_assert_not_null(outside_client(&scene.stage.outside, 0, &ben));
	reload(&scene);
	cr_expect_eq(clients_closing(&scene, 1008), 0);
	scene.next->listeners[0].path = "/elsewhere";
	reload(&scene);
	cr_expect_eq(clients_closing(&scene, 1008), 0, "where he came in is no matter");
	set_tokens(scene.next, "one", NULL);
	reload(&scene);
	cr_expect_eq(clients_closing(&scene, 1008), 1);
	set_tokens(scene.next, "another", NULL);
	reload(&scene);
	cr_expect_eq(clients_closing(&scene, 1008), 2);
	end(&scene);
}

/* No token file knows whom a key has vouched for. */
Test(reconfigure, who_came_with_a_signed_token_stays_while_those_are_taken)
{
	struct admittance eve = {.status = 101, .identity = "eve"};
	static struct jwk keys[1];
	struct scene scene;

	stage_init(&scene.stage);
	set_tokens(&scene.stage.setup, "one", NULL);
	scene.stage.setup.listeners[0].jwt.keys = (struct jwk_set){.keys = keys, .count = 1};
	begin(&scene);
	cr_assert_not_null(outside_client(&scene.stage.outside, 0, &eve));
	set_tokens(scene.next, "two", NULL);
	reload(&scene);
	cr_expect_eq(clients_closing(&scene, 1008), 0);
	scene.next->listeners[0].jwt.keys.count = 0;
	reload(&scene);
	cr_expect_eq(clients_closing(&scene, 1008), 1);
	end(&scene);
}

Test(reconfigure, where_a_token_is_asked_for_from_now_on_nobody_stays_without)
{
	struct scene scene;

	stage_init(&scene.stage);
	begin(&scene);
	stage_client(&scene.stage);
	set_tokens(scene.next, "one", NULL);
	reload(&scene);
	cr_expect_eq(clients_closing(&scene, 1008), 1);
	end(&scene);
}

Test(reconfigure, clients_of_a_listener_that_is_gone_are_told_to_come_back)
{
	struct admittance anybody = {.status = 101};
	struct scene scene;
	struct peer *second;

	stage_init(&scene.stage);
	scene.stage.setup.listeners[1] = scene.stage.setup.listeners[0];
	scene.stage.setup.listeners[1].address.text = "127.0.0.1:7090";
	scene.stage.setup.config.listener_count = 2;
	begin(&scene);
	stage_client(&scene.stage);
	second = outside_client(&scene.stage.outside, 1, &anybody);
	/* Their places in the list change. */
	scene.next->listeners[0] = scene.next->listeners[1];
	scene.next->config.listener_count = 1;
	reload(&scene);
	cr_expect_eq(clients_closing(&scene, 1012), 1);
	cr_expect_eq(second->state, PEER_OPEN);
	cr_expect_eq(second->session->listener, 0);
	end(&scene);
}

/* The name was the old configuration's; who came with it is still there. */
Test(reconfigure, a_client_keeps_its_name)
{
	struct admission admission = {
		.upgrade = true,
		.method = span_text("GET"),
		.path = span_text("/"),
		.version = span_text("13"),
		.key = span_text("AAAAAAAAAAAAAAAAAAAAAA=="),
		.authorization = span_text("Bearer one"),
	};
	struct admittance verdict;
	struct scene scene;
	struct peer *client;
	char name[] = "ann";

	stage_init(&scene.stage);
	set_tokens(&scene.stage.setup, "one", NULL);
	scene.stage.setup.tokens[0].name = name;
	begin(&scene);
	engine_admit(engine_of(&scene), &admission, &verdict);
	cr_assert_eq(verdict.status, 101);
	client = outside_client(&scene.stage.outside, 0, &verdict);
	scene.next->tokens[0].name = "ann";
	reload(&scene);
	name[0] = '?';
	cr_expect_str_eq(client->session->identity, "ann");
	end(&scene);
}
