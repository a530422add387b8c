/* broker/journal/peers.h: the other brokers on the bus, by what they say of themselves. */
#ifndef WSB_BROKER_JOURNAL_PEERS_H
#define WSB_BROKER_JOURNAL_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/err.h"
#include "common/list.h"
#include "common/strbuf.h"
#include "proto/event.h"

/* Each says something every second. Who has not for so long is not live any more, and who has not
 * for longer is forgotten. No clocks of two machines are compared. */
#define PEER_BEAT_US   UINT64_C(1000000)
#define PEER_LIVE_US   UINT64_C(3500000)
#define PEER_FORGET_US UINT64_C(60000000)
#define BUS_PEERS_MAX  1024
/* What one may call itself. */
#define PEER_SOURCE_MAX	 512
#define PEER_NODE_MAX	 256
#define PEER_VERSION_MAX 64

struct bus_peer {
	struct list_node link;
	char *source;
	char *node;
	char *version;
	struct position position; /* applied */
	uint64_t clients;
	uint64_t heard_us;
};

struct peers {
	struct list list;    /* in the order in which they were first heard */
	uint64_t refused;    /* heartbeats of those for whom there was no place */
	uint64_t refused_us; /* the latest; 0: none */
};

void peers_init(struct peers *peers);
void peers_fini(struct peers *peers);

/* A heartbeat of another broker has come. WSB_ELIMIT: BUS_PEERS_MAX others live, there is no place
 * for it; WSB_EINVAL: its names are too long; WSB_ENOMEM. */
enum wsb_err peers_note(struct peers *peers, const struct event *heartbeat,
			uint64_t now_us) WSB_CHECKED;
/* It has said good-bye. */
void peers_leave(struct peers *peers, struct span source);
/* Forgets who has been silent for long. */
void peers_upkeep(struct peers *peers, uint64_t now_us);

static inline bool peer_is_live(const struct bus_peer *peer, uint64_t now_us)
{
	return now_us - peer->heard_us < PEER_LIVE_US;
}

/* Whether there are live ones for whom there is no place, so that nothing is known of them. */
bool peers_are_too_many(const struct peers *peers, uint64_t now_us);

/* Whether every live one has applied the event at this place; names those that have not, and those
 * of whom it is not known as "others". */
bool peers_have_applied(const struct peers *peers, struct position position, struct strbuf *behind,
			uint64_t now_us);

#endif
