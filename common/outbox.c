#include "common/outbox.h"

#include <assert.h>
#include <stdlib.h>
#include "common/cacheline.h"
#include "common/wsframe.h"

void outbox_pool_init(struct outbox_pool *pool, size_t chunk_bytes, size_t spare_max)
{
	assert(chunk_bytes >= sizeof(void *));
	*pool = (struct outbox_pool){.chunk_bytes = chunk_bytes, .spare_max = spare_max};
}

void outbox_pool_fini(struct outbox_pool *pool)
{
	assert(pool->bytes == 0);
	while (pool->spare) {
		void *block = pool->spare;

		pool->spare = *(void **)block;
		free(block);
	}
	pool->spare_count = 0;
}

static char *take_data(struct outbox_pool *pool, size_t capacity)
{
	void *data = pool->spare;

	if (capacity == pool->chunk_bytes && data) {
		pool->spare = *(void **)data;
		pool->spare_count--;
		cacheline_foresee(pool->spare, 2 * CACHE_LINE);
	} else {
		data = malloc(capacity);
		if (!data)
			return NULL;
	}
	pool->bytes += capacity;
	return data;
}

/* The chunk given back last is handed out first: its lines are still in the cache. */
static void give_data(struct outbox_pool *pool, void *data, size_t capacity)
{
	pool->bytes -= capacity;
	if (capacity != pool->chunk_bytes || pool->spare_count >= pool->spare_max) {
		free(data);
		return;
	}
	*(void **)data = pool->spare;
	pool->spare = data;
	pool->spare_count++;
}

static void release_data(struct outbox *outbox)
{
	if (outbox->data)
		give_data(outbox->pool, outbox->data, outbox->capacity);
	outbox->data = NULL;
	outbox->capacity = outbox->head = outbox->tail = outbox->frame_at = 0;
}

void outbox_init(struct outbox *outbox, struct outbox_pool *pool, size_t limit)
{
	*outbox = (struct outbox){.pool = pool, .limit = limit};
}

void outbox_fini(struct outbox *outbox)
{
	release_data(outbox);
}

static void compact(struct outbox *outbox)
{
	if (outbox->head == 0)
		return;
	memmove(outbox->data, outbox->data + outbox->head, outbox->tail - outbox->head);
	outbox->tail -= outbox->head;
	outbox->frame_at -= outbox->head;
	outbox->head = 0;
}

/* Moving at most three quarters down leaves a quarter to fill before the next move, so that each
 * byte is moved three times at the very worst, and mostly never. */
static bool fits_after_compacting(size_t capacity, size_t need)
{
	return need <= capacity - capacity / 4;
}

static enum wsb_err replace_chunk(struct outbox *outbox, size_t capacity)
{
	char *data = take_data(outbox->pool, capacity);

	if (!data)
		return WSB_ENOMEM;
	if (outbox->data) {
		memcpy(data, outbox->data + outbox->head, outbox->tail - outbox->head);
		give_data(outbox->pool, outbox->data, outbox->capacity);
	}
	outbox->data = data;
	outbox->capacity = capacity;
	outbox->tail -= outbox->head;
	outbox->frame_at -= outbox->head;
	outbox->head = 0;
	return WSB_OK;
}

/* Large blocks are grown by realloc, which moves pages instead of bytes. */
static enum wsb_err extend_block(struct outbox *outbox, size_t capacity)
{
	char *data;

	compact(outbox);
	data = realloc(outbox->data, capacity);
	if (!data)
		return WSB_ENOMEM;
	outbox->pool->bytes += capacity - outbox->capacity;
	outbox->data = data;
	outbox->capacity = capacity;
	return WSB_OK;
}

/* Off the straight path: there is no room for len more bytes behind the tail. */
static __attribute__((noinline)) enum wsb_err make_room(struct outbox *outbox, size_t len)
{
	size_t capacity = outbox->pool->chunk_bytes;
	size_t need;

	if (__builtin_add_overflow(outbox_bytes(outbox), len, &need) || need > SIZE_MAX / 4)
		return WSB_ENOMEM;
	if (outbox->data && fits_after_compacting(outbox->capacity, need)) {
		compact(outbox);
		return WSB_OK;
	}
	if (outbox->data)
		capacity = outbox->capacity * 2;
	while (capacity < need)
		capacity *= 2;
	if (outbox->capacity > outbox->pool->chunk_bytes)
		return extend_block(outbox, capacity);
	return replace_chunk(outbox, capacity);
}

enum wsb_err outbox_reserve_beyond(struct outbox *outbox, size_t len, char **at)
{
	if (!outbox->data || len > outbox->capacity - outbox->tail) {
		enum wsb_err err = make_room(outbox, len);

		if (err)
			return err;
	}
	*at = outbox->data + outbox->tail;
	return WSB_OK;
}

enum wsb_err outbox_reserve(struct outbox *outbox, size_t len, char **at)
{
	size_t bytes = outbox_bytes(outbox);

	if (bytes > outbox->limit || len > outbox->limit - bytes)
		return WSB_ELIMIT;
	return outbox_reserve_beyond(outbox, len, at);
}

void outbox_commit(struct outbox *outbox, size_t len)
{
	assert(len <= outbox->capacity - outbox->tail);
	outbox->tail += len;
	if (outbox->tail == outbox->head)
		release_data(outbox);
}

struct span outbox_pending(const struct outbox *outbox)
{
	if (!outbox->data)
		return span_of("", 0);
	return span_of(outbox->data + outbox->head, outbox_bytes(outbox));
}

/* Moves frame_at to the first frame boundary at or behind this offset. Bytes that are no frames
 * count as one that ends with them. */
static void skip_begun_frames(struct outbox *outbox, size_t begun)
{
	while (outbox->frame_at < begun) {
		struct span rest =
			span_of(outbox->data + outbox->frame_at, outbox->tail - outbox->frame_at);
		struct ws_header header;

		if (wsframe_read(rest, &header) ||
		    header.payload_len > rest.len - header.header_len) {
			outbox->frame_at = outbox->tail;
			return;
		}
		outbox->frame_at += header.header_len + header.payload_len;
	}
}

void outbox_consume(struct outbox *outbox, size_t len)
{
	assert(len <= outbox_bytes(outbox));
	outbox->handed_bytes += len;
	outbox->head += len;
	if (outbox->head == outbox->tail)
		release_data(outbox);
	else
		skip_begun_frames(outbox, outbox->head);
}

void outbox_pledge(struct outbox *outbox, size_t len)
{
	size_t bytes = outbox_bytes(outbox);

	skip_begun_frames(outbox, outbox->head + (len < bytes ? len : bytes));
}

uint64_t outbox_position(const struct outbox *outbox)
{
	return outbox->handed_bytes + outbox_bytes(outbox);
}

size_t outbox_cut(struct outbox *outbox)
{
	size_t dropped = outbox->tail - outbox->frame_at;

	outbox->tail = outbox->frame_at;
	if (outbox->tail == outbox->head)
		release_data(outbox);
	return dropped;
}
