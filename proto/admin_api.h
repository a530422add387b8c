/* proto/admin_api.h: the paths of the admin API, which the server and the console share. */
#ifndef WSB_PROTO_ADMIN_API_H
#define WSB_PROTO_ADMIN_API_H

#define ADMIN_LIVEZ	       "/livez"
#define ADMIN_READYZ	       "/readyz"
#define ADMIN_METRICS	       "/metrics"
#define ADMIN_STATUS	       "/v1/status"
#define ADMIN_POOLS	       "/v1/pools"
#define ADMIN_ENDPOINTS	       "/v1/endpoints"
#define ADMIN_CONNECTIONS      "/v1/connections"
#define ADMIN_CLIENTS	       "/v1/clients"
#define ADMIN_BROKERS	       "/v1/brokers"
#define ADMIN_CACHE	       "/v1/cache"
#define ADMIN_CACHE_ENTRIES    "/v1/cache/entries"
#define ADMIN_CACHE_INVALIDATE "/v1/cache/invalidate"
#define ADMIN_INVALIDATIONS    "/v1/invalidations"
#define ADMIN_OPERATIONS       "/v1/operations"
#define ADMIN_EVENTS	       "/v1/events"
#define ADMIN_REQUESTS	       "/v1/requests"
#define ADMIN_CONFIG	       "/v1/config"
/* The most rows of ADMIN_CONFIG at a time: some milliseconds of the broker. */
#define ADMIN_CONFIG_ROWS   2000
#define ADMIN_CONFIG_DIFF   "/v1/config/diff"
#define ADMIN_CONFIG_RELOAD "/v1/config/reload"
#define ADMIN_DRAIN	    "/v1/drain"

#endif
