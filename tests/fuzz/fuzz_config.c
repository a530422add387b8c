#include "broker/control/config.h"
#include "tests/fuzz/fuzz.h"

/* The folder is not there, so that no file is found by chance. */
#define NAME "/nonexistent/f.yaml"

static void check_config(const struct config *config)
{
	must(config->pool_count > 0 && config->route_count > 0);
	must(config->listener_count > 0 && config->node);
	for (size_t i = 0; i < config->pool_count; i++) {
		const struct pool_settings *pool = &config->pools[i];

		must(pool->name && pool->size >= 1 && pool->size <= 1000);
		must(pool->endpoint_count > 0);
		for (size_t e = 0; e < pool->endpoint_count; e++)
			must(pool->endpoints[e].name && pool->endpoints[e].host &&
			     pool->endpoints[e].port && pool->endpoints[e].path[0] == '/');
	}
	for (size_t i = 0; i < config->route_count; i++) {
		const struct route_settings *route = &config->routes[i];

		must(route->method && route->timeout_us >= 1000);
		must(route->pool < config->pool_count);
		must((route->action == ROUTE_RESPOND) == (route->respond != NULL));
	}
}

/* Each mistake is one line of text. */
static void check_errors(struct span errors)
{
	size_t lines = 0;

	must(errors.len > 0 && errors.at[errors.len - 1] == '\n');
	for (size_t i = 0; i < errors.len; i++) {
		must((unsigned char)errors.at[i] >= ' ' || errors.at[i] == '\n');
		lines += errors.at[i] == '\n' ? 1 : 0;
	}
	must(lines <= 101);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config *config;
	struct strbuf errors;
	enum wsb_err err;

	strbuf_init(&errors);
	err = config_parse(&config, NAME, span_of((const char *)data, size), &errors);
	must((err == WSB_OK) == (config != NULL));
	if (err == WSB_OK) {
		must(errors.len == 0);
		check_config(config);
	} else {
		must(err == WSB_EINVAL);
		check_errors(strbuf_span(&errors));
	}
	config_release(config);
	strbuf_fini(&errors);
	return 0;
}
