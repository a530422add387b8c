/* Endpoints that stand for all addresses of a name. */
#include <criterion/criterion.h>

#include "broker/engine/apply.h"
#include "broker/engine/reconfigure.h"
#include "tests/unit/engine/stage.h"

struct scene {
	struct stage stage;
	struct pool *pool;
};

static void begin(struct scene *scene)
{
	stage_init(&scene->stage);
	scene->stage.pool->endpoints[0].host = "api.internal";
	scene->stage.pool->endpoints[0].resolve.all = true;
	scene->stage.pool->endpoints[0].resolve.interval_us = 10 * STAGE_S;
	scene->stage.pool->size = 4;
	stage_begin(&scene->stage);
	scene->pool = scene->stage.outside.engine->lanes[0]->pool;
	stage_pass(&scene->stage, 20 * STAGE_MS);
}

/* Who was told to go does. */
static void see_off(struct scene *scene)
{
	list_each(&scene->stage.outside.peers, node) {
		struct peer *peer = list_entry(node, struct peer, link);

		if (peer->state == PEER_CLOSING || peer->state == PEER_ABORTED)
			peer_end(peer, "asked", 0, span_of("", 0));
	}
}

/* The look-up under way is answered, and who is dialled then lets us in. */
static void resolve(struct scene *scene, const char *one, const char *two)
{
	const char *addresses[] = {one, two};
	struct outside *outside = &scene->stage.outside;

	engine_resolved(outside->engine, outside->look_up, addresses, (one != NULL) + (two != NULL),
			"no such host", outside->now_us);
	for (int i = 0; i < 20; i++) {
		stage_pass(&scene->stage, 100 * STAGE_MS);
		stage_open_dials(&scene->stage);
		see_off(scene);
	}
}

static uint32_t ready_at(const struct scene *scene, const char *name)
{
	const struct endpoint *endpoint = pool_find_endpoint(scene->pool, name);

	return endpoint ? endpoint->ready : 0;
}

Test(resolving, each_address_is_an_endpoint)
{
	struct scene scene;

	begin(&scene);
	cr_assert_gt(scene.stage.outside.look_up, 0);
	cr_assert_null(stage_upstream(&scene.stage, 0), "the name itself is not dialled");
	resolve(&scene, "10.0.0.1", "10.0.0.2");
	cr_assert_eq(ready_at(&scene, "a@10.0.0.1"), 2);
	cr_assert_eq(ready_at(&scene, "a@10.0.0.2"), 2);
	cr_assert_eq(ready_at(&scene, "a"), 0);
	cr_assert_str_eq(pool_find_endpoint(scene.pool, "a@10.0.0.1")->settings->address,
			 "10.0.0.1");
	cr_assert_str_eq(pool_find_endpoint(scene.pool, "a@10.0.0.1")->settings->host,
			 "api.internal", "Host, SNI and the certificate's name stay");
	stage_end(&scene.stage);
}

Test(resolving, addresses_join_and_leave_as_the_name_has_them)
{
	struct scene scene;
	uint64_t look_up;

	begin(&scene);
	resolve(&scene, "10.0.0.1", "10.0.0.2");
	look_up = scene.stage.outside.look_up;
	stage_pass(&scene.stage, 12 * STAGE_S);
	cr_assert_eq(scene.stage.outside.look_up, look_up + 1, "an interval later");
	resolve(&scene, "10.0.0.2", "10.0.0.3");
	cr_assert_null(pool_find_endpoint(scene.pool, "a@10.0.0.1"));
	cr_assert_eq(ready_at(&scene, "a@10.0.0.3"), 2);
	stage_pass(&scene.stage, 12 * STAGE_S);
	resolve(&scene, "10.0.0.9", NULL);
	cr_assert_eq(ready_at(&scene, "a@10.0.0.9"), 4);
	cr_assert_null(pool_find_endpoint(scene.pool, "a@10.0.0.2"));
	stage_end(&scene.stage);
}

Test(resolving, the_last_address_goes_when_its_successor_is_ready)
{
	const char *addresses[] = {"10.0.0.2"};
	struct scene scene;

	begin(&scene);
	resolve(&scene, "10.0.0.1", NULL);
	stage_pass(&scene.stage, 12 * STAGE_S);
	engine_resolved(scene.stage.outside.engine, scene.stage.outside.look_up, addresses, 1, "",
			scene.stage.outside.now_us);
	stage_pass(&scene.stage, STAGE_S);
	cr_assert_eq(ready_at(&scene, "a@10.0.0.1"), 4, "nobody else is there yet");
	stage_open_dials(&scene.stage);
	stage_pass(&scene.stage, STAGE_S);
	stage_open_dials(&scene.stage);
	cr_assert_eq(ready_at(&scene, "a@10.0.0.1"), 0);
	stage_end(&scene.stage);
}

Test(resolving, a_failing_look_up_keeps_the_addresses_and_is_made_again)
{
	struct scene scene;
	uint64_t look_up;

	begin(&scene);
	resolve(&scene, "10.0.0.1", "10.0.0.2");
	stage_pass(&scene.stage, 12 * STAGE_S);
	look_up = scene.stage.outside.look_up;
	resolve(&scene, NULL, NULL);
	cr_assert_eq(ready_at(&scene, "a@10.0.0.1"), 2);
	cr_assert_str_eq(pool_find_endpoint(scene.pool, "a")->last_error, "dns: no such host");
	stage_pass(&scene.stage, 4 * STAGE_S);
	cr_assert_eq(scene.stage.outside.look_up, look_up + 1, "sooner than usual");
	stage_end(&scene.stage);
}

/* Another configuration, which says so of `resolve`. */
static void reload(struct scene *scene, bool all, uint64_t interval_us)
{
	struct setup *next = setup_copy(&scene->stage.setup);
	struct outside *outside = &scene->stage.outside;

	next->pools[0].endpoints[0].resolve.all = all;
	next->pools[0].endpoints[0].resolve.interval_us = interval_us;
	cr_assert_eq(engine_reconfigure(outside->engine, &next->config, "ann", outside->now_us),
		     WSB_OK);
	config_release(&next->config);
	for (int i = 0; i < 20; i++) {
		stage_pass(&scene->stage, 100 * STAGE_MS);
		stage_open_dials(&scene->stage);
		see_off(scene);
	}
}

Test(resolving, a_reload_leaves_the_addresses_alone_until_it_says_otherwise)
{
	struct scene scene;

	begin(&scene);
	resolve(&scene, "10.0.0.1", "10.0.0.2");
	reload(&scene, true, 10 * STAGE_S);
	cr_assert_eq(ready_at(&scene, "a@10.0.0.1"), 2);
	cr_assert_eq(ready_at(&scene, "a"), 0);
	reload(&scene, false, 10 * STAGE_S);
	cr_assert_eq(ready_at(&scene, "a"), 4);
	cr_assert_eq(scene.pool->endpoint_count, 1);
	stage_end(&scene.stage);
}

Test(resolving, another_interval_holds_at_once)
{
	struct scene scene;
	uint64_t look_up;

	begin(&scene);
	reload(&scene, true, 0);
	resolve(&scene, "10.0.0.1", "10.0.0.2");
	look_up = scene.stage.outside.look_up;
	stage_pass(&scene.stage, 60 * STAGE_S);
	cr_assert_eq(scene.stage.outside.look_up, look_up, "it was to be looked up once");
	reload(&scene, true, STAGE_S);
	cr_assert_eq(scene.stage.outside.look_up, look_up + 1);
	stage_end(&scene.stage);
}

static enum outcome_kind apply(struct scene *scene, struct command command)
{
	struct outcome outcome;

	command.pool = "main";
	engine_apply(scene->stage.outside.engine, &command, &outcome, scene->stage.outside.now_us);
	return outcome.kind;
}

#define APPLY(scene, ...) apply((scene), (struct command){__VA_ARGS__})

/* A look-up later. */
static void look_up_again(struct scene *scene)
{
	stage_pass(&scene->stage, 12 * STAGE_S);
	resolve(scene, "10.0.0.1", "10.0.0.2");
}

static void begin_without_the_first(struct scene *scene)
{
	begin(scene);
	resolve(scene, "10.0.0.1", "10.0.0.2");
	cr_assert_eq(APPLY(scene, .kind = COMMAND_ENDPOINT_REMOVE, .endpoint = "a@10.0.0.1"),
		     OUTCOME_ACCEPTED);
	look_up_again(scene);
	cr_assert_null(pool_find_endpoint(scene->pool, "a@10.0.0.1"));
	cr_assert_eq(ready_at(scene, "a@10.0.0.2"), 4);
}

Test(resolving, an_address_that_an_operator_removed_stays_away)
{
	struct scene scene;

	begin_without_the_first(&scene);
	look_up_again(&scene);
	reload(&scene, true, 10 * STAGE_S);
	look_up_again(&scene);
	cr_assert_null(pool_find_endpoint(scene.pool, "a@10.0.0.1"));
	stage_end(&scene.stage);
}

Test(resolving, a_removed_address_that_is_added_again_is_an_address_again)
{
	const char *url;
	struct scene scene;

	begin_without_the_first(&scene);
	url = pool_find_endpoint(scene.pool, "a")->settings->url;
	cr_assert_eq(APPLY(&scene, .kind = COMMAND_ENDPOINT_ADD,
			   .add = {.name = "a@10.0.0.1", .url = url}),
		     OUTCOME_ACCEPTED);
	cr_assert_str_eq(pool_find_endpoint(scene.pool, "a@10.0.0.1")->settings->address,
			 "10.0.0.1");
	look_up_again(&scene);
	cr_assert_eq(ready_at(&scene, "a@10.0.0.1"), 2);
	stage_pass(&scene.stage, 12 * STAGE_S);
	resolve(&scene, "10.0.0.2", NULL);
	cr_assert_null(pool_find_endpoint(scene.pool, "a@10.0.0.1"), "it leaves as others do");
	stage_end(&scene.stage);
}

Test(resolving, a_removal_that_is_taken_back_is_forgotten)
{
	struct scene scene;

	begin(&scene);
	resolve(&scene, "10.0.0.1", "10.0.0.2");
	cr_assert_eq(APPLY(&scene, .kind = COMMAND_ENDPOINT_REMOVE, .endpoint = "a@10.0.0.1"),
		     OUTCOME_ACCEPTED);
	cr_assert_eq(APPLY(&scene, .kind = COMMAND_ENDPOINT_READY, .endpoint = "a@10.0.0.1"),
		     OUTCOME_ACCEPTED);
	stage_pass(&scene.stage, 12 * STAGE_S);
	resolve(&scene, "10.0.0.2", NULL);
	look_up_again(&scene);
	cr_assert_eq(ready_at(&scene, "a@10.0.0.1"), 2);
	stage_end(&scene.stage);
}

Test(resolving, another_configuration_admits_all_addresses)
{
	struct scene scene;

	begin_without_the_first(&scene);
	reload(&scene, true, 9 * STAGE_S);
	look_up_again(&scene);
	cr_assert_eq(ready_at(&scene, "a@10.0.0.1"), 2);
	stage_end(&scene.stage);
}

Test(resolving, a_stranger_s_answer_is_nobody_s)
{
	const char *addresses[] = {"10.0.0.1"};
	struct scene scene;

	begin(&scene);
	engine_resolved(scene.stage.outside.engine, 4711, addresses, 1, "",
			scene.stage.outside.now_us);
	cr_assert_eq(scene.pool->endpoint_count, 1);
	stage_end(&scene.stage);
}
