/* broker/journal/bus_state.h: what the parts of the bus share. Nothing outside of them includes it.
 */
#ifndef WSB_BROKER_JOURNAL_BUS_STATE_H
#define WSB_BROKER_JOURNAL_BUS_STATE_H

#include "broker/journal/bus.h"
#include "broker/journal/bus_refusals.h"
#include "broker/journal/pending.h"
#include "broker/journal/script.h"
#include "broker/journal/standing.h"

/* So many own events that are not in the log yet are no backlog; beyond, what waits is merged, and
 * the inbox is left for later. */
#define BUS_WINDOW 512
/* Commands with own events that may be under way at once, and answers that may be waited for. */
#define BUS_BATCHES_MAX 8
#define BUS_ASKS_MAX	1024
/* Of these, so many are left for what must not be dropped. */
#define BUS_ASKS_SPARE 64
/* Entries of one reading. */
#define BUS_READ_MAX	512
#define BUS_READ_WORDS	"512"
#define BUS_INBOX_MAX	64
#define BUS_INBOX_WORDS "64"
/* The standing is looked at so often, without a reason. */
#define BUS_LOOK_US UINT64_C(5000000)
/* Whoever answers more often within a tick without anything new is not asked before the next. */
#define BUS_IDLE_READS_MAX 16
/* A tick that comes this late means that we ourselves stood still. */
#define BUS_STANDSTILL_US UINT64_C(500000)
/* The inbox, or the channels, are lost so often, in a row, before that is told. */
#define BUS_LOSSES_MAX 3
/* So many tries to agree on a numbering, before the connection is given up. */
#define BUS_LOOKS_MAX 8

/* What an answer answers. */
enum bus_ask {
	ASK_AUTH,
	ASK_SELECT,
	ASK_ROLE,
	ASK_LOAD,
	ASK_LOOK,
	ASK_RENUMBER,
	ASK_PUBLISH,
	ASK_BEAT, /* heartbeats and talk: nobody waits for it */
	ASK_DROP, /* an entry of the inbox */
	ASK_READ,
	ASK_PAST,
	ASK_GROUP,
	ASK_TRY,   /* whether entries may be acknowledged */
	ASK_CLAIM, /* what others did not acknowledge, by one command */
	ASK_OWED,  /* or by two, which older versions of Redis know, too: which entries are these */
	ASK_CLAIMED,
	ASK_TAKE,
	ASK_PING,
};

struct bus_line {
	bool opening; /* asked for, and neither open nor lost */
	bool open;
	bool ready;	       /* what it is for has begun */
	uint64_t since_us;     /* it was asked for, or has been ready */
	uint64_t waiting_us;   /* since when the next answer is due */
	uint64_t tried_us;     /* when it may be opened again */
	uint16_t first, count; /* of asks, a ring */
	uint8_t asks[BUS_ASKS_MAX];
};

struct bus {
	const struct bus_settings *settings;
	struct bus_ports ports;
	char *node, *version, *source;
	struct rng rng;
	enum bus_state state;
	const char *reason;	    /* told last; a stable word */
	char detail[BUS_WORDS_MAX]; /* more of it */
	const char *label;	    /* of the URL that it was about; NULL: nothing has been told */
	struct bus_line lines[BUS_LINKS];
	struct bus_refusal refusals[BUS_PARTS];
	uint32_t losses[BUS_LINKS]; /* of the inbox and the channels, in a row */
	size_t url;		    /* in use, or tried last */
	bool idle;		    /* nothing is open; the next try is at retry_us */
	bool left;		    /* for good */
	uint32_t failures;	    /* whole rounds of the URLs, in a row */
	uint64_t retry_us;
	uint64_t ticked_us, beat_us, looked_us;
	struct script script;
	struct strbuf hash; /* of the script, as Redis has told; empty: not known */
	bool by_text;	    /* Redis has forgotten the script */
	uint32_t aheads;    /* looks that were due to an event whose number was taken, in a row */
	struct strbuf text; /* a message being written */
	uint64_t said;	    /* heartbeats so far, for their ids */
	/* The standing that is being looked at. */
	bool looking;
	unsigned int looks;
	struct position look_position;
	uint64_t look_id;
	/* What has been applied: place and event, by a hash of its id; 0: not readable. */
	struct position position;
	uint64_t position_id;
	struct position top;
	struct position newest; /* entry of the log when it was looked at */
	struct position due;	/* the reading that is under way has to come at least so far */
	struct position
		past; /* of what was logged before, up to here may be asked for; seq 0: enough */
	bool past_asked;
	uint64_t known_us;    /* when the log had last been read to its end; 0: never */
	bool refuses_reading; /* with the reason that was told last */
	bool stood_still;     /* while the reading was under way: its answer may be old */
	struct pending *pending;
	uint8_t batches[BUS_BATCHES_MAX]; /* a ring: so many events are in each that is under way */
	uint8_t batch_first, batch_count;
	struct position logged;	 /* the highest place of own events */
	struct span inbox_entry; /* that is being turned into an event; absent: none */
	/* Where the search for what others did not acknowledge goes on. */
	char claim_from[POSITION_TEXT_MAX];
	bool claims_by_hand; /* Redis has no command for it */
	struct peers peers;
	/* Somebody waits for this broker to apply it, the nearest and the farthest such place; not
	 * set: nobody. */
	struct position awaited, awaited_last;
	uint32_t idle_reads;	   /* answers since the last tick that brought nothing new */
	struct position asked_for; /* the others have been asked for it */
	struct bus_stats stats;
};

/* Whether there is room among the commands for what may as well be said later, or never. */
bool bus_has_room(const struct bus *bus);
/* Sends words, whose answer is known as ask. */
void bus_say(struct bus *bus, enum bus_link link, enum bus_ask ask, const struct span *words,
	     size_t count, uint64_t now_us);
/* The state becomes another one, or has another reason. */
void bus_enter(struct bus *bus, enum bus_state state, const char *reason, const char *detail,
	       uint64_t now_us);
/* All connections are given up; the next try comes after a while. */
void bus_restart(struct bus *bus, const char *reason, const char *detail, uint64_t now_us);
/* The same for an error that Redis answered with. */
void bus_restart_for(struct bus *bus, const char *reason, const struct redis_value *error,
		     uint64_t now_us);
/* Something that came is not what it must be. */
void bus_note_odd(struct bus *bus, const char *where, const char *why);
/* A link that the log can do without is closed, and opened again after a while. words: why. */
void bus_leave_out(struct bus *bus, enum bus_link link, struct span words, uint64_t now_us);
/* It does what it is for. */
void bus_line_works(struct bus *bus, enum bus_link link, uint64_t now_us);

/* bus_commands.c: each begins a link that is open and known to Redis, or takes one answer. */
void commands_begin(struct bus *bus, uint64_t now_us);
void commands_answer(struct bus *bus, enum bus_ask ask, const struct redis_value *value,
		     uint64_t now_us);
void commands_look(struct bus *bus, uint64_t now_us);
/* Sends what waits, if it is its turn: at once where nothing is under way; behind that, what fills
 * a command does not wait for the answer, and less does, so that many events cost few commands. */
void commands_pump(struct bus *bus, uint64_t now_us);
void commands_beat(struct bus *bus, uint64_t now_us);
/* A word to the other brokers. */
void commands_talk(struct bus *bus, const char *verb, struct span what, uint64_t now_us);

/* bus_tail.c */
void tail_begin(struct bus *bus, uint64_t now_us);
void tail_answer(struct bus *bus, const struct redis_value *value, uint64_t now_us);
/* Reads on, after it was left until the tick. */
void tail_go_on(struct bus *bus, uint64_t now_us);
/* This event is the latest that is known; what lies before it may be missing. */
void tail_adopt(struct bus *bus, const char *why, struct position at, struct span event,
		uint64_t now_us);
/* What an event is known by when it is met again; 0: it cannot be read. */
uint64_t tail_id(struct span event);

/* The one thing in an entry; absent: it is none. */
struct span tail_event(const struct redis_value *entry);

/* bus_past.c: what was logged before this broker came, the latest first, for those who come back
 * with a place there. */
void past_begin(struct bus *bus, uint64_t now_us);
void past_answer(struct bus *bus, const struct redis_value *value, uint64_t now_us);

/* bus_inbox.c */
void inbox_begin(struct bus *bus, uint64_t now_us);
void inbox_answer(struct bus *bus, enum bus_ask ask, const struct redis_value *value,
		  uint64_t now_us);
/* Reads on, after it was left for a while. */
void inbox_go_on(struct bus *bus, uint64_t now_us);

/* bus_hearing.c */
void hearing_begin(struct bus *bus, uint64_t now_us);
/* True: it answers what was asked longest ago; false: it came by itself. */
bool hearing_answer(struct bus *bus, const struct redis_value *value, uint64_t now_us);
void hearing_ping(struct bus *bus, uint64_t now_us);
void hearing_refused(struct bus *bus, const struct redis_value *error, uint64_t now_us);

#endif
