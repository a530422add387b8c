#include "broker/admin/answer.h"
#include "broker/admin/filter.h"
#include "broker/admin/reads.h"
#include "broker/admin/views_cache.h"
#include "proto/admin_api.h"

#define ENTRIES_DEFAULT 100
#define ENTRIES_MAX	1000

void read_cache(struct admin_exchange *exchange)
{
	answer_json(exchange->response, 200, view_cache(&exchange->snapshot->cache));
}

/* Where the next page is, with what was asked for kept (RFC 8288). */
static void link_next(struct admin_exchange *exchange, const struct cache_query *query,
		      uint64_t next)
{
	struct strbuf link;

	strbuf_init(&link);
	strbuf_printf(&link, "<" ADMIN_CACHE_ENTRIES "?cursor=%llu&limit=%zu",
		      (unsigned long long)next, query->limit);
	filter_add(&link, "key", query->key);
	filter_add(&link, "tag", query->tag);
	filter_add(&link, "method", query->method);
	filter_link_next(exchange->response, &link);
}

void read_cache_entries(struct admin_exchange *exchange)
{
	const struct admin_backend *backend = exchange->backend;
	struct cache_filter filter;
	struct cache_page page;

	if (!filter_read_cache(exchange, ENTRIES_DEFAULT, ENTRIES_MAX, &filter))
		return;
	if (backend->cache_page(backend->instance, &filter.query, &page) != WSB_OK) {
		answer_no_memory(exchange->response);
		return;
	}
	answer_json(exchange->response, 200, view_cache_entries(&page));
	if (page.next > 0)
		link_next(exchange, &filter.query, page.next);
	cache_page_fini(&page);
}
