#include "broker/control/cache_view.h"

#include "broker/control/arena.h"

void cache_page_fini(struct cache_page *page)
{
	arena_destroy(page->memory);
	*page = (struct cache_page){.count = 0};
}
