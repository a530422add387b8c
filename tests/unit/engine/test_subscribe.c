/* Subscriptions: shared upstream, with an id of each client's own. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/engine/subscribers.h"

Test(subscribe, equal_requests_share_one_upstream)
{
	struct scene scene;
	char mine[ID_MAX], his[ID_MAX], late[ID_MAX];

	begin_with(&scene, 1);
	says(scene.client, SUBSCRIBE("1", "heads"));
	says(scene.other, "{ \"params\" : [ \"\\u0068eads\" ], \"jsonrpc\":\"2.0\","
			  "\"method\":\"eth_subscribe\",\"id\":\"x\"}");
	expect_silence(scene.client);
	accepts(scene.a, "0xabc");
	expect_silence(scene.a);
	hears_id(scene.client, "1", mine);
	hears_id(scene.other, "\"x\"", his);
	cr_assert_str_neq(mine, his);
	cr_assert(strncmp(mine, "0x", 2) == 0 && strlen(mine) == 18, "%s", mine);

	says(scene.a, event_text("0xabc", 1));
	expect_hears(scene.client, event_text(mine, 1));
	expect_hears(scene.other, event_text(his, 1));

	/* Whoever comes late is answered at once, and hears what comes from then on. */
	says(scene.client, SUBSCRIBE("2", "heads"));
	expect_silence(scene.a);
	hears_id(scene.client, "2", late);
	says(scene.a, event_text("0xabc", 2));
	expect_hears(scene.client, event_text(mine, 2));
	expect_hears(scene.client, event_text(late, 2));
	expect_hears(scene.other, event_text(his, 2));
	cr_assert_eq(publish_of(&scene)->subscriptions.states[SUBSCRIPTION_LIVE].count, 1);
	end(&scene);
}

Test(subscribe, other_requests_are_others)
{
	struct scene scene;
	char heads[ID_MAX], logs[ID_MAX];

	begin_with(&scene, 1);
	subscribed(&scene, "heads", "0x1", heads);
	subscribed(&scene, "logs", "0x2", logs);
	says(scene.a, event_text("0x2", 7));
	expect_hears(scene.client, event_text(logs, 7));
	says(scene.a, event_text("0x1", 8));
	expect_hears(scene.client, event_text(heads, 8));
	says(scene.a, event_text("0x3", 9));
	expect_silence(scene.client);
	cr_assert_eq(scene.stage.outside.engine->lanes[0]->traffic.events_late, 1);
	end(&scene);
}

Test(subscribe, one_leaves_by_his_own_id_alone)
{
	struct scene scene;
	char mine[ID_MAX], his[ID_MAX];

	begin_with(&scene, 1);
	says(scene.client, SUBSCRIBE("1", "heads"));
	accepts(scene.a, "0x1");
	says(scene.other, SUBSCRIBE("1", "heads"));
	hears_id(scene.client, "1", mine);
	hears_id(scene.other, "1", his);

	/* Neither another's id nor the upstream's is his to end. */
	unsubscribes(scene.client, his);
	expect_hears(scene.client, "{\"jsonrpc\":\"2.0\",\"id\":\"u\",\"result\":false}");
	unsubscribes(scene.client, "0x1");
	expect_hears(scene.client, "{\"jsonrpc\":\"2.0\",\"id\":\"u\",\"result\":false}");
	unsubscribes(scene.client, mine);
	expect_hears(scene.client, "{\"jsonrpc\":\"2.0\",\"id\":\"u\",\"result\":true}");
	unsubscribes(scene.client, mine);
	expect_hears(scene.client, "{\"jsonrpc\":\"2.0\",\"id\":\"u\",\"result\":false}");
	stage_pass(&scene.stage, 50 * STAGE_MS);
	expect_silence(scene.a);
	says(scene.a, event_text("0x1", 1));
	expect_silence(scene.client);
	expect_hears(scene.other, event_text(his, 1));
	end(&scene);
}

Test(subscribe, the_last_to_leave_ends_it_upstream_after_linger)
{
	struct scene scene;
	char id[ID_MAX];

	scene_init(&scene, 1);
	scene.route->subscribe.linger_us = 500 * STAGE_MS;
	begin(&scene);
	subscribed(&scene, "heads", "0x1", id);
	unsubscribes(scene.client, id);
	hears(scene.client);
	stage_pass(&scene.stage, 400 * STAGE_MS);
	expect_silence(scene.a);
	/* Who comes in time finds it warm. */
	says(scene.other, SUBSCRIBE("5", "heads"));
	hears_id(scene.other, "5", id);
	stage_pass(&scene.stage, 600 * STAGE_MS);
	expect_silence(scene.a);
	stage_kill(scene.other);
	stage_pass(&scene.stage, 490 * STAGE_MS);
	expect_silence(scene.a);
	stage_pass(&scene.stage, 20 * STAGE_MS);
	is_left(scene.a, "0x1");
	cr_assert(publish_is_clear(scene.a->connection));
	/* The same id may come again. */
	subscribed(&scene, "heads", "0x1", id);
	says(scene.a, event_text("0x1", 1));
	expect_hears(scene.client, event_text(id, 1));
	end(&scene);
}

Test(subscribe, an_error_is_everybodys_who_waits)
{
	struct scene scene;

	begin_with(&scene, 1);
	says(scene.client, SUBSCRIBE("1", "nonsense"));
	says(scene.other, SUBSCRIBE("\"b\"", "nonsense"));
	answers(scene.a, hears_request(scene.a), "\"error\":{\"code\":-5,\"message\":\"no\"}");
	expect_hears(scene.client,
		     "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-5,\"message\":\"no\"}}");
	expect_hears(
		scene.other,
		"{\"jsonrpc\":\"2.0\",\"id\":\"b\",\"error\":{\"code\":-5,\"message\":\"no\"}}");
	cr_assert_eq(publish_of(&scene)->subscriptions.members, 0);
	/* It is not remembered. */
	says(scene.client, SUBSCRIBE("2", "nonsense"));
	hears_request(scene.a);
	end(&scene);
}

Test(subscribe, who_leaves_while_it_is_asked_for_leaves_nothing_behind)
{
	struct scene scene;
	uint64_t request;

	begin_with(&scene, 1);
	says(scene.client, SUBSCRIBE("1", "heads"));
	request = hears_request(scene.a);
	stage_kill(scene.client);
	answers(scene.a, request, "\"result\":\"0x1\"");
	stage_pass(&scene.stage, 20 * STAGE_MS);
	is_left(scene.a, "0x1");
	cr_assert_eq(publish_of(&scene)->subscriptions.bytes, 0);
	end(&scene);
}

Test(subscribe, a_late_yes_is_undone)
{
	struct scene scene;
	uint64_t request;

	scene_init(&scene, 1);
	scene.route->timeout_us = STAGE_S;
	begin(&scene);
	says(scene.client, SUBSCRIBE("1", "heads"));
	request = hears_request(scene.a);
	stage_pass(&scene.stage, 1100 * STAGE_MS);
	expect_error(scene.client, .id = "1", .code = -32002, .reason = "timeout",
		     .retryable = true, .pool = "main");
	answers(scene.a, request, "\"result\":\"0x1\"");
	stage_pass(&scene.stage, 20 * STAGE_MS);
	is_left(scene.a, "0x1");
	cr_assert_eq(publish_of(&scene)->subscriptions.bytes, 0);
	end(&scene);
}

Test(subscribe, with_nothing_up_it_waits_like_any_request)
{
	struct scene scene;

	scene_init(&scene, 1);
	scene.stage.pool->queue.age_us = STAGE_S;
	begin(&scene);
	stage_kill(scene.a);
	says(scene.client, SUBSCRIBE("1", "heads"));
	stage_pass(&scene.stage, 990 * STAGE_MS);
	expect_silence(scene.client);
	stage_pass(&scene.stage, 20 * STAGE_MS);
	expect_error(scene.client, .id = "1", .code = -32000, .reason = "unavailable",
		     .retryable = true, .pool = "main", .limit = "pools.queue.age");
	end(&scene);
}

Test(subscribe, what_cannot_be_one_is_refused)
{
	struct scene scene;
	struct peer *post;

	scene_init(&scene, 1);
	scene.stage.setup.config.limits.subscriptions_per_client = 1;
	begin(&scene);
	post = stage_post(&scene.stage, SUBSCRIBE("1", "heads"));
	cr_assert_eq(post->status, 200);
	expect_error_in(post->body.text, &(struct expected_error){.id = "1",
								  .code = -32600,
								  .reason = "invalid_request",
								  .pool = "main"});
	says(scene.client, "{\"jsonrpc\":\"2.0\",\"method\":\"eth_subscribe\",\"params\":[]}");
	expect_silence(scene.client);
	says(scene.client, SUBSCRIBE("1", "one"));
	says(scene.client, SUBSCRIBE("2", "two"));
	expect_error(scene.client, .id = "2", .code = -32003, .reason = "overloaded",
		     .retryable = true, .pool = "main", .limit = "limits.subscriptions_per_client");
	hears_request(scene.a);
	expect_silence(scene.a);
	end(&scene);
}

Test(subscribe, a_slow_reader_is_cut_and_the_others_are_not)
{
	struct scene scene;
	char mine[ID_MAX], his[ID_MAX];
	int heard = 0;

	scene_init(&scene, 1);
	scene.stage.setup.config.limits.send_buffer_bytes = 65536;
	begin(&scene);
	says(scene.client, SUBSCRIBE("1", "heads"));
	says(scene.other, SUBSCRIBE("1", "heads"));
	accepts(scene.a, "0x1");
	hears_id(scene.client, "1", mine);
	hears_id(scene.other, "1", his);
	for (int i = 0; i < 2000; i++) {
		says(scene.a, event_text("0x1", i));
		heard += hears(scene.other) != NULL;
	}
	cr_assert_eq(heard, 2000);
	cr_assert_eq(scene.client->state, PEER_CLOSING);
	cr_assert_eq(scene.client->close_code, 1013);
	stage_kill(scene.client);
	cr_assert_eq(publish_of(&scene)->subscriptions.members, 1);
	end(&scene);
}
