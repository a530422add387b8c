/* broker/journal/bus.h: what carries invalidations between brokers: a log on Redis that all append
 * to and all read, channels for scripts, an inbox, and the table of the brokers on it.
 *
 * Pure: connections, time and chance are handed in. It knows what to say on each connection and
 * what each answer means; whoever stands outside opens, writes and reads. */
#ifndef WSB_BROKER_JOURNAL_BUS_H
#define WSB_BROKER_JOURNAL_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "broker/journal/peers.h"
#include "broker/journal/redis_value.h"
#include "broker/journal/settings.h"
#include "common/err.h"
#include "common/rng.h"
#include "common/span.h"
#include "common/strbuf.h"
#include "proto/event.h"

/* Connections, each for one kind of talk: two of them wait inside Redis, one may only listen. */
enum bus_link {
	BUS_COMMANDS, /* publishing, looking where the log stands, heartbeats */
	BUS_TAIL,     /* reads the log */
	BUS_INBOX,    /* reads what scripts ask for */
	BUS_HEARING,  /* channels */
	BUS_LINKS,
};

enum bus_state {
	BUS_EMBEDDED, /* there is no Redis: events stay in the process */
	BUS_LIVE,     /* read to its end; what others invalidate is known within milliseconds */
	BUS_SUSPECT,  /* link lost, or nothing was heard for BUS_SILENCE_US */
	BUS_REPLAY,   /* what was missed is being read, with nothing missing in between */
	BUS_RESYNC,   /* something is missing: all has been given up, and reading begins anew */
	BUS_STATES,
};
const char *bus_state_name(enum bus_state state); /* "live" */

/* What may be refused, or fail, while the log is read all the same. */
enum bus_part {
	BUS_PUBLISHING,	   /* own events are not logged: they wait */
	BUS_INBOX_READING, /* what scripts ask for waits */
	BUS_CHANNELS,	   /* neither the other brokers nor what scripts PUBLISH is heard */
	BUS_COPIES,	   /* scripts hear nothing on the channels: it is logged all the same */
	BUS_HEARTBEATS,	   /* the other brokers do not hear of this one */
	BUS_TABLE,	   /* there are more brokers than BUS_PEERS_MAX */
	BUS_PARTS,
};
const char *bus_part_name(enum bus_part part); /* "publish" */

/* So long nothing may be heard of Redis: an empty reading takes a second. */
#define BUS_SILENCE_US UINT64_C(2500000)
/* One reading waits so long for news. */
#define BUS_BLOCK_MS 1000

struct bus_change {
	enum bus_state from, to;
	const char
		*reason; /* a stable word: connect, eof, silent, replica, renumbered, read, ... */
	const char *detail; /* an error's text; "" */
	const char *url;    /* label of the URL that it is about */
};

struct bus_ports {
	void *context;
	/* Open a connection; ends in bus_opened or bus_lost, never before this returns. */
	void (*open)(void *context, enum bus_link link, const struct bus_url *url);
	/* Nothing more is to be heard of it. It may be closed already. */
	void (*close)(void *context, enum bus_link link);
	void (*send)(void *context, enum bus_link link, const struct span *words, size_t count);
	/* One event of the log, in order; own ones too. What cannot be read comes as EVENT_OTHER
	 * with its position alone. Valid during the call. */
	void (*arrived)(void *context, const struct event *event, uint64_t now_us);
	/* An event that was logged before this broker came, the latest first; to be shown to those
	 * who ask for it, never applied. False: enough of them. Valid during the call. */
	bool (*past)(void *context, const struct event *event);
	/* Events may be missing: forget what you know, and go on behind `at`. why: "joined" (the
	 * first time, nobody has been told anything yet), "gap", "renumbered". */
	void (*resync)(void *context, const char *why, struct position at, uint64_t now_us);
	/* An entry of the inbox, or a part of one that does not fit into one event: to become an
	 * event at once, by bus_publish during the call, which acknowledges the entry with its last
	 * part. */
	void (*asked)(void *context, const struct invalidation *what, uint64_t now_us);
	/* Said on the channel for scripts: for this broker alone, never logged. */
	void (*heard)(void *context, const struct invalidation *what, uint64_t now_us);
	/* Something from outside that was not what it must be, and is passed over: "inbox",
	 * "channel", "log". */
	void (*odd)(void *context, const char *where, const char *why);
	void (*changed)(void *context, const struct bus_change *change, uint64_t now_us);
	/* Once for the same words, mostly those of Redis; "": it is not any more. It is tried again
	 * by itself, with pauses. */
	void (*refused)(void *context, enum bus_part part, const char *words, uint64_t now_us);
	/* Microseconds since 1970. */
	uint64_t (*wall_us)(void *context);
	/* Clients now, for the heartbeat. */
	uint64_t (*clients)(void *context);
};

struct bus_stats {
	uint64_t published; /* own events that Redis has logged */
	uint64_t arrived;   /* events of the log, own ones too */
	uint64_t merged;    /* own ones that said no more than one that was waiting */
	uint64_t overflows; /* the queue was too long and became one flush */
	uint64_t refused;   /* own ones that Redis would not log; they are sent again */
	uint64_t malformed; /* entries, messages and answers that were not what they must be */
	uint64_t inbox;	    /* entries of the inbox that became events */
	uint64_t heard;	    /* invalidations on the channel */
	uint64_t resyncs;
	uint64_t connects; /* to Redis, so far */
};

struct bus;

/* Borrows settings (at least one URL), ports and their context, which must outlive the bus; copies
 * the rest. source: of this broker's events, as in events and heartbeats. WSB_ENOMEM. */
enum wsb_err bus_create(struct bus **out, const struct bus_settings *settings,
			const struct bus_ports *ports, const char *node, const char *version,
			const char *source, uint64_t seed, uint64_t now_us) WSB_CHECKED;
/* Every link must be closed. NULL is allowed. */
void bus_destroy(struct bus *bus);

/* Another settings.log_length, from the next event on. */
void bus_set_log_length(struct bus *bus, uint32_t events);

/* Every 10 ms or so: connects, deadlines, heartbeats. */
void bus_tick(struct bus *bus, uint64_t now_us);
/* Last words: the others need not wait for this broker. Links are closed, nothing is opened. */
void bus_leave(struct bus *bus, uint64_t now_us);

/* At the end of whatever has published events: they leave together. */
void bus_turn(struct bus *bus, uint64_t now_us);

/* What became of a link that was opened. */
void bus_opened(struct bus *bus, enum bus_link link, uint64_t now_us);
void bus_replied(struct bus *bus, enum bus_link link, const struct redis_value *value,
		 uint64_t now_us);
void bus_lost(struct bus *bus, enum bus_link link, const char *cause, const char *text,
	      uint64_t now_us);

/* Sends an own event, which has been applied here already: with the next bus_turn, or when Redis is
 * back. Copies it. WSB_ENOMEM: it will be told to nobody. */
enum wsb_err bus_publish(struct bus *bus, const struct event *event) WSB_CHECKED;

/* The state at this moment. A broker that stood still is suspect before anything is read. */
enum bus_state bus_state(const struct bus *bus, uint64_t now_us);
/* The stable word that came with it. */
const char *bus_reason(const struct bus *bus);
/* More of it: an error's text, of Redis or of the system; "". */
const char *bus_detail(const struct bus *bus);
/* Under whose rights it speaks to Redis there. Of a name without a password nobody is told, since
 * it may be one. */
const char *bus_user(const struct bus *bus);
/* What those need that a user of Redis does not have by itself; with the keys and channels that
 * begin with the prefix, that is all. */
#define BUS_RIGHTS                                                                                 \
	"+info +ping +script|load +eval +evalsha +get +set +del +xadd +xrange "                    \
	"+xrevrange +xread +xgroup|create +xreadgroup +xautoclaim +xpending +xack "                \
	"+xdel +publish +subscribe"
/* What this part is refused with; NULL: it is not. */
const char *bus_refusal(const struct bus *bus, enum bus_part part);
/* Up to when everything that others did is known: in a state other than live, the moment since
 * which it is not. 0: never was it known. */
uint64_t bus_known_us(const struct bus *bus, uint64_t now_us);

/* The place in the log that has been applied; not set before the first connect. */
struct position bus_position(const struct bus *bus);
/* The newest place that is known of. */
struct position bus_top(const struct bus *bus);
const struct bus_stats *bus_stats(const struct bus *bus);
const struct bus_url *bus_place(const struct bus *bus); /* that the reason is about */
size_t bus_queued(const struct bus *bus); /* own events that Redis has not logged yet */
/* Whether some of these are on their way: Redis is reached, or has been lost a moment ago. */
bool bus_is_sending(const struct bus *bus);
const struct peers *bus_peers(const struct bus *bus);

/* For `--wait all`: a ticket stands for all own events so far. */
uint64_t bus_ticket(const struct bus *bus);
/* Whether every live broker has applied them; if not, names of those that have not are appended to
 * behind, unless NULL, with ", " between them. Asks the others to say so at once. */
bool bus_is_applied(struct bus *bus, uint64_t ticket, struct strbuf *behind, uint64_t now_us);

#endif
