/* Events in every form: by id, by request, by name; early, and in batches. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/engine/subscribers.h"

Test(events, events_before_the_answer_wait_for_it)
{
	struct scene scene;
	uint64_t request;
	char id[ID_MAX];

	begin_with(&scene, 1);
	says(scene.client, SUBSCRIBE("1", "heads"));
	request = hears_request(scene.a);
	says(scene.a, event_text("0x1", 1));
	says(scene.a, event_text("0x2", 9));
	says(scene.a, event_text("0x1", 2));
	expect_silence(scene.client);
	answers(scene.a, request, "\"result\":\"0x1\"");
	hears_id(scene.client, "1", id);
	expect_hears(scene.client, event_text(id, 1));
	expect_hears(scene.client, event_text(id, 2));
	expect_silence(scene.client);
	cr_assert(list_is_empty(&publish_of(&scene)->held));
	cr_assert_eq(scene.stage.outside.engine->lanes[0]->traffic.events_late, 1);
	end(&scene);
}

Test(events, those_held_go_with_their_connection)
{
	struct scene scene;

	begin_with(&scene, 1);
	says(scene.client, SUBSCRIBE("1", "heads"));
	hears_request(scene.a);
	says(scene.a, event_text("0x1", 1));
	cr_assert_eq(publish_of(&scene)->held.count, 1);
	stage_kill(scene.a);
	cr_assert_eq(publish_of(&scene)->held.count, 0);
	stage_kill(scene.client);
	stage_pass(&scene.stage, 20 * STAGE_MS);
	end(&scene);
}

Test(events, held_events_are_bounded)
{
	struct scene scene;
	char id[ID_MAX];
	uint64_t request;
	int heard = 0;

	begin_with(&scene, 1);
	says(scene.client, SUBSCRIBE("1", "heads"));
	request = hears_request(scene.a);
	for (int i = 0; i < 1000; i++)
		says(scene.a, event_text("0x1", i));
	answers(scene.a, request, "\"result\":\"0x1\"");
	hears_id(scene.client, "1", id);
	while (hears(scene.client))
		heard++;
	cr_assert_eq(heard, 256);
	end(&scene);
}

Test(events, in_a_batch_events_follow_the_whole_answer)
{
	struct scene scene;
	uint64_t request, echo;
	const char *heard;
	char id[ID_MAX];

	begin_with(&scene, 1);
	says(scene.client, "[" SUBSCRIBE("1", "heads") ",{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":"
						       "\"echo\"}]");
	request = hears_request(scene.a);
	echo = hears_request(scene.a);
	answers(scene.a, request, "\"result\":\"0x1\"");
	says(scene.a, event_text("0x1", 1));
	says(scene.a, event_text("0x1", 2));
	expect_silence(scene.client);
	answers(scene.a, echo, "\"result\":7");
	heard = hears(scene.client);
	cr_assert(heard && heard[0] == '[', "%s", heard);
	heard = strstr(heard, "\"result\":\"") + 10;
	snprintf(id, sizeof(id), "%.18s", heard);
	expect_hears(scene.client, event_text(id, 1));
	expect_hears(scene.client, event_text(id, 2));
	says(scene.a, event_text("0x1", 3));
	expect_hears(scene.client, event_text(id, 3));
	end(&scene);
}

/* What is small enough to fit behind a hole would make it look like none. */
Test(events, behind_an_event_that_does_not_fit_into_a_batch_none_follows_untold)
{
	struct scene scene;
	uint64_t request, echo;
	const char *heard;
	char id[ID_MAX];
	char long_event[1024];

	scene_init(&scene, 1);
	scene.stage.setup.config.limits.send_buffer_bytes = 600;
	begin(&scene);
	says(scene.client, "[" SUBSCRIBE("1", "heads") ",{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":"
						       "\"echo\"}]");
	request = hears_request(scene.a);
	echo = hears_request(scene.a);
	answers(scene.a, request, "\"result\":\"0x1\"");
	snprintf(long_event, sizeof(long_event), "%s%*s", event_text("0x1", 1), 600, "");
	says(scene.a, long_event);
	says(scene.a, event_text("0x1", 2));
	answers(scene.a, echo, "\"result\":7");
	heard = hears(scene.client);
	cr_assert(heard && heard[0] == '[', "%s", heard);
	snprintf(id, sizeof(id), "%.18s", strstr(heard, "\"result\":\"") + 10);
	expect_hears(scene.client, gap_text(id, "overflow", "0", "possible"));
	says(scene.a, event_text("0x1", 3));
	expect_hears(scene.client, event_text(id, 3));
	end(&scene);
}

Test(events, clients_in_messagepack_share_with_those_in_json)
{
	static const char request[] = "\x84\xa7"
				      "jsonrpc\xa3"
				      "2.0\xa2"
				      "id\x07\xa6"
				      "method\xad"
				      "eth_subscribe\xa6"
				      "params\x91\xa5"
				      "heads";
	struct scene scene;
	char id[ID_MAX];
	const char *heard;

	begin_with(&scene, 1);
	subscribed(&scene, "heads", "0x1", id);
	says_bytes(scene.other, request, sizeof(request) - 1);
	expect_silence(scene.a);
	heard = hears(scene.other);
	cr_assert(heard && memmem(heard, heard_bytes(scene.other),
				  "\xa6result\xb2"
				  "0x",
				  10));
	says(scene.a, event_text("0x1", 1));
	expect_hears(scene.client, event_text(id, 1));
	heard = hears(scene.other);
	cr_assert(heard && memmem(heard, heard_bytes(scene.other),
				  "\xacsubscription\xb2"
				  "0x",
				  16));
	end(&scene);
}

Test(events, an_answer_without_an_id_is_passed_on)
{
	struct scene scene;

	begin_with(&scene, 1);
	says(scene.client, SUBSCRIBE("1", "heads"));
	answers(scene.a, hears_request(scene.a), "\"result\":{\"ok\":true}");
	expect_hears(scene.client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"ok\":true}}");
	cr_assert_eq(publish_of(&scene)->subscriptions.members, 0);
	end(&scene);
}

Test(events, numbers_stay_numbers_where_the_paths_say)
{
	struct scene scene;
	const char *heard;
	char own[32], text[256];

	scene_init(&scene, 1);
	scene.route->subscribe.result = "result.channel.id";
	scene.route->subscribe.id = "/params/channel";
	scene.route->subscribe.unsubscribe_id = "params.channel";
	begin(&scene);
	says(scene.client, SUBSCRIBE("1", "heads"));
	answers(scene.a, hears_request(scene.a),
		"\"result\":{\"ok\":true,\"channel\":{\"id\":5,\"x\":1}}");
	heard = hears(scene.client);
	cr_assert(sscanf(heard,
			 "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"ok\":true,\"channel\":{"
			 "\"id\":%31[0-9],\"x\":1}}}",
			 own) == 1,
		  "%s", heard);
	says(scene.a, "{\"method\":\"eth_subscription\",\"params\":{\"channel\":5}}");
	snprintf(text, sizeof(text),
		 "{\"method\":\"eth_subscription\",\"params\":{\"channel\":%s}}", own);
	expect_hears(scene.client, text);
	snprintf(text, sizeof(text),
		 "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"eth_unsubscribe\",\"params\":{"
		 "\"channel\":%s}}",
		 own);
	says(scene.client, text);
	expect_hears(scene.client, "{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":true}");
	stage_pass(&scene.stage, 20 * STAGE_MS);
	heard = hears(scene.a);
	cr_assert(heard && strstr(heard, "\"params\":{\"channel\":5}"), "%s", heard);
	end(&scene);
}

Test(events, events_may_carry_the_id_of_the_request)
{
	struct scene scene;
	uint64_t request;
	char text[256];

	scene_init(&scene, 1);
	scene.route->subscribe.id = "request";
	scene.route->subscribe.notification = NULL;
	begin(&scene);
	says(scene.client, SUBSCRIBE("\"mine\"", "heads"));
	says(scene.other, SUBSCRIBE("44", "heads"));
	request = hears_request(scene.a);
	answers(scene.a, request, "\"result\":\"ok\"");
	expect_hears(scene.client, "{\"jsonrpc\":\"2.0\",\"id\":\"mine\",\"result\":\"ok\"}");
	expect_hears(scene.other, "{\"jsonrpc\":\"2.0\",\"id\":44,\"result\":\"ok\"}");
	answers(scene.a, request, "\"result\":{\"event\":1}");
	expect_hears(scene.client,
		     "{\"jsonrpc\":\"2.0\",\"id\":\"mine\",\"result\":{\"event\":1}}");
	expect_hears(scene.other, "{\"jsonrpc\":\"2.0\",\"id\":44,\"result\":{\"event\":1}}");
	unsubscribes(scene.client, "mine");
	expect_hears(scene.client, "{\"jsonrpc\":\"2.0\",\"id\":\"u\",\"result\":true}");
	stage_kill(scene.other);
	stage_pass(&scene.stage, 20 * STAGE_MS);
	snprintf(text, sizeof(text), "\"method\":\"eth_unsubscribe\",\"params\":[%" PRIu64 "]",
		 request);
	cr_assert(strstr(hears(scene.a), text));
	end(&scene);
}

/* As rpc-websockets does it: rpc.on, and events that are known by name alone. */
Test(events, events_may_be_known_by_name)
{
	struct scene scene;
	static const char feed[] = "{\"method\":\"feed\",\"params\":[1]}";
	static const char news[] = "{\"method\":\"news\",\"params\":[2]}";

	scene_init(&scene, 1);
	scene.route->subscribe = (struct subscribe_settings){
		.unsubscribe = "rpc.off", .notification = "*", .restore_us = 60 * STAGE_S};
	scene.route->method = "rpc.on";
	begin(&scene);
	says(scene.client, "{\"id\":1,\"method\":\"rpc.on\",\"params\":[\"feed\",\"news\"]}");
	answers(scene.a, hears_request(scene.a), "\"result\":{\"feed\":\"ok\",\"news\":\"ok\"}");
	expect_hears(scene.client,
		     "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"feed\":\"ok\",\"news\":\"ok\"}}");
	/* Twice is as good as once. */
	says(scene.client, "{\"id\":2,\"method\":\"rpc.on\",\"params\":[\"feed\",\"news\"]}");
	expect_hears(scene.client,
		     "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"feed\":\"ok\",\"news\":\"ok\"}}");
	says(scene.a, feed);
	expect_hears(scene.client, feed);
	says(scene.a, news);
	expect_hears(scene.client, news);
	says(scene.a, "{\"method\":\"other\",\"params\":[2]}");
	expect_silence(scene.client);
	says(scene.client,
	     "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"rpc.off\",\"params\":[\"feed\"]}");
	expect_hears(scene.client,
		     "{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{\"feed\":\"ok\",\"news\":\"ok\"}}");
	says(scene.a, feed);
	expect_silence(scene.client);
	says(scene.a, news);
	expect_hears(scene.client, news);
	says(scene.client,
	     "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"rpc.off\",\"params\":[\"news\"]}");
	hears(scene.client);
	says(scene.client,
	     "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"rpc.off\",\"params\":[\"news\"]}");
	expect_hears(scene.client, "{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":false}");
	stage_pass(&scene.stage, 20 * STAGE_MS);
	cr_assert(strstr(hears(scene.a), "\"method\":\"rpc.off\",\"params\":[\"feed\",\"news\"]}"));
	end(&scene);
}
