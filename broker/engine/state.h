/* broker/engine/state.h: the parts that one instance owns, and what the engine's files ask of each
 * other. Nothing outside broker/engine includes this but the simulator, which checks it. */
#ifndef WSB_BROKER_ENGINE_STATE_H
#define WSB_BROKER_ENGINE_STATE_H

#include "broker/engine/engine.h"
#include "broker/exchange/exchange.h"
#include "broker/exchange/fairqueue.h"
#include "broker/exchange/retry.h"
#include "broker/pool/pool.h"
#include "broker/route/route.h"
#include "common/clock.h"
#include "common/strbuf.h"
#include "common/timerq.h"
#include "common/wsframe.h"
#include "proto/transcode.h"
#include "proto/reply.h"
#include "proto/envelope.h"

/* A pool with what waits for it and what is counted of it. */
struct lane {
	struct pool *pool;
	uint32_t index;
	struct fairqueue queue;
	struct fairparty orphans; /* what waits without a client: moved notifications */
	struct retry_budget retries;
	struct traffic_stats traffic;
};

#define MASK_POOL_BYTES 4096

/* Pings carry a few bytes: libwebsockets 4.1.6 does not report a pong without any. */
#define PING_PAYLOAD span_of("wsb", 3)

struct engine {
	const struct config *config;
	const struct ports *ports;
	struct log *log;
	struct envelope *envelope;
	struct route_table *routes;
	struct rng rng;
	struct outbox_pool client_outboxes;
	struct outbox_pool connection_outboxes;
	struct session_lists sessions;
	struct list pings; /* open WebSocket sessions, the one to look at next first */
	struct exchange_slab exchanges;
	struct timerq timers;
	struct lane *lanes;
	size_t lane_count;
	uint64_t next_connection_id;
	struct engine_stats stats;
	uint8_t masks[MASK_POOL_BYTES]; /* unpredictable, used once each */
	size_t mask_at;
	struct strbuf scratch;	/* a message being put together or transcoded */
	struct strbuf scratch2; /* and what is made of it */
	struct strbuf story;	/* what `explain` tells */
	struct strbuf body;	/* an HTTP answer */
	struct strbuf joined;	/* a batch's answers */
	uint64_t started_us;
	uint64_t ticked_us;
	bool upstreams_paused; /* buffers exceed limits.memory */
	bool draining;
	uint64_t drain_at_us;
	size_t drain_clients; /* open when it began */
	size_t drain_closed;  /* of these, told to go */
	bool drain_expired;   /* drain.timeout has passed */
	bool goodbye; /* upstream connections are being closed; nothing is dialled any more */
	uint64_t goodbye_at_us;
};

/* Whoever asked, as far as an answer needs to know. */
struct caller {
	struct session *session; /* NULL: gone; the answer is dropped */
	struct batch *batch;
	uint32_t batch_slot;
	bool jsonrpc;
	bool wants_answer;
	enum encoding encoding;
	struct span id; /* token; absent when it had none */
};

static inline struct lane *engine_lane_of(struct engine *engine, const struct exchange *exchange)
{
	return &engine->lanes[exchange->lane];
}

/* What limits.memory counts. */
uint64_t engine_buffer_bytes(const struct engine *engine);

struct lane *engine_lane_of_pool(struct engine *engine, const struct pool *pool);

/* dispatch.c: down */
void dispatch_message(struct engine *engine, struct session *session, struct span payload,
		      bool binary, uint64_t now_us);
void dispatch_request(struct engine *engine, struct session *session, struct message *message,
		      struct batch *batch, uint32_t slot, uint64_t now_us);
/* To a connection, or into the queue, or settled with an error. `again`: it had been sent before
 * and goes ahead of its client's others. */
void dispatch_exchange(struct engine *engine, struct exchange *exchange, bool again,
		       uint64_t now_us);
/* Sends on this leased connection. False: it could not be, the lease has been returned and the
 * exchange settled. */
bool dispatch_send(struct engine *engine, struct exchange *exchange, struct connection *connection,
		   uint64_t now_us);
enum lease_verdict dispatch_lease(struct lane *lane, const struct exchange *exchange,
				  uint64_t now_us, struct connection **out);
/* Serves who waits for as long as there is room. */
void dispatch_pump(struct engine *engine, struct lane *lane, uint64_t now_us);

/* builtin.c: the methods that the broker answers itself */
void builtin_call(struct engine *engine, const struct caller *caller, struct span method,
		  uint64_t now_us);

/* deliver.c: up */
void deliver_message(struct engine *engine, struct connection *connection, struct span payload,
		     bool binary, uint64_t now_us);

/* failover.c: what becomes of requests whose attempt has failed */
void failover_connection(struct engine *engine, struct connection *connection, uint64_t now_us);
void failover_timer(struct engine *engine, struct exchange *exchange, uint64_t now_us);

/* settle.c: one answer for everybody, once. Each of the first three ends the exchange. */
void settle_answer(struct engine *engine, struct exchange *exchange, struct message *answer,
		   const struct connection *connection, uint64_t upstream_us, uint64_t now_us);
/* limit: the configuration key that was hit; NULL: none. */
void settle_error(struct engine *engine, struct exchange *exchange, enum request_result result,
		  const char *reason, const char *limit, uint64_t now_us);
/* Nobody waits for it any more. result RESULT_COUNT is not counted. */
void settle_silently(struct engine *engine, struct exchange *exchange, enum request_result result,
		     uint64_t now_us);
/* Answers a request that never became an exchange. lane NULL: it reached no pool. */
void settle_refuse(struct engine *engine, const struct caller *caller, struct lane *lane,
		   enum request_result result, const char *reason, const char *text,
		   const char *limit);
void settle_result(struct engine *engine, const struct caller *caller, struct span result);
void settle_respond(struct engine *engine, const struct caller *caller,
		    const struct route_settings *route, bool explain);
void settle_drop(struct engine *engine, const struct caller *caller);
/* Takes an attempt off its connection and gives the lease back. latency_us 0: no answer came. */
void settle_attempt(struct attempt *attempt, uint64_t latency_us, uint64_t now_us);

/* explain.c: the broker's own JSON about a request */
void explain_write(struct strbuf *out, const struct lane *lane, const struct exchange *exchange,
		   const struct connection *connection, uint64_t upstream_us, const char *reason);
void explain_error_data(struct strbuf *out, const char *reason, bool retryable,
			const struct lane *lane, const struct connection *connection,
			const char *limit);

/* unreadable.c: messages that nobody can use */
void unreadable_answer(struct engine *engine, struct session *session, bool binary,
		       enum encoding encoding, struct span payload);
/* Logs the first one of a client with what it looks like and the envelope that would fit. */
void unreadable_note(struct engine *engine, struct session *session, enum encoding encoding,
		     struct span payload);

/* batch.c: the members of an array, answered together */
void batch_accept(struct engine *engine, struct session *session, struct message *message,
		  uint64_t now_us);
/* count 0: this member gets no answer. */
void batch_answer(struct engine *engine, struct batch *batch, uint32_t slot,
		  const struct span *pieces, size_t count);

/* client.c: what goes out to a client */
void client_send(struct engine *engine, struct session *session, enum encoding encoding,
		 const struct span *pieces, size_t count);
void client_send_status(struct engine *engine, struct session *session, int status,
			uint32_t retry_after_s, enum encoding encoding, struct span body);
void client_close(struct engine *engine, struct session *session, uint16_t code,
		  const char *reason);
void client_request_ended(struct engine *engine, struct session *session, uint64_t now_us);
struct fairparty *client_party(struct engine *engine, struct session *session, uint32_t lane);
void client_forget_requests(struct engine *engine, struct session *session, uint64_t now_us);

/* link.c: what goes out to an upstream */
const uint8_t *link_mask(struct engine *engine);
void link_close(struct engine *engine, struct connection *connection, uint16_t code,
		const char *reason);
/* Gives it up without a word; its requests stay until its end is reported. */
void link_abort(struct engine *engine, struct connection *connection, const char *reason,
		uint64_t now_us);
void link_ping(struct engine *engine, struct connection *connection, uint64_t now_us);
void link_warm(struct engine *engine, struct connection *connection, uint64_t now_us);

/* upkeep.c: the end of each event that enters the engine */
void engine_leave(struct engine *engine, uint64_t now_us);

/* drain.c */
void drain_step(struct engine *engine, uint64_t now_us);

#endif
