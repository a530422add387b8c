/* Probes over a change of the configuration. */
#include <criterion/criterion.h>

#include "broker/engine/reconfigure.h"
#include "broker/pool/health.h"
#include "tests/unit/engine/stage.h"

static void reload(struct stage *stage, const char *method, uint64_t interval_us)
{
	struct setup *next = setup_copy(&stage->setup);

	next->pools[0].probe.method = method;
	next->pools[0].probe.interval_us = interval_us;
	cr_assert_eq(engine_reconfigure(stage->outside.engine, &next->config, NULL,
					stage->outside.now_us),
		     WSB_OK);
	config_release(&next->config);
}

/* Whom probing calls have judged, or keep waiting, is not forgotten when they end. */
Test(reprobe, without_calls_nobody_waits_for_one)
{
	struct stage stage;
	struct connection *connection;
	struct endpoint *endpoint;

	stage_init(&stage);
	stage.pool->probe.method = "health.check";
	stage.pool->probe.fall = 1;
	stage_begin_ready(&stage);
	connection = stage_upstream(&stage, 0)->connection;
	endpoint = connection->endpoint;
	cr_assert_eq(connection->state, CONNECTION_WARMING);
	reload(&stage, NULL, 5 * STAGE_S);
	cr_assert_eq(connection->state, CONNECTION_READY);
	reload(&stage, "health.check", 5 * STAGE_S);
	health_probed(endpoint, PROBE_REFUSED, stage.outside.now_us);
	cr_assert_eq(endpoint->state, ENDPOINT_UNHEALTHY);
	reload(&stage, NULL, 5 * STAGE_S);
	cr_expect_eq(endpoint->state, ENDPOINT_ACTIVE);
	stage_end(&stage);
}

Test(reprobe, without_pings_no_notification_waits_to_be_read)
{
	static const char note[] = "{\"jsonrpc\":\"2.0\",\"method\":\"note\"}";
	struct stage stage;
	const struct connection *connection;

	stage_init(&stage);
	stage_begin_ready(&stage);
	connection = stage_upstream(&stage, 0)->connection;
	says(stage_client(&stage), note);
	expect_hears(stage_upstream(&stage, 0), note);
	cr_assert_eq(connection->unread, 1);
	reload(&stage, NULL, 0);
	cr_expect_eq(connection->unread, 0);
	stage_end(&stage);
}
