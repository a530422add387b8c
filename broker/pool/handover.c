#include "broker/pool/handover.h"

#include <stdlib.h>
#include "common/map.h"

/* So many pushes wait for their twins at once; beyond, the oldest does no more. */
#define TWINS_MAX 16384

/* Pushes that say the same, on one of the two connections. */
struct likes {
	uint64_t hash;
	bool of_old;
	struct list list; /* never empty; the oldest first */
};

struct single {
	struct list_node link; /* of all that wait */
	struct list_node like_link;
	struct likes *likes;
	uint64_t at_us;
	bool handled;
};

enum wsb_err handover_begin(struct connection *old, struct connection *next, uint64_t now_us)
{
	struct pool *pool = old->pool;
	struct handover *handover = calloc(1, sizeof(*handover));

	if (!handover)
		return WSB_ENOMEM;
	handover->seed = rng_next(&pool->rng);
	if (map_create(&handover->texts, handover->seed)) {
		free(handover);
		return WSB_ENOMEM;
	}
	handover->old = old;
	handover->next = next;
	handover->begun_us = now_us;
	list_init(&handover->waiting);
	list_node_init(&handover->link);
	list_append(&pool->handovers, &handover->link);
	old->handover = next->handover = handover;
	return WSB_OK;
}

static struct span key_of(const uint64_t *hash)
{
	return span_of((const char *)hash, sizeof(*hash));
}

static void forget(struct handover *handover, struct single *single)
{
	struct likes *likes = single->likes;

	list_remove(&handover->waiting, &single->link);
	list_remove(&likes->list, &single->like_link);
	free(single);
	if (!list_is_empty(&likes->list))
		return;
	map_remove(handover->texts, key_of(&likes->hash));
	free(likes);
}

static struct single *oldest(const struct handover *handover)
{
	return list_entry(list_first(&handover->waiting), struct single, link);
}

void handover_end(struct handover *handover)
{
	while (!list_is_empty(&handover->waiting))
		forget(handover, oldest(handover));
	if (handover->old)
		handover->old->handover = NULL;
	handover->next->handover = NULL;
	list_remove(&handover->next->pool->handovers, &handover->link);
	map_destroy(handover->texts);
	free(handover);
}

static void let_go(struct handover *handover, uint64_t now_us)
{
	const struct connection *next = handover->next;

	log_event(next->pool->log, LOG_INFO, "push.source.moved",
		  log_text("pool", next->pool->settings->name),
		  log_text("from", handover->old->endpoint->settings->name),
		  log_text("endpoint", next->endpoint->settings->name),
		  log_number("connection", next->id));
	handover->old->push_source = false;
	handover->old->handover = NULL;
	handover->old = NULL;
	handover->left_us = now_us;
}

void handover_step(struct handover *handover, uint64_t now_us)
{
	if (!handover->old) {
		if (now_us - handover->left_us >= SOURCE_OVERLAP_US)
			handover_end(handover);
	} else if (handover->equal_us > 0) {
		/* What only the old one heard before has lost its claim to a twin by now. */
		if (now_us - handover->equal_us >= SOURCE_OVERLAP_US)
			let_go(handover, now_us);
	} else if (now_us - handover->begun_us >= SOURCE_OVERLAP_US &&
		   greeting_is_over(&handover->next->greeting)) {
		handover->equal_us = now_us;
		handover->next->push_source = true;
	}
}

/* Without memory it is not known again: then the next one like it counts too. */
static void remember(struct handover *handover, struct likes *likes, uint64_t hash, bool of_old,
		     bool handled, uint64_t now_us)
{
	struct single *single = malloc(sizeof(*single));
	bool is_new = !likes;

	if (is_new)
		likes = malloc(sizeof(*likes));
	if (is_new && likes) {
		likes->hash = hash;
		likes->of_old = of_old;
		list_init(&likes->list);
	}
	if (!single || !likes || (is_new && map_put(handover->texts, key_of(&hash), likes))) {
		free(single);
		if (is_new)
			free(likes);
		return;
	}
	single->likes = likes;
	single->at_us = now_us;
	single->handled = handled;
	list_node_init(&single->link);
	list_node_init(&single->like_link);
	list_append(&handover->waiting, &single->link);
	list_append(&likes->list, &single->like_link);
}

bool handover_hears(struct handover *handover, const struct connection *connection,
		    struct span text, uint64_t now_us)
{
	const bool of_old = connection == handover->old;
	const bool counts = of_old || handover->equal_us > 0;
	const uint64_t hash = hash_bytes(text, handover->seed);
	struct likes *likes;
	struct single *twin;
	bool handled;

	while (!list_is_empty(&handover->waiting) &&
	       (handover->waiting.count >= TWINS_MAX ||
		now_us - oldest(handover)->at_us >= SOURCE_OVERLAP_US))
		forget(handover, oldest(handover));
	likes = map_get(handover->texts, key_of(&hash));
	if (!likes || likes->of_old == of_old) {
		if (handover->old)
			remember(handover, likes, hash, of_old, counts, now_us);
		return counts;
	}
	twin = list_entry(list_first(&likes->list), struct single, like_link);
	handled = twin->handled;
	forget(handover, twin);
	/* The old one is the first to be believed: what the new one heard too early counts now. */
	return !handled;
}
