/* broker/admin/views.h: snapshots as the JSON that the admin API promises: snake_case, seconds and
 * bytes, null for what is not known. Each returns a new reference, NULL when memory runs out. */
#ifndef WSB_BROKER_ADMIN_VIEWS_H
#define WSB_BROKER_ADMIN_VIEWS_H

#include <jansson.h>
#include "broker/control/snapshot.h"

json_t *view_readiness(const struct snapshot *snapshot);
json_t *view_status(const struct snapshot *snapshot);
json_t *view_endpoint(const struct pool_view *pool, const struct endpoint_view *endpoint);
json_t *view_endpoints(const struct pool_view *pool);
json_t *view_all_endpoints(const struct snapshot *snapshot);
json_t *view_pool(const struct pool_view *pool);
json_t *view_pools(const struct snapshot *snapshot);
json_t *view_connections(const struct snapshot *snapshot);
json_t *view_client(const struct client_view *client);
json_t *view_clients(const struct snapshot *snapshot);

#endif
