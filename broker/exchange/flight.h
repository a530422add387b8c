/* broker/exchange/flight.h: equal requests at once cost one load.
 *
 * A flight is one key being loaded: leaders are the exchanges that are under way upstream for it,
 * followers those that wait for what these bring. A leader that ends without an answer leaves the
 * rest behind; then, or when it is slow, one of the followers leads anew. An exchange is in at most
 * one flight. Once grown the table allocates nothing for keys of usual length.
 *
 * Truth: a flight notes the cache's clock when its first leader is sent, and keeps it whoever leads
 * later. Who comes after an invalidation does not join a load that began before it. */
#ifndef WSB_BROKER_EXCHANGE_FLIGHT_H
#define WSB_BROKER_EXCHANGE_FLIGHT_H

#include "broker/exchange/exchange.h"

/* Why a load was begun. */
enum flight_purpose {
	FLIGHT_MISS,	 /* somebody waits for it */
	FLIGHT_REFRESH,	 /* a stale entry was served meanwhile */
	FLIGHT_PACED,	 /* the same, of one that was made stale with many others */
	FLIGHT_AHEAD,	 /* an entry that is asked for again and again grows old */
	FLIGHT_PREFETCH, /* somebody may ask soon */
};

#define FLIGHT_KEY_INLINE    192
#define FLIGHT_FOLLOWERS_MAX 65536
/* Leaders at once: a third would not help where two hang. */
#define FLIGHT_LEADERS_MAX 2

struct flight {
	struct list_node link; /* in its bucket, or spare */
	struct list_node lost_link;
	struct timer timer; /* the owner's: when the load is slow */
	struct list leaders;
	struct list followers;
	uint64_t hash;
	uint64_t order; /* of beginning, among all flights; 0: nothing has been sent yet */
	uint64_t clock; /* the cache's, when it began */
	uint64_t began_us;
	enum flight_purpose purpose;
	bool open;     /* the newest of its key: others may join */
	bool outdated; /* this or one of the same key that began later has been stored */
	size_t key_len;
	char *key; /* inline_key, or on the heap */
	char inline_key[FLIGHT_KEY_INLINE];
};

struct flights {
	struct list *buckets;
	size_t bucket_count; /* a power of two */
	struct list spare;
	struct list lost; /* have followers and no leader; see flights_next_lost */
	size_t count;
	size_t followers;
	size_t heap_bytes; /* of long keys */
	uint64_t orders;
	uint64_t seed;
};

enum wsb_err flights_init(struct flights *flights, uint64_t seed) WSB_CHECKED;
void flights_fini(struct flights *flights); /* none may be under way */

/* The flight of this key that others may join; NULL: none. */
struct flight *flight_find(const struct flights *flights, struct span key);
/* Whether a request that comes now may join. clock: the cache's at this moment. */
bool flight_may_join(const struct flight *flight, uint64_t clock);

/* A new flight with this leader. An older one of the same key is not joined any more, and goes on
 * for those who are in it. WSB_ENOMEM. */
enum wsb_err flight_open(struct flight **out, struct flights *flights, struct span key,
			 enum flight_purpose purpose, struct exchange *leader) WSB_CHECKED;
void flight_join(struct flights *flights, struct flight *flight, struct exchange *follower);

/* A leader is being sent. Only the first one counts. */
void flight_begin(struct flights *flights, struct flight *flight, uint64_t clock, uint64_t now_us);
/* What the flight brought has been stored: what its other leader brings, and what began earlier, is
 * not to be stored over it. */
void flight_stored(struct flights *flights, struct flight *flight);

/* The follower that has waited longest leads from now on, and passes over what the last leader had
 * tried. NULL: there is none, or enough lead already. */
struct exchange *flight_lead_anew(struct flights *flights, struct flight *flight);
/* Takes the exchange out of its flight. The flight ends with its last exchange; timer must not be
 * armed by then. One that nobody leads any more is lost. */
void flight_leave(struct flights *flights, struct exchange *exchange);
/* Whether this is the last exchange of its flight. */
bool flight_ends_with(const struct exchange *exchange);

/* One that nobody leads, taken off the list of these; NULL: none. */
struct flight *flights_next_lost(struct flights *flights);

static inline struct span flight_key(const struct flight *flight)
{
	return span_of(flight->key, flight->key_len);
}

#endif
