#include "replay_predict.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "broker/cache/prefetch.h"
#include "broker/route/cache_key.h"
#include "proto/envelope.h"

#define TEXT_MAX 96
#define TICK_US	 100000
/* What the broker gives it of a cache of 256 MiB. */
#define MEMORY (UINT64_C(16) << 20)

struct predicted {
	uint64_t hits;
	uint64_t loads;	  /* upstream requests, guesses included */
	uint64_t guesses; /* sent: such as were not in the cache */
	uint64_t used;	  /* asked for before they were evicted */
	double cpu_us;	  /* of the whole replay */
};

/* An LRU of numbers: entries by place, a table of places, and a ring in the order of use. */
struct lru_entry {
	uint64_t key;
	uint32_t newer;
	uint32_t older;
	uint32_t next; /* in its bucket */
	bool prefetched;
};

struct lru {
	struct lru_entry *entries; /* [0] is the end of the ring; [1..capacity] */
	uint32_t *buckets;
	size_t bucket_count;
	size_t capacity;
	size_t count;
};

static void *must_alloc(size_t count, size_t size)
{
	void *memory = calloc(count, size);

	if (!memory)
		abort();
	return memory;
}

static void lru_init(struct lru *lru, size_t capacity)
{
	*lru = (struct lru){.capacity = capacity, .bucket_count = 1};
	while (lru->bucket_count < 2 * capacity)
		lru->bucket_count *= 2;
	lru->entries = must_alloc(capacity + 1, sizeof(*lru->entries));
	lru->buckets = must_alloc(lru->bucket_count, sizeof(*lru->buckets));
}

static void lru_fini(struct lru *lru)
{
	free(lru->entries);
	free(lru->buckets);
}

static uint32_t *bucket_of(const struct lru *lru, uint64_t key)
{
	return &lru->buckets[(key * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (lru->bucket_count - 1)];
}

static void ring_remove(struct lru *lru, uint32_t at)
{
	struct lru_entry *entry = &lru->entries[at];

	lru->entries[entry->newer].older = entry->older;
	lru->entries[entry->older].newer = entry->newer;
}

static void ring_add(struct lru *lru, uint32_t at)
{
	struct lru_entry *end = &lru->entries[0], *entry = &lru->entries[at];

	entry->newer = 0;
	entry->older = end->older;
	lru->entries[end->older].newer = at;
	end->older = at;
}

static struct lru_entry *lru_find(struct lru *lru, uint64_t key)
{
	for (uint32_t at = *bucket_of(lru, key); at != 0; at = lru->entries[at].next)
		if (lru->entries[at].key == key)
			return &lru->entries[at];
	return NULL;
}

static void lru_touch(struct lru *lru, struct lru_entry *entry)
{
	uint32_t at = (uint32_t)(entry - lru->entries);

	ring_remove(lru, at);
	ring_add(lru, at);
}

static uint32_t evict(struct lru *lru)
{
	uint32_t at = lru->entries[0].newer;
	uint32_t *place = bucket_of(lru, lru->entries[at].key);

	while (*place != at)
		place = &lru->entries[*place].next;
	*place = lru->entries[at].next;
	ring_remove(lru, at);
	return at;
}

static void lru_put(struct lru *lru, uint64_t key, bool prefetched)
{
	uint32_t at = lru->count < lru->capacity ? (uint32_t)++lru->count : evict(lru);
	uint32_t *bucket = bucket_of(lru, key);

	lru->entries[at] =
		(struct lru_entry){.key = key, .next = *bucket, .prefetched = prefetched};
	*bucket = at;
	ring_add(lru, at);
}

struct bench {
	struct lru lru;
	struct prefetch *prefetch;
	struct envelope *envelope;
	struct cache_plan *plan;
	struct fingerprint key;
	struct predicted *out;
};

/* As the broker does it with each request and each guess. */
static void scan(struct bench *bench, struct span text, struct message *message)
{
	const struct cache_asker nobody = {.connection = 1};
	enum wsb_err err =
		envelope_scan(bench->envelope, FROM_CLIENT, ENCODING_JSON, text, message);

	if (err != WSB_OK ||
	    cache_key_make(bench->plan, message, nobody, &bench->key) != CACHE_KEY_OK)
		abort();
}

static void send_guess(struct bench *bench, const struct prefetch_guess *guess, uint64_t now_us)
{
	struct message message;
	uint64_t key;

	scan(bench, guess->text, &message);
	key = strtoull(message.params.at + 1, NULL, 10);
	if (lru_find(&bench->lru, key))
		return;
	prefetch_issued(bench->prefetch, guess->rule, cache_key_common(&bench->key), now_us);
	bench->out->guesses++;
	bench->out->loads++;
	lru_put(&bench->lru, key, true);
}

/* Without a predictor the message is still made and read, so that times can be compared. */
static void foresee(struct bench *bench, uint64_t key, uint64_t now_us)
{
	struct prefetch_guess guesses[PREFETCH_GUESSES];
	struct message message;
	struct prefetch_request request = {.client = 1, .message = &message};
	char text[TEXT_MAX];
	int len = snprintf(
		text, sizeof(text),
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"get\",\"params\":[%" PRIu64 "]}", key);
	size_t count;

	scan(bench, span_of(text, (size_t)len), &message);
	if (!bench->prefetch)
		return;
	request.common = cache_key_common(&bench->key);
	count = prefetch_note(bench->prefetch, &request, now_us, guesses);
	for (size_t i = 0; i < count; i++)
		send_guess(bench, &guesses[i], now_us);
	if (now_us % TICK_US == 0)
		prefetch_upkeep(bench->prefetch, now_us);
}

static void use(struct bench *bench, uint64_t key)
{
	struct lru_entry *entry = lru_find(&bench->lru, key);

	if (!entry) {
		bench->out->loads++;
		lru_put(&bench->lru, key, false);
		return;
	}
	bench->out->hits++;
	bench->out->used += entry->prefetched;
	entry->prefetched = false;
	lru_touch(&bench->lru, entry);
}

static void bench_init(struct bench *bench, uint64_t capacity, bool foreseeing)
{
	const struct cache_rule rule = {.scope = {.kind = CACHE_SCOPE_SHARED}};

	lru_init(&bench->lru, capacity);
	fingerprint_init(&bench->key);
	if (envelope_create(&bench->envelope, NULL, NULL, 0) != WSB_OK ||
	    cache_plan_create(&bench->plan, &rule) != WSB_OK ||
	    (foreseeing && prefetch_create(&bench->prefetch, MEMORY, 1) != WSB_OK))
		abort();
}

static void bench_fini(struct bench *bench)
{
	prefetch_destroy(bench->prefetch);
	cache_plan_destroy(bench->plan);
	envelope_destroy(bench->envelope);
	fingerprint_fini(&bench->key);
	lru_fini(&bench->lru);
}

static struct predicted predict(const struct trace *trace, uint64_t capacity, bool foreseeing)
{
	struct predicted out = {.hits = 0};
	struct bench bench = {.out = &out};
	clock_t begin;

	bench_init(&bench, capacity, foreseeing);
	begin = clock();
	for (size_t i = 0; i < trace->count; i++) {
		use(&bench, trace->keys[i]);
		foresee(&bench, trace->keys[i], i * 1000);
	}
	out.cpu_us = (double)(clock() - begin) * 1e6 / CLOCKS_PER_SEC;
	bench_fini(&bench);
	return out;
}

void print_prediction_head(void)
{
	printf("trace        capacity    LRU   with guesses   used   upstream   us a request\n");
}

void print_prediction(const struct trace *trace, uint64_t capacity)
{
	struct predicted plain = predict(trace, capacity, false);
	struct predicted with = predict(trace, capacity, true);
	double all = (double)trace->count;

	printf("%-10s %10" PRIu64 " %6.1f %14.1f %5.0f %% %+8.1f %% %14.2f\n", trace->name,
	       capacity, 100 * (double)plain.hits / all, 100 * (double)with.hits / all,
	       with.guesses ? 100 * (double)with.used / (double)with.guesses : 0,
	       100 * ((double)with.loads / (double)plain.loads - 1),
	       (with.cpu_us - plain.cpu_us) / all);
	fflush(stdout);
}
