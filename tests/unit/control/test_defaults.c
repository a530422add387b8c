/* What a configuration holds that says nothing but where the upstream is. */
#include <criterion/criterion.h>
#include <string.h>
#include "rig.h"

static void expect_defaults(const struct config *config)
{
	const struct pool_settings *pool = &config->pools[0];

	cr_expect(config->node && config->node[0]);
	cr_expect_eq(config->log.level, LOG_INFO);
	cr_expect_eq(config->log.format, LOG_LOGFMT);
	cr_assert_eq(config->listener_count, 1);
	cr_expect_eq(config->listeners[0].address.kind, ADDRESS_TCP);
	cr_expect_str_eq(config->listeners[0].address.text, "127.0.0.1:7080");
	cr_expect_str_eq(config->listeners[0].address.host, "127.0.0.1");
	cr_expect_eq(config->listeners[0].address.port, 7080);
	cr_expect_str_eq(config->listeners[0].path, "/");
	cr_expect_not(config->listeners[0].auth);
	cr_expect_not(config->listeners[0].reuse_port);
	cr_expect_null(config->listeners[0].tls.certificate);
	cr_expect_eq(config->listeners[0].origin_count, 0);
	cr_expect_str_eq(config->admin.address.text, "127.0.0.1:7081");
	cr_expect_not(config->admin.ready_any);
	cr_expect(config->envelope_is_jsonrpc);
	cr_expect_eq(config->drain.code, 1012);
	cr_expect_eq(config->drain.delay_us, 0);
	cr_expect_eq(config->drain.timeout_us, 30000000);
	cr_expect_eq(config->drain.spread_us, 5000000);
	cr_assert_eq(config->pool_count, 1);
	cr_expect_str_eq(pool->name, "main");
	cr_expect_eq(pool->size, 10);
	cr_expect_eq(pool->max_in_flight, 256);
	cr_expect_eq(pool->connect_rate, 50);
	cr_expect_eq(pool->balancer, BALANCER_LEAST_CONNECTIONS);
	cr_expect_eq(pool->encoding, ENCODING_JSON);
	cr_expect_eq(pool->queue.requests, 10000);
	cr_expect_eq(pool->queue.bytes, 64u << 20);
	cr_expect_eq(pool->queue.age_us, 5000000);
	cr_expect_eq(pool->probe.interval_us, 5000000);
	cr_expect_eq(pool->probe.timeout_us, 2000000);
	cr_expect_float_eq(pool->retry.budget, 0.2, 1e-9);
	cr_expect_eq(pool->retry.per_second, 10);
	cr_expect(pool->tls.verify);
	cr_expect_null(pool->subprotocol);
	cr_expect_eq(pool->header_count, 0);
	cr_expect_eq(pool->on_connect_count, 0);
	cr_assert_eq(config->route_count, 1);
	cr_expect_str_eq(config->routes[0].method, "*");
	cr_expect_eq(config->routes[0].action, ROUTE_FORWARD);
	cr_expect_eq(config->routes[0].pool, 0);
	cr_expect_eq(config->routes[0].timeout_us, 30000000);
	cr_expect_eq(config->routes[0].attempt_timeout_us, 0);
	cr_expect_not(config->routes[0].idempotent);
}

static void expect_limits(const struct limits_settings *limits)
{
	cr_expect_eq(limits->clients, 10000);
	cr_expect_eq(limits->memory_bytes, 1u << 30);
	cr_expect_eq(limits->message_bytes, 1u << 20);
	cr_expect_eq(limits->fragments, 1024);
	cr_expect_eq(limits->batch, 100);
	cr_expect_eq(limits->in_flight_per_client, 1024);
	cr_expect_eq(limits->send_buffer_bytes, 4u << 20);
	cr_expect_eq(limits->handshake_us, 10000000);
	cr_expect_eq(limits->ping_us, 30000000);
	cr_expect_eq(limits->idle_us, 0);
	cr_expect_eq(limits->rate_per_client, 0);
}

Test(defaults, of_a_file_that_names_one_endpoint)
{
	const struct config *config;
	struct rig rig;

	rig_init(&rig);
	config = rig_good(&rig, "pools: [{name: main, endpoints: [ws://127.0.0.1:9101]}]\n");
	expect_defaults(config);
	expect_limits(&config->limits);
	cr_expect_str_eq(config->file, rig.file);
	cr_assert_eq(config->pools[0].endpoint_count, 1);
	cr_expect_str_eq(config->pools[0].endpoints[0].name, "127.0.0.1:9101");
	cr_expect_eq(config->pools[0].endpoints[0].weight, 1);
	cr_expect_eq(config->pools[0].endpoints[0].tier, 1);
	rig_fini(&rig);
}

Test(defaults, of_urls_alone)
{
	static const char *const urls[] = {"ws://127.0.0.1:9101/", "wss://[::1]:9102/rpc?key=x"};
	const struct endpoint_settings *endpoint;
	struct config *config;
	struct strbuf errors;

	strbuf_init(&errors);
	cr_assert_eq(config_from_urls(&config, urls, 2, &errors), WSB_OK);
	expect_defaults(config);
	expect_limits(&config->limits);
	cr_expect_null(config->file);
	cr_assert_eq(config->pools[0].endpoint_count, 2);
	endpoint = &config->pools[0].endpoints[1];
	cr_expect_str_eq(endpoint->name, "[::1]:9102");
	cr_expect_str_eq(endpoint->host, "::1");
	cr_expect_eq(endpoint->port, 9102);
	cr_expect_str_eq(endpoint->path, "/rpc?key=x");
	cr_expect(endpoint->tls);
	cr_expect_eq(endpoint->weight, 1);
	cr_expect_eq(errors.len, 0);
	config_release(config);
	strbuf_fini(&errors);
}

Test(defaults, urls_that_are_none_are_all_told)
{
	static const char *const urls[] = {"http://x", "ws://ok", "ws://user:hunter2@x",
					   "ws://ok:80"};
	struct config *config;
	struct strbuf errors;

	strbuf_init(&errors);
	cr_assert_eq(config_from_urls(&config, urls, 4, &errors), WSB_EINVAL);
	cr_expect_null(config);
	cr_expect_str_eq(errors.text,
			 "URL 1: the URL must begin with ws:// or wss://\n"
			 "URL 3: a URL cannot hold credentials: send them with `headers`\n"
			 "another endpoint of the pool is called “ok:80” already: give each a "
			 "`name`\n");
	strbuf_clear(&errors);
	cr_assert_eq(config_from_urls(&config, urls, 0, &errors), WSB_EINVAL);
	cr_expect_str_eq(errors.text, "1 to 1000 URLs are needed\n");
	strbuf_fini(&errors);
}
