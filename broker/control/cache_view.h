/* broker/control/cache_view.h: the cache as plain data, for those who look at it. */
#ifndef WSB_BROKER_CONTROL_CACHE_VIEW_H
#define WSB_BROKER_CONTROL_CACHE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "broker/cache/cache.h"
#include "broker/cache/prefetch.h"
#include "broker/control/cache_counts.h"

/* All of it at one moment. */
struct cache_view {
	struct cache_stats store;
	struct cached_stats requests;
	struct prefetch_stats prefetch;
	const char *policy;
	size_t loads;	/* under way */
	size_t waiting; /* requests that wait for them */
	int64_t saved;	/* see cached_saved */
};

/* Which entries are asked for. */
struct cache_query {
	const char *key;    /* the name of one; NULL: any */
	const char *tag;    /* glob; NULL: any */
	const char *method; /* glob; NULL: any */
	uint64_t cursor;    /* 0: from the beginning */
	size_t limit;	    /* at most so many, at least 1 */
};

struct cache_entry_view {
	const char *key;
	const char *method;
	const char *const *tags;
	size_t tag_count;
	size_t bytes; /* as it is kept */
	size_t plain_bytes;
	uint64_t age_us;
	uint64_t ttl_us;
	uint32_t hits;
	const char *state; /* fresh, stale, grace */
	bool soft;	   /* it was invalidated, and may be served while it is refreshed */
};

struct cache_page {
	struct cache_entry_view *entries;
	size_t count;
	uint64_t next; /* cursor of the following page; 0: this is the last one */
	struct arena *memory;
};

void cache_page_fini(struct cache_page *page);

#endif
