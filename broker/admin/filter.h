/* broker/admin/filter.h: what a query asks of the past. Pure. */
#ifndef WSB_BROKER_ADMIN_FILTER_H
#define WSB_BROKER_ADMIN_FILTER_H

#include <stdbool.h>
#include "broker/control/cache_view.h"
#include "broker/control/history.h"
#include "broker/control/inventory.h"
#include "common/strbuf.h"

struct admin_exchange;
struct admin_response;

#define FILTER_TEXT_MAX 128
#define FILTER_NAME_MAX 260 /* of a key or tag of the cache */
#define FILTER_KEY_MAX	512 /* of the configuration */
#define FILTER_LAST_MAX 10000

/* since, until: "2026-11-22T07:12:00Z" or "10m" (ago); after: an id; type: a glob; pool; last. */
struct filter {
	struct history_query history; /* its texts are below */
	bool bounded;		      /* it says where in the past to begin */
	bool slow;
	bool failed;
	char pool[FILTER_TEXT_MAX];
	char type[FILTER_TEXT_MAX];
};

/* Whether the call's query has no parameters but known, a NULL-terminated list. False: response
 * says which it has. */
bool filter_check_names(const struct admin_exchange *exchange, const char *const *known);

/* Reads the call's query; parameters that are none of `known`, a NULL-terminated list, are
 * mistakes. False: response says what is wrong. */
bool filter_read(const struct admin_exchange *exchange, const char *const *known,
		 struct filter *out);

/* key, tag, method, cursor, limit. */
struct cache_filter {
	struct cache_query query; /* its texts are below */
	char key[FILTER_NAME_MAX];
	char tag[FILTER_NAME_MAX];
	char method[FILTER_NAME_MAX];
};
bool filter_read_cache(const struct admin_exchange *exchange, size_t limit_default,
		       size_t limit_max, struct cache_filter *out);

/* key, cursor, limit. */
struct config_filter {
	struct inventory_query query; /* its pattern is below */
	char key[FILTER_KEY_MAX];
};
bool filter_read_config(const struct admin_exchange *exchange, size_t limit_max,
			struct config_filter *out);

/* Appends "&name=value", escaped; nothing for NULL. */
void filter_add(struct strbuf *query, const char *name, const char *value);
/* The answer says where its next page is: "<PATH?..." becomes its Link (RFC 8288), and is freed. */
void filter_link_next(struct admin_response *response, struct strbuf *link);

#endif
