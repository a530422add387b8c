/* broker/engine/engine.h: the coordinator. Every event enters here; nothing else of the engine is
 * called from outside. Pure: sockets, clock and chance are handed in.
 *
 * now_us is monotonic and read once, when the event enters. */
#ifndef WSB_BROKER_ENGINE_ENGINE_H
#define WSB_BROKER_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "broker/control/cache_view.h"
#include "broker/control/config.h"
#include "broker/control/history.h"
#include "broker/control/snapshot.h"
#include "broker/engine/ports.h"
#include "broker/session/session.h"
#include "common/err.h"
#include "common/log.h"

struct engine;
struct journal;

/* Holds config; borrows ports and log. Dials nothing before the first engine_tick. */
enum wsb_err engine_create(struct engine **out, const struct config *config,
			   const struct ports *ports, struct log *log, uint64_t seed,
			   uint64_t now_us) WSB_CHECKED;
/* Every transport must have ended. NULL is allowed. */
void engine_destroy(struct engine *engine);

/* Call every 10 ms or so: deadlines, pings, pool upkeep, dials, drain. */
void engine_tick(struct engine *engine, uint64_t now_us);

/* What a listener has read of an HTTP request before anything is decided. Absent spans: no such
 * header. */
struct admission {
	size_t listener;       /* index in config->listeners */
	bool upgrade;	       /* asks for a WebSocket; else a plain HTTP request */
	struct span method;    /* "GET" */
	struct span path;      /* without the query */
	struct span query;     /* without the question mark */
	struct span version;   /* Sec-WebSocket-Version */
	struct span key;       /* Sec-WebSocket-Key */
	struct span protocols; /* Sec-WebSocket-Protocol */
	struct span origin;
	struct span authorization;
	uint64_t content_length; /* of a plain request; 0 when unknown */
	uint64_t wall_us;	 /* Unix time: tokens are dated by it */
	size_t opening;		 /* let in before, and not opened yet: a herd comes in one turn */
	/* SHA-256 of a credential, for tokens of which only the hash is known. */
	void (*sha256)(struct span secret, uint8_t digest[32]);
	jwt_verify *verify; /* the arithmetic of signatures */
};

/* The verdict. status 101 (upgrade) or 200 (plain): come in, the rest tells as whom. Else refuse
 * with this status, an application/problem+json body made of title and detail, and Retry-After
 * unless 0; 405 with Allow: GET, POST; 426 with Sec-WebSocket-Version: 13. */
struct admittance {
	int status;
	const char *title;
	char detail[160];
	uint32_t retry_after_s;
	enum refusal_kind refusal;
	uint64_t tell; /* so many were refused like this since it was told: to be logged now; 0: not
			*/
	const char *subprotocol; /* the chosen one; NULL: none */
	const char *identity;	 /* name or subject of the token; NULL: anonymous. Valid until the
				    engine is entered again: whoever keeps it keeps a copy */
	uint64_t holds_us;	 /* how long the credential holds; 0: for ever */
	enum token_role role;
	bool tunnel;   /* its bytes are carried untouched: engine_tunnel_begin is next */
	char peer[64]; /* address of the peer; "" when it has none. Set by io */
};
void engine_admit(struct engine *engine, const struct admission *admission, struct admittance *out);

/* A client's WebSocket is open. NULL: no memory; drop the socket. transport is io's handle. */
struct session *engine_client_opened(struct engine *engine, size_t listener,
				     const struct admittance *admittance, void *transport,
				     uint64_t now_us);

/* A piece of a message: all of a frame, or a part of it. frame_left: bytes of the frame that are
 * still to come, as its header declares; ends_message: none are, and it is the last frame of its
 * message. binary: of the message. piece is valid during the call. */
void engine_client_data(struct engine *engine, struct session *session, bool binary,
			struct span piece, uint64_t frame_left, bool ends_message, uint64_t now_us);
void engine_client_pong(struct engine *engine, struct session *session, uint64_t now_us);
/* The socket is gone. code: from the peer's close frame, 0 when there was none. The session ends
 * with this. */
void engine_client_closed(struct engine *engine, struct session *session, uint16_t code,
			  struct span reason, uint64_t now_us);

/* A client of a session listener (admittance->tunnel): its upstream connection is dialled first.
 * NULL: it has been refused through ports.tunnel_refuse. */
struct session *engine_tunnel_begin(struct engine *engine, size_t listener,
				    const struct admittance *admittance, void *transport,
				    uint64_t now_us);
/* What became of the dial. failed: cause as of engine_connection_closed, or "asked"; the next
 * endpoint is tried, or the client refused, before this returns. opened: the upstream has granted
 * the upgrade, and its answer goes to the client. declined: it has answered otherwise; that is
 * passed on, and engine_tunnel_closed follows. */
void engine_tunnel_failed(struct engine *engine, struct session *session, const char *cause,
			  const char *text, uint64_t now_us);
void engine_tunnel_opened(struct engine *engine, struct session *session, uint64_t now_us);
void engine_tunnel_declined(struct engine *engine, struct session *session, unsigned int status,
			    uint64_t now_us);
/* How many bytes are held to make a message readable of which only a part has come. */
void engine_client_inflates(struct engine *engine, struct session *session, size_t bytes);
/* Bytes have been carried to the other side; and how many are held in memory by now, which counts
 * towards limits.memory. */
void engine_tunnel_moved(struct engine *engine, struct session *session, enum wire_side from,
			 size_t bytes, uint64_t now_us);
void engine_tunnel_holds(struct engine *engine, struct session *session, size_t bytes);
/* Both sockets are gone, or the client is while its upstream was being dialled: the session ends
 * with this. */
struct tunnel_end {
	enum wire_side side; /* who closed first */
	uint16_t code;	     /* in its close frame; 0: there was none */
};
void engine_tunnel_closed(struct engine *engine, struct session *session,
			  const struct tunnel_end *end, uint64_t now_us);

/* One HTTP POST with its whole body. The answer comes through ports.http_respond, perhaps before
 * this returns; when the peer goes away earlier, engine_client_closed is called with what this
 * returned. NULL: it has been answered already. */
struct session *engine_http_request(struct engine *engine, size_t listener,
				    const struct admittance *admittance, enum encoding encoding,
				    struct span body, void *transport, uint64_t now_us);

/* An upstream WebSocket is open: the 101 has been seen and checked. */
void engine_connection_opened(struct engine *engine, struct connection *connection, void *transport,
			      uint64_t now_us);
void engine_connection_data(struct engine *engine, struct connection *connection, bool binary,
			    struct span piece, uint64_t frame_left, bool ends_message,
			    uint64_t now_us);
void engine_connection_pong(struct engine *engine, struct connection *connection, uint64_t now_us);
/* The dial failed or the socket is gone. cause is a stable word: dns, connect, tls, upgrade,
 * answered (with another status than 101, in a pool of tunnels), protocol, eof, closed (code and
 * reason are the peer's then), asked (after close or abort). */
void engine_connection_closed(struct engine *engine, struct connection *connection,
			      const char *cause, uint16_t code, struct span reason,
			      uint64_t now_us);

/* A look-up that ports.resolve began: its addresses, or none and why. */
void engine_resolved(struct engine *engine, uint64_t look_up, const char *const *addresses,
		     size_t count, const char *error, uint64_t now_us);

/* What became of a connection to Redis that ports.bus_open began; see broker/journal/bus.h. Nothing
 * comes of one after ports.bus_close. turn: at the end of each turn of the loop. leave: it is the
 * last time; those that are open are closed. */
void engine_bus_turn(struct engine *engine, uint64_t now_us);
void engine_bus_opened(struct engine *engine, enum bus_link link, uint64_t now_us);
void engine_bus_replied(struct engine *engine, enum bus_link link, const struct redis_value *value,
			uint64_t now_us);
void engine_bus_lost(struct engine *engine, enum bus_link link, const char *cause, const char *text,
		     uint64_t now_us);
void engine_bus_leave(struct engine *engine, uint64_t now_us);

/* SIGTERM: stop taking clients, finish what is in flight, say good-bye. */
void engine_drain(struct engine *engine, uint64_t now_us);
/* Whether listeners shall be closed by now (drain.delay has passed). */
bool engine_listeners_closed(const struct engine *engine, uint64_t now_us);
/* Whether nothing is left to do: no client, or drain.timeout has passed. */
bool engine_is_drained(const struct engine *engine, uint64_t now_us);

/* A picture for admin; valid until the engine is entered again. snapshot_fini frees its arrays. */
enum wsb_err engine_snapshot(struct engine *engine, enum snapshot_extent extent, uint64_t now_us,
			     struct snapshot *out) WSB_CHECKED;

/* Some entries of the cache; the caller finishes *out. */
enum wsb_err engine_cache_page(struct engine *engine, const struct cache_query *query,
			       uint64_t now_us, struct cache_page *out) WSB_CHECKED;

/* All events of the instance; lives as long as the engine. */
const struct history *engine_history(const struct engine *engine);

/* The name of the endpoint that joined the pool last; "" when there is no such pool. */
const char *engine_newest_endpoint(const struct engine *engine, const char *pool);

/* The invalidations of late; lives as long as the engine. */
const struct journal *engine_journal(const struct engine *engine);

/* Appends a resync in JSON, for somebody outside who follows them and may have missed some. Its
 * position is the end of the log: what comes after it is whole again. WSB_ENOMEM. */
enum wsb_err engine_missed(struct engine *engine, struct strbuf *out) WSB_CHECKED;

/* Adds something that happened outside of the engine to its history. */
void engine_record(struct engine *engine, const struct history_event *event);

/* How late the latest tick came, told by whoever runs the loop. */
void engine_note_lag(struct engine *engine, uint64_t lag_us);

#endif
