/* broker/cache/pattern.h: params that are made of another request's values. For the predictor
 * alone. */
#ifndef WSB_BROKER_CACHE_PATTERN_H
#define WSB_BROKER_CACHE_PATTERN_H

#include "broker/cache/leaves.h"
#include "common/strbuf.h"

#define PATTERN_SLOTS_MAX   8
#define PATTERN_SOURCES_MAX 4
#define PATTERN_BYTES_MAX   512
#define PATTERN_SURE	    3 /* times that it has fitted in a row before it is believed */

/* One scalar of the params. */
struct pattern_slot {
	uint32_t sources[PATTERN_SOURCES_MAX]; /* paths at which its value has stood each time */
	uint32_t path;
	uint32_t value; /* as it was the last time */
	uint16_t at;	/* its token in params */
	uint16_t len;
	uint8_t count; /* of sources */
	bool constant; /* it was the same each time */
};

/* All zero knows nothing. */
struct pattern {
	char *params; /* as they were the last time; NULL: nothing is known */
	uint16_t len;
	uint16_t seen; /* times that it has fitted in a row */
	uint8_t slot_count;
	enum encoding encoding;
	struct pattern_slot slots[PATTERN_SLOTS_MAX];
};

void pattern_fini(struct pattern *pattern);

/* params (and their leaves) have followed a request with these values. True: it fits what was seen
 * before. Otherwise learning begins anew with this; *unexplained: a value of params stands nowhere
 * in what is known, nor was it the same before. */
bool pattern_learn(struct pattern *pattern, const struct leaf *known, size_t known_count,
		   enum encoding encoding, struct span params, const struct leaf_at *leaves,
		   size_t count, bool *unexplained);

/* Whether some value can come from a result only. */
bool pattern_reads_result(const struct pattern *pattern);

/* Appends params made of these values. False: one is missing, and nothing is appended. */
bool pattern_build(const struct pattern *pattern, const struct leaf_at *known, size_t count,
		   struct strbuf *out);

#endif
