/* broker/cache/patterns.h: invalidations that no clock of a tag can tell: globs, and tags of which
 * an entry must carry all. Each is kept until every entry has been held against it and no load can
 * be under way that began before it. Few are kept: where there would be more, the two oldest become
 * one that hits whatever either would. */
#ifndef WSB_BROKER_CACHE_PATTERNS_H
#define WSB_BROKER_CACHE_PATTERNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "broker/cache/budget.h"
#include "common/span.h"
#include "proto/invalidation.h"

#define PATTERNS_MAX 256

struct pattern_globs {
	const struct span *at;
	size_t count;	/* an entry must have something for each */
	bool is_method; /* of methods alone; else of tags, the method being one */
};

struct pattern {
	uint64_t clock;
	uint64_t first_ms; /* when the first came that not all entries have met */
	uint64_t told_ms;  /* when the last came */
	enum invalidation_mode mode;
	bool is_met; /* no entry need be held against it */
	struct pattern_globs globs;
	struct span own[]; /* globs.at; their text follows */
};

/* In the order of their clocks. */
struct patterns {
	struct pattern *at[PATTERNS_MAX];
	uint32_t count;
	uint64_t bytes;
	struct budget *budget;
};

void patterns_init(struct patterns *patterns, struct budget *budget);
void patterns_fini(struct patterns *patterns);

/* Copies it; one that says the same already is renewed. Entries have met all that are not above
 * met_clock. False: no memory. */
bool patterns_add(struct patterns *patterns, const struct pattern *made, uint64_t met_clock);
size_t pattern_size(const struct pattern_globs *globs);
/* The oldest goes; returns its clock. There is one. */
uint64_t patterns_forget_oldest(struct patterns *patterns);

/* method may be empty: there is none. */
bool pattern_hits(const struct pattern_globs *globs, struct span method, const struct span *tags,
		  size_t tag_count);

#endif
