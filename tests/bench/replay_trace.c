#include "replay_trace.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/rng.h"

const char *const recorded_names[] = {"web12", "orm-busy", "sprite", "oltp", "adaptsize", NULL};
const char *const made_up_names[] = {"twice", "loop", "scan", "drift", "zipf", NULL};

struct builder {
	uint64_t *keys;
	size_t count;
	size_t capacity;
	bool failed;
};

static void add(struct builder *builder, uint64_t key)
{
	if (builder->count == builder->capacity) {
		size_t capacity = builder->capacity ? 2 * builder->capacity : 65536;
		uint64_t *keys = realloc(builder->keys, capacity * sizeof(*keys));

		if (!keys) {
			builder->failed = true;
			return;
		}
		builder->keys = keys;
		builder->capacity = capacity;
	}
	builder->keys[builder->count++] = key;
}

static void read_big_endian(struct builder *builder, FILE *from, size_t most)
{
	unsigned char bytes[4];

	while (builder->count < most && fread(bytes, 1, 4, from) == 4)
		add(builder, (uint64_t)bytes[0] << 24 | (uint64_t)bytes[1] << 16 |
				     (uint64_t)bytes[2] << 8 | bytes[3]);
}

static void read_web12(struct builder *builder, FILE *from)
{
	read_big_endian(builder, from, SIZE_MAX);
}

static void read_orm(struct builder *builder, FILE *from)
{
	read_big_endian(builder, from, 2000000);
}

static void read_sprite(struct builder *builder, FILE *from)
{
	uint64_t key;

	while (fscanf(from, "%" SCNu64, &key) == 1)
		add(builder, key);
}

static void read_oltp(struct builder *builder, FILE *from)
{
	uint64_t start, count;

	while (fscanf(from, "%" SCNu64 " %" SCNu64 " %*u %*u", &start, &count) == 2)
		for (uint64_t i = 0; i < count; i++)
			add(builder, start + i);
}

/* An object that changed its size is another one. */
static void read_adaptsize(struct builder *builder, FILE *from)
{
	uint64_t key, size;

	while (fscanf(from, "%*u %" SCNu64 " %" SCNu64, &key, &size) == 2)
		add(builder, key << 32 | size);
}

static const struct {
	const char *name;
	const char *file;
	void (*read)(struct builder *builder, FILE *from);
	bool has_sizes;
} recordings[] = {
	{"web12", "cache2k-web12.trace.xz", read_web12, false},
	{"orm-busy", "cache2k-orm-busy.trace.xz", read_orm, false},
	{"sprite", "lirs-sprite.trace.gz", read_sprite, false},
	{"oltp", "arc-oltp.gz", read_oltp, false},
	{"adaptsize", "adaptsize-request.trace.xz", read_adaptsize, true},
};

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static bool finish(struct trace *trace, struct builder *builder, bool has_sizes)
{
	uint64_t *sorted = malloc((builder->count + 1) * sizeof(*sorted));

	trace->keys = malloc((builder->count + 1) * sizeof(*trace->keys));
	if (builder->failed || builder->count == 0 || !sorted || !trace->keys) {
		free(sorted);
		return false;
	}
	memcpy(sorted, builder->keys, builder->count * sizeof(*sorted));
	qsort(sorted, builder->count, sizeof(*sorted), by_value);
	for (size_t i = 0; i < builder->count; i++)
		if (i == 0 || sorted[i] != sorted[i - 1])
			sorted[trace->distinct++] = sorted[i];
	for (size_t i = 0; i < builder->count; i++) {
		const uint64_t *found = bsearch(&builder->keys[i], sorted, trace->distinct,
						sizeof(*sorted), by_value);

		trace->keys[i] = (uint32_t)(found - sorted);
	}
	trace->count = builder->count;
	if (has_sizes)
		trace->sizes = malloc(trace->distinct * sizeof(*trace->sizes));
	for (uint32_t key = 0; trace->sizes && key < trace->distinct; key++) {
		trace->sizes[key] = (uint32_t)sorted[key];
		trace->bytes += trace->sizes[key];
	}
	free(sorted);
	free(builder->keys);
	return true;
}

bool trace_read(struct trace *trace, const char *folder, const char *name)
{
	struct builder builder = {0};
	char command[4096];
	FILE *from;
	size_t i = 0;

	while (strcmp(recordings[i].name, name) != 0)
		i++;
	*trace = (struct trace){.name = name};
	snprintf(command, sizeof(command), "%s -dc '%s/%s'",
		 strstr(recordings[i].file, ".xz") ? "xz" : "gzip", folder, recordings[i].file);
	from = popen(command, "r");
	if (from) {
		recordings[i].read(&builder, from);
		if (pclose(from) == 0 || builder.count == 2000000)
			if (finish(trace, &builder, recordings[i].has_sizes))
				return true;
	}
	fprintf(stderr, "cache-replay: cannot read %s/%s\n", folder, recordings[i].file);
	return false;
}

/* Every key is read once more, some hundred others later, and never again. */
static void make_twice(struct builder *builder, size_t count, struct rng *rng)
{
	for (uint64_t key = 0; builder->count < count; key++) {
		add(builder, key);
		if (key >= 100)
			add(builder, key - 50 - rng_below(rng, 50));
	}
}

/* Over and over, more keys than fit, beside a few that are asked for often. */
static void make_loop(struct builder *builder, size_t count, struct rng *rng)
{
	for (uint64_t i = 0; builder->count < count; i++) {
		add(builder, 1000 + i % 9000);
		if (i % 2)
			add(builder, rng_below(rng, 1000));
	}
}

/* Rank r of n with a probability like 1/r: by inverting the integral. */
static uint64_t zipf(struct rng *rng, double n)
{
	return (uint64_t)(exp(rng_unit(rng) * log(n))) - 1;
}

/* Popular keys, and every now and then all of a long row, once. */
static void make_scan(struct builder *builder, size_t count, struct rng *rng)
{
	uint64_t row = 1000000;

	while (builder->count < count) {
		for (int i = 0; i < 5000; i++)
			add(builder, zipf(rng, 10000));
		for (int i = 0; i < 3000; i++)
			add(builder, row++);
	}
}

/* What is popular changes, a little with every request. */
static void make_drift(struct builder *builder, size_t count, struct rng *rng)
{
	for (uint64_t i = 0; builder->count < count; i++)
		add(builder, i / 20 + zipf(rng, 10000));
}

static void make_zipf(struct builder *builder, size_t count, struct rng *rng)
{
	while (builder->count < count)
		add(builder, zipf(rng, 50000));
}

bool trace_make(struct trace *trace, const char *name, size_t count, uint64_t seed)
{
	static const struct {
		const char *name;
		void (*make)(struct builder *builder, size_t count, struct rng *rng);
	} makers[] = {
		{"twice", make_twice}, {"loop", make_loop}, {"scan", make_scan},
		{"drift", make_drift}, {"zipf", make_zipf},
	};
	struct builder builder = {0};
	struct rng rng;
	size_t i = 0;

	while (strcmp(makers[i].name, name) != 0)
		i++;
	*trace = (struct trace){.name = name};
	rng_init(&rng, seed);
	makers[i].make(&builder, count, &rng);
	return finish(trace, &builder, false);
}

void trace_free(struct trace *trace)
{
	free(trace->keys);
	free(trace->sizes);
}
