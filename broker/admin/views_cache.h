/* broker/admin/views_cache.h: the cache as JSON. Pure. */
#ifndef WSB_BROKER_ADMIN_VIEWS_CACHE_H
#define WSB_BROKER_ADMIN_VIEWS_CACHE_H

#include <jansson.h>
#include "broker/control/cache_view.h"

json_t *view_cache(const struct cache_view *cache);
json_t *view_cache_entries(const struct cache_page *page);

#endif
