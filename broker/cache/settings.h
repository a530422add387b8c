/* broker/cache/settings.h: what an operator sets of the cache as a whole. */
#ifndef WSB_BROKER_CACHE_SETTINGS_H
#define WSB_BROKER_CACHE_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

enum cache_policy_kind { CACHE_GDSF, CACHE_S3FIFO };

/* Tags of one entry, and the most that `cache.max_tags` can allow. */
#define CACHE_TAGS_MAX 1024

struct cache_settings {
	uint64_t memory_bytes;	  /* of all: keys, tags, indexes and payload */
	uint64_t set_aside_bytes; /* of these, what is left to others: the predictor */
	uint64_t max_entry_bytes; /* a longer result is not stored */
	uint64_t compress_above;  /* bytes; 0: nothing is compressed */
	uint32_t max_tags;	  /* of one entry */
	enum cache_policy_kind policy;
};

struct prefetch_settings {
	bool predictive; /* requests that are likely to follow are asked beforehand */
	double budget;	 /* at most this share of the upstream requests */
};

#endif
