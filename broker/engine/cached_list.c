/* The cache's entries, for those who look at them. */
#include "broker/control/arena.h"
#include "broker/engine/cached.h"
#include "common/glob.h"

/* Places looked at for one page: where next to nothing matches, the page is short and the next one
 * goes on. */
#define PAGE_WALKS 64

struct listing {
	const struct cache_query *query;
	struct cache_page *page;
};

static bool matches_tag(const struct cache_listed *entry, struct span glob)
{
	for (size_t i = 0; i < entry->tag_count; i++)
		if (glob_match(glob, entry->tags[i]))
			return true;
	return false;
}

static bool is_wanted(const struct cache_query *query, const struct cache_listed *entry)
{
	return (!query->method || glob_match(span_text(query->method), entry->method)) &&
	       (!query->tag || matches_tag(entry, span_text(query->tag)));
}

static const char *const *copy_tags(struct arena *memory, const struct cache_listed *entry)
{
	const char **tags = arena_alloc(memory, entry->tag_count + 1, sizeof(*tags));

	for (size_t i = 0; tags && i < entry->tag_count; i++)
		tags[i] = arena_text(memory, entry->tags[i]);
	return tags;
}

static const char *state_name(enum cache_state state)
{
	static const char *const names[] = {
		[CACHE_ABSENT] = "absent",
		[CACHE_FRESH] = "fresh",
		[CACHE_STALE] = "stale",
		[CACHE_GRACE] = "grace",
	};

	return names[state];
}

static bool visit(void *context, const struct cache_listed *entry)
{
	const struct listing *listing = context;
	struct cache_page *page = listing->page;

	if (!is_wanted(listing->query, entry))
		return true;
	page->entries[page->count++] = (struct cache_entry_view){
		.key = arena_text(page->memory, entry->name),
		.method = arena_text(page->memory, entry->method),
		.tags = copy_tags(page->memory, entry),
		.tag_count = entry->tag_count,
		.bytes = entry->bytes,
		.plain_bytes = entry->plain_bytes,
		.age_us = entry->age_us,
		.ttl_us = entry->ttl_us,
		.hits = entry->hits,
		.state = state_name(entry->state),
		.soft = entry->soft,
	};
	return page->count < listing->query->limit && !arena_failed(page->memory);
}

static void walk(struct engine *engine, struct listing *listing, uint64_t now_us)
{
	struct cache_page *page = listing->page;

	for (size_t walks = 0; walks < PAGE_WALKS; walks++) {
		page->next = cache_each(engine->cached.cache, page->next, now_us, visit, listing);
		if (page->next == 0 || page->count == listing->query->limit)
			return;
	}
}

enum wsb_err engine_cache_page(struct engine *engine, const struct cache_query *query,
			       uint64_t now_us, struct cache_page *out)
{
	struct cache_page page = {.next = query->cursor};
	struct listing listing = {query, &page};
	enum wsb_err err = arena_create(&page.memory);

	if (err)
		return err;
	page.entries = arena_alloc(page.memory, query->limit, sizeof(*page.entries));
	if (page.entries && query->key) {
		cache_each_named(engine->cached.cache, span_text(query->key), now_us, visit,
				 &listing);
		page.next = 0;
	} else if (page.entries) {
		walk(engine, &listing, now_us);
	}
	if (arena_failed(page.memory)) {
		cache_page_fini(&page);
		return WSB_ENOMEM;
	}
	*out = page;
	return WSB_OK;
}
