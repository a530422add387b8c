/* tests/support/setup.h: a configuration put together in memory, with SPEC's defaults. */
#ifndef WSB_TESTS_SUPPORT_SETUP_H
#define WSB_TESTS_SUPPORT_SETUP_H

#include "broker/control/config.h"

#define SETUP_POOLS	4
#define SETUP_ENDPOINTS 4
#define SETUP_ROUTES	24
#define SETUP_STEPS	4

/* Must not be moved: config points into it. */
struct setup {
	struct config config;
	struct listener_settings listeners[2];
	struct token tokens[4];
	const char *origins[2];
	struct pool_settings pools[SETUP_POOLS];
	struct endpoint_settings endpoints[SETUP_POOLS][SETUP_ENDPOINTS];
	struct greeting_step steps[SETUP_POOLS][SETUP_STEPS];
	struct route_settings routes[SETUP_ROUTES];
	struct arena *compiled; /* what setup_compile has made of it; of a copy its config's */
};

/* One listener on "/", no pool and no route. */
void setup_init(struct setup *setup);

/* A pool without endpoints; NULL when there is no place left. */
struct pool_settings *setup_pool(struct setup *setup, const char *name);
struct endpoint_settings *setup_endpoint(struct pool_settings *pool, const char *name);
struct greeting_step *setup_greeting(struct pool_settings *pool);
/* The next route; forwards to the first pool within 30 s unless told otherwise. */
struct route_settings *setup_route(struct setup *setup, const char *method);

/* Compiles the rules of cached routes as they stand now: call before an engine takes them. */
void setup_compile(struct setup *setup);
/* Frees what that has made. Not for a copy, which frees all it has with its config. */
void setup_fini(struct setup *setup);

/* A copy that lives as long as its config is held; the caller holds it. Texts and JSON are shared
 * with the original. It is compiled; call setup_compile again if you change its rules. */
struct setup *setup_copy(const struct setup *setup);

#endif
