#include "broker/exchange/exchange.h"

#include <assert.h>
#include <stdlib.h>

#define CHUNK_EXCHANGES 256
#define CHUNKS_MAX	((1U << EXCHANGE_INDEX_BITS) / CHUNK_EXCHANGES)
#define PLACES_MAX	((1U << EXCHANGE_INDEX_BITS) - 1)

void exchange_slab_init(struct exchange_slab *slab)
{
	*slab = (struct exchange_slab){0};
	list_init(&slab->free);
}

void exchange_slab_fini(struct exchange_slab *slab)
{
	assert(slab->used == 0);
	for (size_t i = 0; i < slab->chunk_count; i++)
		free(slab->chunks[i]);
	free(slab->chunks);
}

/* What rests like this between two lives is not touched at the beginning of one. */
static void exchange_init(struct exchange *exchange, size_t index)
{
	exchange->index = (uint32_t)index;
	list_node_init(&exchange->session_link);
	list_node_init(&exchange->flight_link);
	fairitem_init(&exchange->item);
	timer_init(&exchange->timer);
	for (size_t i = 0; i < EXCHANGE_ATTEMPTS_AT_ONCE; i++) {
		list_node_init(&exchange->attempts[i].link);
		exchange->attempts[i].exchange = exchange;
	}
}

/* Free exchanges wait on the slab's list by the link that ties a used one to its session. */
static WSB_RARE enum wsb_err slab_grow(struct exchange_slab *slab)
{
	size_t first = slab->chunk_count * CHUNK_EXCHANGES;
	struct exchange *chunk;

	if (slab->chunk_count == CHUNKS_MAX)
		return WSB_ELIMIT;
	if (!slab->chunks) {
		slab->chunks = calloc(CHUNKS_MAX, sizeof(*slab->chunks));
		if (!slab->chunks)
			return WSB_ENOMEM;
	}
	chunk = cacheline_alloc(CHUNK_EXCHANGES * sizeof(*chunk));
	if (!chunk)
		return WSB_ENOMEM;
	for (size_t i = 0; i < CHUNK_EXCHANGES; i++) {
		exchange_init(&chunk[i], first + i);
		if (first + i < PLACES_MAX)
			list_append(&slab->free, &chunk[i].session_link);
	}
	slab->chunks[slab->chunk_count++] = chunk;
	return WSB_OK;
}

/* Whoever comes next gets the first of those that are free. */
static void foresee_next(const struct exchange_slab *slab)
{
	const struct list_node *next = list_first(&slab->free);

	if (next)
		exchange_foresee(list_entry(next, struct exchange, session_link)->attempts);
}

enum wsb_err exchange_create(struct exchange **out, struct exchange_slab *slab, size_t text_len)
{
	struct exchange *exchange;
	char *text = NULL;

	if (text_len > UINT32_MAX)
		return WSB_ELIMIT;
	if (list_is_empty(&slab->free)) {
		enum wsb_err err = slab_grow(slab);

		if (err)
			return err;
	}
	if (text_len > EXCHANGE_INLINE_BYTES) {
		text = malloc(text_len);
		if (!text)
			return WSB_ENOMEM;
		slab->text_bytes += text_len;
	}
	/* The one that was freed last is the one that is still in the cache. */
	exchange = list_entry(list_pop(&slab->free), struct exchange, session_link);
	exchange->state = EXCHANGE_ACCEPTED;
	exchange->session = NULL;
	exchange->batch = NULL;
	exchange->route = NULL;
	exchange->feed = NULL;
	exchange->member = NULL;
	exchange->flight = NULL;
	exchange->leads = false;
	exchange->own = false;
	exchange->cache = "off";
	exchange->cache_reason = NULL;
	exchange->waited_us = 0;
	exchange->attempts_made = 0;
	exchange->attempts_lost = 0;
	exchange->second_made = false;
	exchange->hedge_tried = false;
	exchange->hedged = false;
	exchange->notification = false;
	exchange->explain = false;
	exchange->id_len = 0;
	exchange->text = text ? text : exchange->inline_text;
	exchange->len = (uint32_t)text_len;
	slab->used++;
	foresee_next(slab);
	*out = exchange;
	return WSB_OK;
}

void exchange_destroy(struct exchange_slab *slab, struct exchange *exchange)
{
	assert(exchange->state != EXCHANGE_FREE);
	assert(!exchange->item.party && !timer_is_armed(&exchange->timer));
	assert(!list_is_linked(&exchange->session_link));
	assert(exchange_attempts_out(exchange) == 0 && !exchange->flight);
	if (exchange->text != exchange->inline_text) {
		slab->text_bytes -= exchange->len;
		free(exchange->text);
	}
	exchange->state = EXCHANGE_FREE;
	exchange->generation = (exchange->generation + 1) & EXCHANGE_GENERATION_MASK;
	list_prepend(&slab->free, &exchange->session_link);
	slab->used--;
}

uint64_t exchange_id(const struct exchange *exchange)
{
	return (exchange->generation << EXCHANGE_INDEX_BITS | exchange->index) + 1;
}

enum exchange_found exchange_find(const struct exchange_slab *slab, uint64_t id,
				  struct exchange **out)
{
	uint64_t index = (id - 1) & ((UINT64_C(1) << EXCHANGE_INDEX_BITS) - 1);
	uint64_t generation = (id - 1) >> EXCHANGE_INDEX_BITS;
	struct exchange *exchange;

	if (id == 0 || index / CHUNK_EXCHANGES >= slab->chunk_count)
		return EXCHANGE_UNKNOWN;
	exchange = &slab->chunks[index / CHUNK_EXCHANGES][index % CHUNK_EXCHANGES];
	if (exchange->generation != generation)
		return exchange->generation > generation ? EXCHANGE_HAS_ENDED : EXCHANGE_UNKNOWN;
	if (exchange->state == EXCHANGE_FREE)
		return EXCHANGE_UNKNOWN;
	*out = exchange;
	return EXCHANGE_IS_LIVE;
}

struct attempt *exchange_attempt_free(struct exchange *exchange)
{
	return exchange_attempt_on(exchange, NULL);
}

struct attempt *exchange_attempt_on(struct exchange *exchange, const struct connection *connection)
{
	for (size_t i = 0; i < EXCHANGE_ATTEMPTS_AT_ONCE; i++) {
		if (exchange->attempts[i].connection == connection)
			return &exchange->attempts[i];
	}
	return NULL;
}

size_t exchange_attempts_out(const struct exchange *exchange)
{
	size_t out = 0;

	for (size_t i = 0; i < EXCHANGE_ATTEMPTS_AT_ONCE; i++)
		out += exchange->attempts[i].connection != NULL;
	return out;
}
