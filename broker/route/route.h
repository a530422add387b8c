/* broker/route/route.h: the rule that a method selects. */
#ifndef WSB_BROKER_ROUTE_ROUTE_H
#define WSB_BROKER_ROUTE_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "broker/route/cache_rule.h"
#include "common/err.h"
#include "common/span.h"

enum route_action { ROUTE_FORWARD, ROUTE_RESPOND, ROUTE_DENY, ROUTE_DROP };

/* How a route that subscribes does so. */
struct subscribe_settings {
	const char *unsubscribe;  /* the method that ends one; NULL: the route does not subscribe */
	const char *notification; /* glob of the events' names; NULL: any */
	const char *id;		  /* path in an event, or "request"; NULL: they are known by name */
	const char *result;	  /* path in the answer, where events have an id */
	const char *unsubscribe_id; /* path in the request that ends one */
	uint64_t linger_us;
	uint64_t restore_us;	     /* a lost one is given up after this */
	uint32_t max_per_connection; /* 0: as many as the upstream takes */
};

/* As an operator writes it; owned by the configuration. */
struct route_settings {
	const char *method; /* glob */
	enum route_action action;
	uint32_t pool;		     /* index of the pool; meaningful for ROUTE_FORWARD */
	uint64_t timeout_us;	     /* from arrival to answer; at least 1 ms */
	uint64_t attempt_timeout_us; /* 0: timeout / 3 */
	bool idempotent;
	bool hedge; /* a second attempt when the first takes longer than most; idempotent only */
	const char *respond; /* JSON text; for ROUTE_RESPOND */
	struct subscribe_settings subscribe;
	struct cache_rule cache;
	struct invalidate_rule invalidate; /* acts when an answer is a success */
};

struct route_table;

/* Borrows settings[0..count), first match wins. */
enum wsb_err route_table_create(struct route_table **out, const struct route_settings *settings,
				size_t count, uint64_t seed) WSB_CHECKED;
void route_table_destroy(struct route_table *table); /* NULL is allowed */

/* The first route whose glob matches the method; NULL when none does. Remembers recent methods in a
 * table of fixed size, so that the usual look-up is one hash and one comparison; allocates nothing.
 * Methods longer than what is remembered are matched anew each time. */
const struct route_settings *route_find(struct route_table *table, struct span method);

#endif
