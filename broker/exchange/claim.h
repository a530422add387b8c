/* broker/exchange/claim.h: which application may load a value that applications load themselves
 * (`wsbroker.cache.get` and `put`; there a claim is called a lease, after R. Nishtala et al.,
 * "Scaling Memcache at Facebook", 2013).
 *
 * One at a time may load a key; the others are told to come again. A claim notes the cache's clock,
 * so that what is put with it is refused when something has made it untrue meanwhile. */
#ifndef WSB_BROKER_EXCHANGE_CLAIM_H
#define WSB_BROKER_EXCHANGE_CLAIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/err.h"
#include "common/list.h"
#include "common/map.h"
#include "common/rng.h"
#include "common/span.h"

/* Whoever has not put its value by then is believed to be gone. */
#define CLAIM_US (10 * UINT64_C(1000000))
/* Above this the oldest ones are forgotten. */
#define CLAIMS_MAX 16384
/* So many that have ended are forgotten in a turn: all can have been taken at once. */
#define CLAIMS_A_TURN 256

struct claims {
	struct map *by_key;
	struct list by_age; /* the one that ends next first */
};

enum wsb_err claims_init(struct claims *claims, uint64_t seed) WSB_CHECKED;
void claims_fini(struct claims *claims);

/* WSB_OK: *id (never 0) is the claim of whoever asks. WSB_EEXIST: another has one, for *left_us to
 * come at most. WSB_ENOMEM. */
enum wsb_err claim_take(struct claims *claims, struct span key, uint64_t clock, struct rng *rng,
			uint64_t now_us, uint64_t *id, uint64_t *left_us) WSB_CHECKED;
/* Ends the claim. False: it is not this key's, or has ended already. *clock: when it was taken. */
bool claim_redeem(struct claims *claims, struct span key, uint64_t id, uint64_t now_us,
		  uint64_t *clock);
/* What has ended is forgotten, some in a turn. Call with each tick. */
void claims_upkeep(struct claims *claims, uint64_t now_us);

#endif
