/* broker/cache/follow.h: which request follows which. For the predictor alone. */
#ifndef WSB_BROKER_CACHE_FOLLOW_H
#define WSB_BROKER_CACHE_FOLLOW_H

#include <stddef.h>
#include <stdint.h>
#include "common/err.h"
#include "common/span.h"
#include "proto/codec.h"

#define FOLLOW_SUCCESSORS 3
#define FOLLOW_PARAMS_MAX 512 /* longer ones are not learnt */
#define FOLLOW_SEEN	  2   /* before one is believed */
#define FOLLOW_TOTAL_MAX  64  /* then all counts are halved, so that old habits fade */

/* The params of a request that followed another at least twice. */
struct follow_text {
	enum encoding encoding;
	uint32_t len;
	char params[];
};

struct follow_successor {
	uint64_t hash; /* of the request; 0: none */
	uint16_t count;
	uint16_t method;
	struct follow_text *text; /* NULL: seen once, or there is no room */
};

struct follow_entry {
	uint64_t hash; /* of the request before; 0: free */
	uint32_t total;
	struct follow_successor successors[FOLLOW_SUCCESSORS];
};

struct follow {
	struct follow_entry *entries;
	size_t count; /* a power of two */
	uint64_t text_bytes;
	uint64_t text_bytes_max;
};

/* bytes: of the table; text_bytes: of the params besides. */
enum wsb_err follow_init(struct follow *follow, uint64_t bytes, uint64_t text_bytes) WSB_CHECKED;
void follow_fini(struct follow *follow);

/* hash has come after before. */
void follow_learn(struct follow *follow, uint64_t before, uint64_t hash, uint16_t method,
		  enum encoding encoding, struct span params);

/* Those that follow this one in at least half of all cases; at most two. */
size_t follow_find(struct follow *follow, uint64_t hash, const struct follow_successor *out[2]);

#endif
