/* Subscriptions over a change of the configuration. */
#include <criterion/criterion.h>

#include "broker/engine/reconfigure.h"
#include "tests/unit/engine/subscribers.h"

/* next is used up. */
static void reload(struct scene *scene, struct setup *next)
{
	cr_assert_eq(engine_reconfigure(scene->stage.outside.engine, &next->config, NULL,
					scene->stage.outside.now_us),
		     WSB_OK);
	config_release(&next->config);
}

Test(resubscribe, nobody_notices_and_nothing_old_is_kept)
{
	struct scene scene;
	struct engine *engine;
	char mine[ID_MAX], his[ID_MAX];

	begin_with(&scene, 1);
	engine = scene.stage.outside.engine;
	subscribed(&scene, "heads", "0x1", mine);
	for (int i = 0; i < 10; i++) {
		const struct config *before = config_hold(engine->config);

		reload(&scene, setup_copy(&scene.stage.setup));
		cr_expect_eq(before->holds, 1, "nothing of it is needed any more");
		config_release(before);
	}
	says(scene.a, event_text("0x1", 1));
	expect_hears(scene.client, event_text(mine, 1));
	/* It is shared with whoever comes under the new configuration. */
	says(scene.other, SUBSCRIBE("1", "heads"));
	hears_id(scene.other, "1", his);
	expect_silence(scene.a);
	cr_expect_eq(engine->publish.plans.count, engine->publish.active);
	end(&scene);
}

Test(resubscribe, a_route_that_is_gone_keeps_what_was_subscribed)
{
	struct scene scene;
	struct setup *next;
	char mine[ID_MAX];

	begin_with(&scene, 1);
	subscribed(&scene, "heads", "0x1", mine);
	next = setup_copy(&scene.stage.setup);
	for (size_t i = 0; i < next->config.route_count; i++)
		next->routes[i].subscribe = (struct subscribe_settings){0};
	reload(&scene, next);
	says(scene.a, event_text("0x1", 1));
	expect_hears(scene.client, event_text(mine, 1));
	unsubscribes(scene.client, mine);
	stage_pass(&scene.stage, 6 * STAGE_S);
	is_left(scene.a, "0x1");
	cr_expect_eq(scene.stage.outside.engine->publish.plans.count, 0);
	end(&scene);
}

Test(resubscribe, a_pool_that_is_gone_ends_them_and_says_so)
{
	struct scene scene;
	struct setup *next;
	char mine[ID_MAX];
	const char *text;

	begin_with(&scene, 1);
	subscribed(&scene, "heads", "0x1", mine);
	says(scene.other, SUBSCRIBE("2", "logs"));
	next = setup_copy(&scene.stage.setup);
	next->pools[0].name = "other";
	reload(&scene, next);
	text = hears(scene.client);
	cr_assert_not_null(text);
	cr_expect(strstr(text, "wsbroker.gap") && strstr(text, mine) &&
			  strstr(text, "\"pool_removed\"") && strstr(text, "\"ended\":true"),
		  "%s", text);
	expect_error(scene.other, .id = "2", .code = -32000, .reason = "unavailable",
		     .retryable = true, .pool = "main");
	end(&scene);
}
