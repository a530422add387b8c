/* broker/admin/routes.h: the table of the admin API: what there is, and who may. Pure. */
#ifndef WSB_BROKER_ADMIN_ROUTES_H
#define WSB_BROKER_ADMIN_ROUTES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include "broker/admin/admin.h"

/* One call, under way. */
struct admin_exchange {
	const struct admin_backend *backend;
	const struct admin_call *call;
	const struct snapshot *snapshot; /* NULL: the route needs none */
	const json_t *body;		 /* an object, empty when nothing was sent; NULL: a GET */
	struct admin_response *response;
};

/* Whether a route needs a snapshot, and how much of one. */
enum admin_need { NEEDS_NOTHING, NEEDS_POOLS, NEEDS_CONNECTIONS, NEEDS_CLIENTS, NEEDS_BROKERS };

struct admin_route {
	const char *method;
	const char *path; /* a segment in braces is a name: "/v1/pools/{pool}" */
	bool open;	  /* for probes: nobody is asked who he is */
	enum token_role role;
	enum admin_need need;
	void (*answer)(struct admin_exchange *exchange);
};

extern const struct admin_route admin_routes[];
extern const size_t admin_route_count;

/* The route of a method and path; its names are put into call. NULL: there is none; allow lists the
 * methods that the path does have, "" when it has none. */
const struct admin_route *admin_route_find(struct span method, struct span path,
					   struct admin_call *call, char allow[ADMIN_ALLOW_MAX]);

/* A name in a path that has to be a number, as ids are. */
bool admin_name_is_number(const char *name, uint64_t *out);

#endif
