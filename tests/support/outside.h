/* tests/support/outside.h: the whole world outside of one engine: a clock that only moves when it
 * is told to, and peers instead of sockets. It keeps the rules of ports.h from its side and notes
 * the first breach by the engine. */
#ifndef WSB_TESTS_SUPPORT_OUTSIDE_H
#define WSB_TESTS_SUPPORT_OUTSIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "broker/engine/engine.h"
#include "broker/engine/state.h"
#include "common/list.h"
#include "common/rng.h"
#include "common/strbuf.h"
#include "tests/support/stream.h"

struct peer;

struct outside {
	struct ports ports;
	struct engine *engine;
	struct log log;
	uint64_t now_us;
	struct list peers; /* those that the engine knows, in the order they came */
	struct list gone;  /* and those that have ended */
	struct rng rng;	   /* of the masks */
	uint64_t peer_count;
	uint64_t look_up;   /* the latest one that the engine began; 0: none */
	const char *breach; /* of the ports' rules; NULL: none */
	/* Told of each dial, of each end that the engine asks for and of each post's answer. */
	void (*on_change)(void *context, struct peer *peer);
	void *context;
};

enum peer_kind { PEER_CLIENT, PEER_POST, PEER_UPSTREAM, PEER_TUNNEL };

enum peer_state {
	PEER_DIALING, /* an upstream that the engine wants */
	PEER_OPEN,
	PEER_CLOSING, /* the engine has asked for a polite end */
	PEER_ABORTED, /* ... or for a sudden one; also of a dial */
	PEER_ENDED,   /* the engine has been told; nothing of it is left there */
};

struct peer {
	struct list_node link;
	struct outside *outside;
	uint64_t number; /* 1, 2, ... in the order they came */
	enum peer_kind kind;
	enum peer_state state;
	struct session *session;	/* of a client, post or tunnel */
	const struct endpoint *dialled; /* of a tunnel, while its dial is under way */
	uint64_t dial_until_us;
	struct connection *connection; /* of an upstream */
	bool wants_write;
	bool paused;
	uint16_t close_code;
	char close_reason[128];
	struct stream stream; /* what it received */
	uint64_t pings;	      /* received and not answered */
	/* A post's answer. */
	int status; /* 0: none yet */
	uint32_t retry_after_s;
	enum encoding encoding;
	struct strbuf body;
	void *actor; /* the owner's */
};

/* config and whoever is told of lines must outlive it. */
void outside_init(struct outside *outside, uint64_t seed);
enum wsb_err outside_begin(struct outside *outside, const struct config *config,
			   uint64_t seed) WSB_CHECKED;
/* Ends every peer that is left. */
void outside_hang_up(struct outside *outside);
/* The same, and ends the engine; what the peers received stays readable until fini.
 */
void outside_end(struct outside *outside);
void outside_fini(struct outside *outside);

/* Moves the clock and ticks. */
void outside_tick(struct outside *outside, uint64_t now_us);

/* Asks to be let in as the first listener's usual guest; returns the status of the verdict. */
int outside_knock(struct outside *outside, bool upgrade, struct admittance *out);
int outside_knock_at(struct outside *outside, size_t listener, bool upgrade,
		     struct admittance *out);

/* A client that has been let in as this; NULL: the engine would not have it. */
struct peer *outside_client(struct outside *outside, size_t listener,
			    const struct admittance *admittance);
/* One POST. Look at status for the answer. */
struct peer *outside_post(struct outside *outside, size_t listener,
			  const struct admittance *admittance, enum encoding encoding,
			  struct span body);

/* A client of a session listener that has been let in as this; refused when status is set. */
struct peer *outside_tunnel(struct outside *outside, size_t listener,
			    const struct admittance *admittance);
/* What became of its dial. */
void tunnel_fails(struct peer *peer, const char *cause);
void tunnel_opens(struct peer *peer);
void tunnel_declines(struct peer *peer, unsigned int status);

/* The dial has succeeded. */
void peer_open(struct peer *peer);
/* Gives the engine a piece of a message, if the peer may still be heard. */
void peer_piece(struct peer *peer, bool binary, struct span piece, bool ends_frame,
		bool ends_message);
void peer_say(struct peer *peer, bool binary, struct span message);
void peer_pong(struct peer *peer);
/* The socket is gone, or the dial has failed; in a polite end its code and reason are not asked
 * for. */
void peer_end(struct peer *peer, const char *cause, uint16_t code, struct span reason);

/* Where the engine puts what this peer shall get. NULL once it has ended, and for posts and dials.
 */
struct outbox *peer_outbox(const struct peer *peer);
/* Reads up to max bytes from its socket; true when something is left. */
bool peer_take(struct peer *peer, size_t max);
/* Whether the end that the engine asked for has nothing left to wait for. */
bool peer_has_got_all(const struct peer *peer);
/* The next message in what it has read; pings are counted, a close frame ends it. */
bool peer_next(struct peer *peer, struct frame *frame);

#endif
