#include "broker/admin/views_cache.h"

#include "broker/admin/answer.h"
#include "common/clock.h"

struct number {
	const char *name;
	uint64_t value;
};

static void add_numbers(json_t *object, const struct number *numbers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		json_object_set_new(object, numbers[i].name,
				    json_integer((json_int_t)numbers[i].value));
}

#define ADD(object, ...)                                                                           \
	add_numbers((object), (const struct number[]){__VA_ARGS__},                                \
		    sizeof((const struct number[]){__VA_ARGS__}) / sizeof(struct number))

static json_t *not_stored_view(const struct cached_stats *stats)
{
	json_t *object = json_object();

	for (size_t i = 0; i < NOT_STORED_REASONS; i++)
		json_object_set_new(object, not_stored_name((enum not_stored)i),
				    json_integer((json_int_t)stats->not_stored[i]));
	return object;
}

static json_t *ratio(double part, uint64_t whole)
{
	return whole > 0 ? json_real(part / (double)whole) : json_null();
}

json_t *view_cache(const struct cache_view *cache)
{
	const struct cached_stats *requests = &cache->requests;
	const struct cache_stats *store = &cache->store;
	uint64_t served = requests->hits + requests->stale;
	uint64_t looks = served + requests->misses;
	json_t *object = json_object();

	json_object_set_new(object, "policy", json_string(cache->policy));
	ADD(object, {"entries", store->entries}, {"bytes", store->bytes},
	    {"bytes_limit", store->memory_bytes}, {"payload_bytes", store->payload_bytes},
	    {"payload_plain_bytes", store->payload_plain_bytes},
	    {"overhead_bytes", store->overhead_bytes}, {"compressed", store->compressed},
	    {"tags", store->tags});
	json_object_set_new(object, "hit_ratio", ratio((double)served, looks));
	json_object_set_new(object, "upstream_saved", json_integer((json_int_t)cache->saved));
	json_object_set_new(object, "upstream_saved_ratio", ratio((double)cache->saved, looks));
	ADD(object, {"hits", requests->hits}, {"stale", requests->stale},
	    {"stale_error", requests->stale_error}, {"misses", requests->misses},
	    {"coalesced", requests->joined}, {"led_anew", requests->led_anew},
	    {"refreshes", requests->refreshes}, {"bypasses", requests->bypasses},
	    {"uncacheable", requests->uncacheable}, {"not_cached", requests->not_cached},
	    {"stored", requests->stored});
	json_object_set_new(object, "not_stored", not_stored_view(requests));
	ADD(object, {"evictions", store->evictions}, {"expirations", store->expirations},
	    {"invalidations", store->invalidations}, {"invalidated", store->invalidated},
	    {"refreshed_stale", requests->own_loads[OWN_LOAD_STALE]},
	    {"refreshed_ahead", requests->own_loads[OWN_LOAD_AHEAD]},
	    {"prefetched", cache->prefetch.issued}, {"prefetched_used", cache->prefetch.used},
	    {"prefetched_wasted", cache->prefetch.wasted}, {"paced", requests->paced},
	    {"loads", cache->loads}, {"waiting", cache->waiting}, {"leases", requests->leases},
	    {"puts", requests->puts}, {"puts_refused", requests->puts_refused});
	return object;
}

static json_t *seconds(uint64_t us)
{
	return json_real((double)us / (double)US_PER_S);
}

static json_t *tags_view(const struct cache_entry_view *entry)
{
	json_t *array = json_array();

	for (size_t i = 0; i < entry->tag_count; i++)
		json_array_append_new(array, answer_text(entry->tags[i]));
	return array;
}

static json_t *entry_view(const struct cache_entry_view *entry)
{
	return json_pack("{s:o, s:o, s:o, s:s, s:b, s:I, s:I, s:I, s:o, s:o}", "key",
			 answer_text(entry->key), "method", answer_text(entry->method), "tags",
			 tags_view(entry), "state", entry->state, "soft", entry->soft, "hits",
			 (json_int_t)entry->hits, "bytes", (json_int_t)entry->bytes, "plain_bytes",
			 (json_int_t)entry->plain_bytes, "age_seconds", seconds(entry->age_us),
			 "ttl_seconds", seconds(entry->ttl_us));
}

json_t *view_cache_entries(const struct cache_page *page)
{
	json_t *array = json_array();

	for (size_t i = 0; i < page->count; i++)
		json_array_append_new(array, entry_view(&page->entries[i]));
	return array;
}
