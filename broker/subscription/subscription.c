#include "broker/subscription/subscription.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "broker/subscription/feed.h"
#include "common/clock.h"
#include "common/map.h"

#define RETRY_FIRST_US (100 * US_PER_MS)
#define RETRY_LAST_US  (30 * US_PER_S)

static const struct {
	const char *name;
	bool next[SUBSCRIPTION_STATES]; /* the steps that are allowed from here */
} states[SUBSCRIPTION_STATES] = {
	[SUBSCRIPTION_ASKING] = {"asking",
				 {[SUBSCRIPTION_LIVE] = true, [SUBSCRIPTION_ENDED] = true}},
	[SUBSCRIPTION_LIVE] = {"live",
			       {[SUBSCRIPTION_LOST] = true,
				[SUBSCRIPTION_LINGERING] = true,
				[SUBSCRIPTION_ENDED] = true}},
	[SUBSCRIPTION_LOST] = {"lost", {[SUBSCRIPTION_LIVE] = true, [SUBSCRIPTION_ENDED] = true}},
	[SUBSCRIPTION_LINGERING] = {"lingering",
				    {[SUBSCRIPTION_LIVE] = true, [SUBSCRIPTION_ENDED] = true}},
	[SUBSCRIPTION_ENDED] = {"ended", {false}},
};

enum wsb_err subscriptions_init(struct subscriptions *subscriptions, struct log *log,
				struct plan *(*hold)(struct plan *plan),
				void (*release)(struct plan *plan), struct rng *rng)
{
	*subscriptions = (struct subscriptions){.log = log, .hold = hold, .release = release};
	for (size_t i = 0; i < SUBSCRIPTION_STATES; i++)
		list_init(&subscriptions->states[i]);
	list_init(&subscriptions->moving);
	list_init(&subscriptions->leaving);
	list_init(&subscriptions->gone);
	mint_init(&subscriptions->mint, rng);
	if (map_create(&subscriptions->by_key, rng_next(rng)) != WSB_OK ||
	    map_create(&subscriptions->feeds, rng_next(rng)) != WSB_OK)
		return WSB_ENOMEM;
	return WSB_OK;
}

static size_t subscription_bytes(const struct subscription *subscription)
{
	size_t bytes = sizeof(*subscription) + subscription->key.len + subscription->request.len;

	for (size_t i = 0; i < subscription->name_count; i++)
		bytes += subscription->names[i].len;
	return bytes;
}

static void forget_answer(struct subscriptions *subscriptions, struct subscription *subscription)
{
	subscriptions->bytes -= subscription->answer_len;
	free(subscription->answer);
	subscription->answer = NULL;
	subscription->answer_len = 0;
}

bool subscription_begin_overlap(struct subscriptions *subscriptions,
				struct subscription *subscription)
{
	if (subscription->overlap) {
		overlap_go_on(subscription->overlap, &subscription->past);
		return true;
	}
	subscription->overlap = malloc(sizeof(*subscription->overlap));
	if (!subscription->overlap)
		return false;
	overlap_init(subscription->overlap, &subscription->past);
	subscriptions->bytes += sizeof(*subscription->overlap);
	return true;
}

void subscription_end_overlap(struct subscriptions *subscriptions,
			      struct subscription *subscription)
{
	if (!subscription->overlap)
		return;
	overlap_fini(subscription->overlap);
	free(subscription->overlap);
	subscription->overlap = NULL;
	subscriptions->bytes -= sizeof(*subscription->overlap);
}

static void subscription_free(struct subscriptions *subscriptions,
			      struct subscription *subscription)
{
	assert(list_is_empty(&subscription->members));
	list_remove(&subscriptions->states[SUBSCRIPTION_ENDED], &subscription->state_link);
	forget_answer(subscriptions, subscription);
	subscriptions->bytes -= subscription_bytes(subscription);
	subscriptions->release(subscription->plan);
	subscription_end_overlap(subscriptions, subscription);
	free(subscription);
}

static void feed_free(struct subscriptions *subscriptions, struct feed *feed)
{
	list_remove(&subscriptions->gone, &feed->state_link);
	subscriptions->bytes -= sizeof(*feed) + feed->key_len + feed->params_len;
	free(feed->key);
	free(feed->params);
	subscriptions->release(feed->plan);
	free(feed);
}

void subscriptions_reap(struct subscriptions *subscriptions)
{
	list_each(&subscriptions->gone, node)
		feed_free(subscriptions, list_entry(node, struct feed, state_link));
	list_each(&subscriptions->states[SUBSCRIPTION_ENDED], node)
		subscription_free(subscriptions, list_entry(node, struct subscription, state_link));
}

void subscriptions_fini(struct subscriptions *subscriptions)
{
	struct list_node *node;

	if (!subscriptions->release)
		return;
	for (size_t state = 0; state < SUBSCRIPTION_ENDED; state++) {
		while ((node = list_first(&subscriptions->states[state]))) {
			struct subscription *subscription =
				list_entry(node, struct subscription, state_link);

			while ((node = list_first(&subscription->members)))
				member_destroy(subscriptions, list_entry(node, struct member, link),
					       0);
			if (subscription->state != SUBSCRIPTION_ENDED)
				subscription_enter(subscriptions, subscription, SUBSCRIPTION_ENDED,
						   "shutdown");
		}
	}
	while ((node = list_first(&subscriptions->leaving)))
		feed_end(subscriptions, list_entry(node, struct feed, state_link));
	subscriptions_reap(subscriptions);
	map_destroy(subscriptions->by_key);
	map_destroy(subscriptions->feeds);
}

struct subscription *subscription_find(const struct subscriptions *subscriptions, struct span key)
{
	return map_get(subscriptions->by_key, key);
}

static struct span copy_into(char **at, struct span bytes)
{
	struct span copy = span_of(*at, bytes.len);

	if (bytes.len > 0)
		memcpy(*at, bytes.at, bytes.len);
	*at += bytes.len;
	return copy;
}

enum wsb_err subscription_create(struct subscription **out, struct subscriptions *subscriptions,
				 const struct subscription_origin *origin)
{
	size_t bytes = sizeof(struct subscription) + origin->key.len + origin->request.len;
	struct subscription *subscription;
	char *at;

	for (size_t i = 0; i < origin->name_count; i++)
		bytes += origin->names[i].len;
	subscription = calloc(1, bytes);
	if (!subscription)
		return WSB_ENOMEM;
	if (map_put(subscriptions->by_key, origin->key, subscription) != WSB_OK) {
		free(subscription);
		return WSB_ENOMEM;
	}
	at = subscription->memory;
	subscription->key = copy_into(&at, origin->key);
	subscription->request = copy_into(&at, origin->request);
	for (size_t i = 0; i < origin->name_count; i++)
		subscription->names[i] = copy_into(&at, origin->names[i]);
	subscription->name_count = origin->name_count;
	subscription->plan = subscriptions->hold(origin->plan);
	subscription->id_at = origin->id_at;
	subscription->id_len = origin->id_len;
	subscription->encoding = origin->encoding;
	subscription->jsonrpc = origin->jsonrpc;
	list_init(&subscription->members);
	list_node_init(&subscription->state_link);
	list_node_init(&subscription->moving_link);
	list_append(&subscriptions->states[SUBSCRIPTION_ASKING], &subscription->state_link);
	subscriptions->bytes += bytes;
	*out = subscription;
	return WSB_OK;
}

static void subscription_end(struct subscriptions *subscriptions, struct subscription *subscription)
{
	struct feed *const feeds[] = {subscription->feed, subscription->next};

	map_remove(subscriptions->by_key, subscription->key);
	list_remove(&subscriptions->moving, &subscription->moving_link);
	subscription->feed = subscription->next = NULL;
	for (size_t i = 0; i < 2; i++)
		if (feeds[i])
			feed_leave(subscriptions, feeds[i]);
}

void subscription_enter(struct subscriptions *subscriptions, struct subscription *subscription,
			enum subscription_state state, const char *reason)
{
	enum subscription_state from = subscription->state;

	assert(states[from].next[state]);
	list_remove(&subscriptions->states[from], &subscription->state_link);
	list_append(&subscriptions->states[state], &subscription->state_link);
	subscription->state = state;
	log_event(subscriptions->log, LOG_DEBUG, "subscription.state",
		  log_text("from", states[from].name), log_text("to", states[state].name),
		  log_text("reason", reason), log_number("members", subscription->members.count));
	if (state == SUBSCRIPTION_ENDED)
		subscription_end(subscriptions, subscription);
}

enum wsb_err member_create(struct member **out, struct subscriptions *subscriptions,
			   struct subscription *subscription, void *client,
			   struct list *client_members)
{
	struct member *member = calloc(1, sizeof(*member));

	if (!member)
		return WSB_ENOMEM;
	member->subscription = subscription;
	member->client = client;
	member->client_members = client_members;
	member->names = UINT64_MAX;
	list_node_init(&member->link);
	list_node_init(&member->client_link);
	list_append(&subscription->members, &member->link);
	list_append(client_members, &member->client_link);
	subscriptions->members++;
	subscriptions->bytes += sizeof(*member);
	if (subscription->state == SUBSCRIPTION_LINGERING)
		subscription_enter(subscriptions, subscription, SUBSCRIPTION_LIVE, "joined");
	*out = member;
	return WSB_OK;
}

void member_destroy(struct subscriptions *subscriptions, struct member *member,
		    uint64_t linger_until_us)
{
	struct subscription *subscription = member->subscription;

	list_remove(&subscription->members, &member->link);
	list_remove(member->client_members, &member->client_link);
	subscriptions->members--;
	subscriptions->bytes -= sizeof(*member) + member->backlog.len;
	strbuf_fini(&member->backlog);
	free(member);
	if (!list_is_empty(&subscription->members))
		return;
	if (subscription->state == SUBSCRIPTION_LIVE) {
		subscription->linger_until_us = linger_until_us;
		subscription_enter(subscriptions, subscription, SUBSCRIPTION_LINGERING, "left");
	} else if (subscription->state == SUBSCRIPTION_LOST) {
		subscription_enter(subscriptions, subscription, SUBSCRIPTION_ENDED, "left");
	}
}

enum wsb_err subscription_keep_answer(struct subscriptions *subscriptions,
				      struct subscription *subscription, enum encoding encoding,
				      struct span answer, struct span own)
{
	char *copy = malloc(answer.len);

	if (!copy)
		return WSB_ENOMEM;
	memcpy(copy, answer.at, answer.len);
	forget_answer(subscriptions, subscription);
	subscription->answer = copy;
	subscription->answer_len = answer.len;
	subscriptions->bytes += answer.len;
	subscription->answer_encoding = encoding;
	subscription->own_len = (uint32_t)own.len;
	subscription->own_at = own.at ? (uint32_t)(own.at - answer.at) : 0;
	if (own.at)
		subscription->look = look_of(encoding, own);
	return WSB_OK;
}

uint64_t subscription_retry_us(uint32_t retries, struct rng *rng)
{
	uint64_t most_us = RETRY_LAST_US;

	if (retries < 16 && RETRY_FIRST_US << retries < most_us)
		most_us = RETRY_FIRST_US << retries;
	return 1 + rng_below(rng, most_us);
}
