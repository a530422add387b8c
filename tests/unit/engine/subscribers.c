#include "tests/unit/engine/subscribers.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

void scene_init(struct scene *scene, uint32_t connections)
{
	stage_init(&scene->stage);
	scene->stage.pool->size = connections;
	if (connections > 1)
		setup_endpoint(scene->stage.pool, "b");
	scene->stage.setup.config.route_count = 0;
	scene->route = setup_route(&scene->stage.setup, "eth_subscribe");
	scene->route->subscribe = (struct subscribe_settings){
		.unsubscribe = "eth_unsubscribe",
		.notification = "eth_subscription",
		.id = "params.subscription",
		.linger_us = 0,
		.restore_us = 60 * STAGE_S,
	};
	setup_route(&scene->stage.setup, "*");
}

void begin(struct scene *scene)
{
	stage_begin_ready(&scene->stage);
	stage_pass(&scene->stage, 200 * STAGE_MS);
	stage_open_dials(&scene->stage);
	scene->client = stage_client(&scene->stage);
	scene->other = stage_client(&scene->stage);
	scene->a = stage_upstream(&scene->stage, 0);
	scene->b = stage_upstream(&scene->stage, 1);
	expect_silence(scene->a);
	if (scene->b)
		expect_silence(scene->b);
}

void begin_with(struct scene *scene, uint32_t connections)
{
	scene_init(scene, connections);
	begin(scene);
}

struct publish *publish_of(struct scene *scene)
{
	return &scene->stage.outside.engine->publish;
}

void end(struct scene *scene)
{
	stage_end(&scene->stage);
}

void hears_id(struct peer *client, const char *request_id, char id[ID_MAX])
{
	const char *heard = hears(client);
	char head[128];
	const char *end;

	cr_assert_not_null(heard, "no answer to %s", request_id);
	snprintf(head, sizeof(head), "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":\"", request_id);
	cr_assert(strncmp(heard, head, strlen(head)) == 0, "%s is no answer to %s", heard,
		  request_id);
	heard += strlen(head);
	end = strchr(heard, '"');
	cr_assert(end && end - heard < ID_MAX);
	snprintf(id, ID_MAX, "%.*s", (int)(end - heard), heard);
}

const char *event_text(const char *id, int number)
{
	static char text[256];

	snprintf(
		text, sizeof(text),
		"{\"jsonrpc\":\"2.0\",\"method\":\"eth_subscription\",\"params\":{\"subscription\":"
		"\"%s\",\"result\":{\"number\":%d}}}",
		id, number);
	return text;
}

const char *gap_text(const char *id, const char *reason, const char *dark, const char *gap)
{
	static char text[256];

	snprintf(text, sizeof(text),
		 "{\"jsonrpc\":\"2.0\",\"method\":\"wsbroker.gap\",\"params\":{\"subscription\":"
		 "\"%s\",\"reason\":\"%s\",\"dark_ms\":%s,\"gap\":\"%s\"}}",
		 id, reason, dark, gap);
	return text;
}

void accepts(struct peer *upstream, const char *id)
{
	char member[128];

	snprintf(member, sizeof(member), "\"result\":\"%s\"", id);
	answers(upstream, hears_request(upstream), member);
}

void is_left(struct peer *upstream, const char *id)
{
	char wanted[128];
	const char *heard = hears(upstream);
	uint64_t number;

	cr_assert_not_null(heard, "no unsubscribe request for %s", id);
	snprintf(wanted, sizeof(wanted), "\"method\":\"eth_unsubscribe\",\"params\":[\"%s\"]}", id);
	cr_assert(strstr(heard, wanted), "%s instead of %s", heard, wanted);
	number = strtoull(strstr(heard, "\"id\":") + 5, NULL, 10);
	answers(upstream, number, "\"result\":true");
}

void unsubscribes(struct peer *client, const char *id)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "{\"jsonrpc\":\"2.0\",\"id\":\"u\",\"method\":\"eth_unsubscribe\",\"params\":[\"%"
		 "s\"]}",
		 id);
	says(client, text);
}

struct peer *taker(struct scene *scene)
{
	return is_spoken_to(scene->a) ? scene->a : scene->b;
}

struct peer *rest(struct scene *scene, const struct peer *peer)
{
	return peer == scene->a ? scene->b : scene->a;
}

struct peer *subscribed(struct scene *scene, const char *what, const char *upstream_id,
			char id[ID_MAX])
{
	char text[128];
	struct peer *upstream;

	snprintf(text, sizeof(text),
		 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_subscribe\",\"params\":[\"%s\"]}",
		 what);
	says(scene->client, text);
	upstream = taker(scene);
	accepts(upstream, upstream_id);
	hears_id(scene->client, "1", id);
	return upstream;
}

void moves_away(struct scene *scene, struct peer *old)
{
	publish_move_away(scene->stage.outside.engine, old->connection,
			  scene->stage.outside.now_us);
	stage_pass(&scene->stage, 20 * STAGE_MS);
}
