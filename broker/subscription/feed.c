/* The upstreams' ends of subscriptions. */
#include "broker/subscription/feed.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "common/map.h"

enum wsb_err feed_create(struct feed **out, struct subscriptions *subscriptions,
			 struct subscription *subscription)
{
	struct feed *feed = calloc(1, sizeof(*feed));

	if (!feed)
		return WSB_ENOMEM;
	feed->subscription = subscription;
	feed->plan = subscriptions->hold(subscription->plan);
	feed->jsonrpc = subscription->jsonrpc;
	list_node_init(&feed->link);
	list_node_init(&feed->state_link);
	subscriptions->bytes += sizeof(*feed);
	*out = feed;
	return WSB_OK;
}

static void unplace(struct feed *feed)
{
	if (feed->connection)
		list_remove(feed->connection_feeds, &feed->link);
	feed->connection = NULL;
	feed->connection_feeds = NULL;
}

void feed_place(struct feed *feed, void *connection, struct list *connection_feeds)
{
	unplace(feed);
	feed->connection = connection;
	feed->connection_feeds = connection_feeds;
	list_append(connection_feeds, &feed->link);
}

/* In place of what *to was before. */
static enum wsb_err keep(struct subscriptions *subscriptions, char **to, size_t *to_len,
			 struct span bytes)
{
	char *copy = malloc(bytes.len > 0 ? bytes.len : 1);

	if (!copy)
		return WSB_ENOMEM;
	if (bytes.len > 0)
		memcpy(copy, bytes.at, bytes.len);
	subscriptions->bytes += bytes.len - *to_len;
	free(*to);
	*to = copy;
	*to_len = bytes.len;
	return WSB_OK;
}

enum wsb_err feed_keep_params(struct subscriptions *subscriptions, struct feed *feed,
			      struct span params)
{
	return keep(subscriptions, &feed->params, &feed->params_len, params);
}

enum wsb_err feed_name(struct subscriptions *subscriptions, struct feed *feed, struct span key)
{
	enum wsb_err err;

	assert(!feed->key);
	err = map_put(subscriptions->feeds, key, feed);
	if (err)
		return err;
	err = keep(subscriptions, &feed->key, &feed->key_len, key);
	if (err)
		map_remove(subscriptions->feeds, key);
	return err;
}

struct feed *feed_find(const struct subscriptions *subscriptions, struct span key)
{
	return map_get(subscriptions->feeds, key);
}

/* Events find it no more, and neither does its subscription. */
static void detach(struct subscriptions *subscriptions, struct feed *feed)
{
	struct subscription *subscription = feed->subscription;

	feed->subscription = NULL;
	if (subscription && subscription->feed == feed)
		subscription->feed = NULL;
	if (subscription && subscription->next == feed)
		subscription->next = NULL;
	if (feed->key && map_get(subscriptions->feeds, span_of(feed->key, feed->key_len)) == feed)
		map_remove(subscriptions->feeds, span_of(feed->key, feed->key_len));
}

void feed_leave(struct subscriptions *subscriptions, struct feed *feed)
{
	detach(subscriptions, feed);
	/* While it is asked for it is not known what to unsubscribe: that comes with the answer. */
	if (feed->state != FEED_LIVE)
		return;
	feed->state = FEED_LEAVING;
	list_append(&subscriptions->leaving, &feed->state_link);
}

void feed_end(struct subscriptions *subscriptions, struct feed *feed)
{
	assert(feed->state != FEED_GONE);
	detach(subscriptions, feed);
	unplace(feed);
	if (feed->state == FEED_LEAVING)
		list_remove(&subscriptions->leaving, &feed->state_link);
	feed->state = FEED_GONE;
	list_append(&subscriptions->gone, &feed->state_link);
}
