#include "broker/exchange/flight.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/map.h"

#define BUCKETS_MIN 256
#define SPARE_MAX   1024

static enum wsb_err buckets_make(struct list **out, size_t count)
{
	struct list *buckets = calloc(count, sizeof(*buckets));

	if (!buckets)
		return WSB_ENOMEM;
	for (size_t i = 0; i < count; i++)
		list_init(&buckets[i]);
	*out = buckets;
	return WSB_OK;
}

enum wsb_err flights_init(struct flights *flights, uint64_t seed)
{
	*flights = (struct flights){.seed = seed, .bucket_count = BUCKETS_MIN};
	list_init(&flights->spare);
	list_init(&flights->lost);
	return buckets_make(&flights->buckets, BUCKETS_MIN);
}

void flights_fini(struct flights *flights)
{
	struct list_node *node;

	assert(flights->count == 0);
	while (flights->spare.head.next && (node = list_pop(&flights->spare)))
		free(list_entry(node, struct flight, link));
	free(flights->buckets);
	flights->buckets = NULL;
}

static struct list *bucket_of(const struct flights *flights, uint64_t hash)
{
	return &flights->buckets[hash & (flights->bucket_count - 1)];
}

/* A table that cannot grow gets slower, no more. */
static void flights_grow(struct flights *flights)
{
	size_t before = flights->bucket_count;
	struct list *old = flights->buckets;
	struct list *grown;
	struct list_node *node;

	if (buckets_make(&grown, 2 * before))
		return;
	flights->buckets = grown;
	flights->bucket_count = 2 * before;
	for (size_t i = 0; i < before; i++) {
		while ((node = list_pop(&old[i])))
			list_append(bucket_of(flights, list_entry(node, struct flight, link)->hash),
				    node);
	}
	free(old);
}

static bool flight_is_of(const struct flight *flight, struct span key, uint64_t hash)
{
	return flight->hash == hash && span_equal(flight_key(flight), key);
}

struct flight *flight_find(const struct flights *flights, struct span key)
{
	uint64_t hash;

	if (flights->count == 0)
		return NULL;
	hash = hash_bytes(key, flights->seed);
	list_each(bucket_of(flights, hash), node) {
		struct flight *flight = list_entry(node, struct flight, link);

		if (flight->open && flight_is_of(flight, key, hash))
			return flight;
	}
	return NULL;
}

bool flight_may_join(const struct flight *flight, uint64_t clock)
{
	return (flight->order == 0 || flight->clock == clock) &&
	       flight->followers.count < FLIGHT_FOLLOWERS_MAX;
}

static struct flight *flight_take(struct flights *flights)
{
	struct list_node *node = list_pop(&flights->spare);
	struct flight *flight =
		node ? list_entry(node, struct flight, link) : malloc(sizeof(*flight));

	if (!flight)
		return NULL;
	list_node_init(&flight->link);
	list_node_init(&flight->lost_link);
	timer_init(&flight->timer);
	list_init(&flight->leaders);
	list_init(&flight->followers);
	flight->order = 0;
	flight->clock = 0;
	flight->began_us = 0;
	flight->outdated = false;
	flight->key = flight->inline_key;
	return flight;
}

static void flight_free(struct flights *flights, struct flight *flight)
{
	if (flight->key != flight->inline_key) {
		flights->heap_bytes -= flight->key_len;
		free(flight->key);
	}
	if (flights->spare.count >= SPARE_MAX)
		free(flight);
	else
		list_prepend(&flights->spare, &flight->link);
}

enum wsb_err flight_open(struct flight **out, struct flights *flights, struct span key,
			 enum flight_purpose purpose, struct exchange *leader)
{
	struct flight *before = flight_find(flights, key);
	struct flight *flight = flight_take(flights);

	assert(!leader->flight);
	if (!flight)
		return WSB_ENOMEM;
	if (key.len > FLIGHT_KEY_INLINE) {
		flight->key = malloc(key.len);
		if (!flight->key) {
			free(flight);
			return WSB_ENOMEM;
		}
		flights->heap_bytes += key.len;
	}
	memcpy(flight->key, key.at, key.len);
	flight->key_len = key.len;
	flight->hash = hash_bytes(key, flights->seed);
	flight->purpose = purpose;
	flight->open = true;
	if (before)
		before->open = false;
	if (flights->count >= 2 * flights->bucket_count)
		flights_grow(flights);
	list_prepend(bucket_of(flights, flight->hash), &flight->link);
	flights->count++;
	leader->flight = flight;
	leader->leads = true;
	list_append(&flight->leaders, &leader->flight_link);
	*out = flight;
	return WSB_OK;
}

void flight_join(struct flights *flights, struct flight *flight, struct exchange *follower)
{
	assert(!follower->flight);
	follower->flight = flight;
	follower->leads = false;
	list_append(&flight->followers, &follower->flight_link);
	flights->followers++;
}

void flight_begin(struct flights *flights, struct flight *flight, uint64_t clock, uint64_t now_us)
{
	if (flight->order != 0)
		return;
	flight->order = ++flights->orders;
	flight->clock = clock;
	flight->began_us = now_us;
}

void flight_stored(struct flights *flights, struct flight *flight)
{
	flight->outdated = true;
	list_each(bucket_of(flights, flight->hash), node) {
		struct flight *other = list_entry(node, struct flight, link);

		if (other->order > 0 && other->order < flight->order &&
		    flight_is_of(other, flight_key(flight), flight->hash))
			other->outdated = true;
	}
}

/* What one has tried, the next shall pass over. */
static void inherit_tried(struct exchange *heir, const struct exchange *from)
{
	memcpy(heir->tried, from->tried, sizeof(heir->tried));
	memcpy(heir->tried_endpoints, from->tried_endpoints, sizeof(heir->tried_endpoints));
	heir->attempts_made = from->attempts_made;
}

struct exchange *flight_lead_anew(struct flights *flights, struct flight *flight)
{
	struct list_node *node = list_first(&flight->followers);
	struct list_node *leader = list_first(&flight->leaders);
	struct exchange *exchange;

	if (!node || flight->leaders.count >= FLIGHT_LEADERS_MAX)
		return NULL;
	exchange = list_entry(node, struct exchange, flight_link);
	if (leader)
		inherit_tried(exchange, list_entry(leader, struct exchange, flight_link));
	list_remove(&flight->followers, node);
	flights->followers--;
	list_append(&flight->leaders, node);
	exchange->leads = true;
	list_remove(&flights->lost, &flight->lost_link);
	return exchange;
}

bool flight_ends_with(const struct exchange *exchange)
{
	const struct flight *flight = exchange->flight;

	return flight->leaders.count + flight->followers.count == 1;
}

void flight_leave(struct flights *flights, struct exchange *exchange)
{
	struct flight *flight = exchange->flight;
	struct list_node *heir = list_first(&flight->followers);

	exchange->flight = NULL;
	if (exchange->leads) {
		list_remove(&flight->leaders, &exchange->flight_link);
	} else {
		list_remove(&flight->followers, &exchange->flight_link);
		flights->followers--;
	}
	if (flight->leaders.count + flight->followers.count == 0) {
		assert(!timer_is_armed(&flight->timer));
		list_remove(&flights->lost, &flight->lost_link);
		list_remove(bucket_of(flights, flight->hash), &flight->link);
		flights->count--;
		flight_free(flights, flight);
	} else if (flight->leaders.count == 0 && exchange->leads) {
		inherit_tried(list_entry(heir, struct exchange, flight_link), exchange);
		list_append(&flights->lost, &flight->lost_link);
	}
}

struct flight *flights_next_lost(struct flights *flights)
{
	struct list_node *node = list_pop(&flights->lost);

	return node ? list_entry(node, struct flight, lost_link) : NULL;
}
