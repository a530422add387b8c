#include "broker/exchange/claim.h"

#include <stdlib.h>
#include <string.h>

struct claim {
	struct list_node link;
	uint64_t id;
	uint64_t clock;
	uint64_t until_us;
	size_t key_len;
	char key[];
};

enum wsb_err claims_init(struct claims *claims, uint64_t seed)
{
	list_init(&claims->by_age);
	return map_create(&claims->by_key, seed);
}

static void claim_end(struct claims *claims, struct claim *claim)
{
	map_remove(claims->by_key, span_of(claim->key, claim->key_len));
	list_remove(&claims->by_age, &claim->link);
	free(claim);
}

static struct claim *claim_oldest(const struct claims *claims)
{
	struct list_node *node = list_first(&claims->by_age);

	return node ? list_entry(node, struct claim, link) : NULL;
}

void claims_fini(struct claims *claims)
{
	struct claim *claim;

	if (!claims->by_key)
		return;
	while ((claim = claim_oldest(claims)))
		claim_end(claims, claim);
	map_destroy(claims->by_key);
	claims->by_key = NULL;
}

void claims_upkeep(struct claims *claims, uint64_t now_us)
{
	struct claim *claim;

	for (uint32_t left = CLAIMS_A_TURN; left > 0; left--) {
		claim = claim_oldest(claims);
		if (!claim || claim->until_us > now_us)
			return;
		claim_end(claims, claim);
	}
}

/* One that has ended is none, whether it has been forgotten already or not. */
static struct claim *claim_of(struct claims *claims, struct span key, uint64_t now_us)
{
	struct claim *claim = map_get(claims->by_key, key);

	if (!claim || claim->until_us > now_us)
		return claim;
	claim_end(claims, claim);
	return NULL;
}

static enum wsb_err claim_make(struct claims *claims, struct span key, struct claim **out)
{
	struct claim *claim = malloc(sizeof(*claim) + key.len);
	enum wsb_err err;

	if (!claim)
		return WSB_ENOMEM;
	memcpy(claim->key, key.at, key.len);
	claim->key_len = key.len;
	err = map_put(claims->by_key, key, claim);
	if (err) {
		free(claim);
		return err;
	}
	list_node_init(&claim->link);
	list_append(&claims->by_age, &claim->link);
	*out = claim;
	return WSB_OK;
}

enum wsb_err claim_take(struct claims *claims, struct span key, uint64_t clock, struct rng *rng,
			uint64_t now_us, uint64_t *id, uint64_t *left_us)
{
	struct claim *claim;
	enum wsb_err err;

	claim = claim_of(claims, key, now_us);
	if (claim) {
		*left_us = claim->until_us - now_us;
		return WSB_EEXIST;
	}
	err = claim_make(claims, key, &claim);
	if (err)
		return err;
	claim->id = rng_next(rng) | 1;
	claim->clock = clock;
	claim->until_us = now_us + CLAIM_US;
	*id = claim->id;
	if (claims->by_age.count > CLAIMS_MAX)
		claim_end(claims, claim_oldest(claims));
	return WSB_OK;
}

bool claim_redeem(struct claims *claims, struct span key, uint64_t id, uint64_t now_us,
		  uint64_t *clock)
{
	struct claim *claim = claim_of(claims, key, now_us);

	if (!claim || claim->id != id)
		return false;
	*clock = claim->clock;
	claim_end(claims, claim);
	return true;
}
