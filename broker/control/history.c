#include "broker/control/history.h"

#include <stdlib.h>
#include <string.h>
#include "common/glob.h"
#include "common/list.h"

#define CHUNK_BYTES (64U << 10)

/* An event lies as its header and its texts, each with its length before and a NUL behind it. */
#define HEADER_BYTES 8
#define TEXTS	     9

/* What a text may have at most. All of them together are well under
 * HISTORY_BYTES_MAX / HISTORY_EVENTS_MIN, so that the one bound never breaks the other. */
static const uint8_t text_max[TEXTS] = {48, 64, 128, 200, 64, 64, 128, 200, 64};

struct chunk {
	struct list_node link;
	uint64_t first_id;
	uint64_t newest_us;
	size_t count;
	size_t used;
	char bytes[CHUNK_BYTES];
};

struct history {
	struct list chunks; /* the oldest first */
	uint64_t newest_id;
	size_t count;
};

enum wsb_err history_create(struct history **out)
{
	struct history *history = calloc(1, sizeof(*history));

	*out = NULL;
	if (!history)
		return WSB_ENOMEM;
	list_init(&history->chunks);
	*out = history;
	return WSB_OK;
}

void history_destroy(struct history *history)
{
	struct list_node *node;

	if (!history)
		return;
	while ((node = list_pop(&history->chunks)))
		free(list_entry(node, struct chunk, link));
	free(history);
}

/* Where the texts of an event are kept, in the order in which they lie. */
static void texts_of(struct history_event *event, const char **texts[TEXTS])
{
	texts[0] = &event->type;
	texts[1] = &event->pool;
	texts[2] = &event->endpoint;
	texts[3] = &event->object;
	texts[4] = &event->before;
	texts[5] = &event->after;
	texts[6] = &event->reason;
	texts[7] = &event->detail;
	texts[8] = &event->actor;
}

static size_t pack(const struct history_event *event, char *out)
{
	struct history_event copy = *event;
	const char **texts[TEXTS];
	size_t at = HEADER_BYTES;

	memcpy(out, &event->wall_us, HEADER_BYTES);
	texts_of(&copy, texts);
	for (size_t i = 0; i < TEXTS; i++) {
		size_t len = *texts[i] ? strnlen(*texts[i], text_max[i]) : 0;

		out[at++] = (char)len;
		if (len > 0)
			memcpy(out + at, *texts[i], len);
		out[at + len] = '\0';
		at += len + 1;
	}
	return at;
}

static size_t unpack(const char *from, struct history_event *event)
{
	const char **texts[TEXTS];
	size_t at = HEADER_BYTES;

	memcpy(&event->wall_us, from, HEADER_BYTES);
	texts_of(event, texts);
	for (size_t i = 0; i < TEXTS; i++) {
		size_t len = (unsigned char)from[at++];

		*texts[i] = from + at;
		at += len + 1;
	}
	return at;
}

static size_t packed_max(void)
{
	size_t bytes = HEADER_BYTES;

	for (size_t i = 0; i < TEXTS; i++)
		bytes += text_max[i] + 2U;
	return bytes;
}

static struct chunk *oldest_chunk(const struct history *history)
{
	struct list_node *node = list_first(&history->chunks);

	return node ? list_entry(node, struct chunk, link) : NULL;
}

static struct chunk *newest_chunk(const struct history *history)
{
	if (list_is_empty(&history->chunks))
		return NULL;
	return list_entry(history->chunks.head.prev, struct chunk, link);
}

/* Old chunks go when enough is left without them, and they are old or take too much. */
static void forget_old(struct history *history, uint64_t now_us)
{
	for (;;) {
		struct chunk *oldest = oldest_chunk(history);

		if (!oldest || history->count - oldest->count < HISTORY_EVENTS_MIN)
			return;
		if (history_bytes(history) <= HISTORY_BYTES_MAX &&
		    (now_us < HISTORY_KEPT_US || oldest->newest_us >= now_us - HISTORY_KEPT_US))
			return;
		history->count -= oldest->count;
		list_remove(&history->chunks, &oldest->link);
		free(oldest);
	}
}

static struct chunk *chunk_with_room(struct history *history)
{
	struct chunk *chunk = newest_chunk(history);

	if (chunk && CHUNK_BYTES - chunk->used >= packed_max())
		return chunk;
	chunk = malloc(sizeof(*chunk));
	if (!chunk)
		return NULL;
	*chunk = (struct chunk){.first_id = history->newest_id + 1};
	list_append(&history->chunks, &chunk->link);
	return chunk;
}

uint64_t history_add(struct history *history, const struct history_event *event)
{
	struct chunk *chunk = chunk_with_room(history);

	if (!chunk)
		return 0;
	chunk->used += pack(event, chunk->bytes + chunk->used);
	chunk->count++;
	if (event->wall_us > chunk->newest_us)
		chunk->newest_us = event->wall_us;
	history->newest_id++;
	history->count++;
	forget_old(history, event->wall_us);
	return history->newest_id;
}

uint64_t history_newest(const struct history *history)
{
	return history->newest_id;
}

size_t history_count(const struct history *history)
{
	return history->count;
}

size_t history_bytes(const struct history *history)
{
	return history->chunks.count * sizeof(struct chunk);
}

static bool matches(const struct history_query *query, const struct history_event *event)
{
	if (event->id <= query->after_id || event->wall_us < query->since_us)
		return false;
	if (query->until_us > 0 && event->wall_us >= query->until_us)
		return false;
	if (query->pool && strcmp(query->pool, event->pool) != 0)
		return false;
	return !query->type || glob_match(span_text(query->type), span_text(event->type));
}

static void enter_chunk(struct history_walk *walk, const struct chunk *chunk)
{
	walk->chunk = chunk;
	walk->at = 0;
	walk->id = chunk ? chunk->first_id : 0;
}

static const struct chunk *chunk_behind(const struct history_walk *walk, const struct chunk *chunk)
{
	const struct list_node *next = chunk->link.next;

	return next == &walk->history->chunks.head ? NULL : list_entry(next, struct chunk, link);
}

static bool next_match(struct history_walk *walk, struct history_event *event)
{
	const struct chunk *chunk = walk->chunk;

	while (chunk) {
		if (walk->at == chunk->used ||
		    chunk->first_id + chunk->count <= walk->query.after_id) {
			chunk = chunk_behind(walk, chunk);
			enter_chunk(walk, chunk);
			continue;
		}
		if (walk->looks == 0)
			return false;
		walk->looks--;
		event->id = walk->id++;
		walk->at += unpack(chunk->bytes + walk->at, event);
		if (matches(&walk->query, event))
			return true;
	}
	return false;
}

void history_begin(struct history_walk *walk, const struct history *history,
		   const struct history_query *query)
{
	struct history_event event;
	size_t count = 0;

	*walk = (struct history_walk){.history = history, .query = *query, .looks = SIZE_MAX};
	enter_chunk(walk, oldest_chunk(history));
	if (query->last == 0)
		return;
	while (next_match(walk, &event))
		count++;
	enter_chunk(walk, oldest_chunk(history));
	walk->looks = SIZE_MAX;
	walk->skip = count > query->last ? count - query->last : 0;
}

bool history_next(struct history_walk *walk, struct history_event *event)
{
	for (; walk->skip > 0; walk->skip--)
		if (!next_match(walk, event))
			return false;
	return next_match(walk, event);
}
