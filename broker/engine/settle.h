/* broker/engine/settle.h: one answer for whoever waits, once. */
#ifndef WSB_BROKER_ENGINE_SETTLE_H
#define WSB_BROKER_ENGINE_SETTLE_H

#include "broker/engine/explain.h"
#include "broker/engine/state.h"

/* Whoever asked, as far as an answer needs to know. */
struct caller {
	struct session *session; /* NULL: gone; the answer is dropped */
	struct batch *batch;
	uint32_t batch_slot;
	bool jsonrpc;
	bool wants_answer;
	enum encoding encoding;
	struct span id;	    /* token; absent when it had none */
	struct span method; /* absent when it is not known */
};

/* Each of the first three ends the exchange. */
void settle_answer(struct engine *engine, struct exchange *exchange, struct message *answer,
		   const struct connection *connection, uint64_t upstream_us, uint64_t now_us);
/* limit: the configuration key that was hit; NULL: none. */
void settle_error(struct engine *engine, struct exchange *exchange, enum request_result result,
		  const char *reason, const char *limit, uint64_t now_us) WSB_RARE;
/* Nobody waits for it any more. result RESULT_COUNT is not counted. */
void settle_silently(struct engine *engine, struct exchange *exchange, enum request_result result,
		     uint64_t now_us);
/* Its client has gone, or it never had one. */
void settle_unheard(struct engine *engine, struct exchange *exchange, uint64_t now_us);
/* Answers a request that never became an exchange. lane NULL: it reached no pool. */
void settle_refuse(struct engine *engine, const struct caller *caller, struct lane *lane,
		   enum request_result result, const char *reason, const char *text,
		   const char *limit) WSB_RARE;
/* Answers out of the cache a request that never became an exchange. Says why when asked to. */
void settle_hit(struct engine *engine, const struct caller *caller, struct lane *lane,
		const struct cache_value *value, const struct explanation *why, bool explain);
/* Ends the exchange with what the cache holds, or another's answer: result is CACHED, OK or ERROR.
 */
void settle_shared(struct engine *engine, struct exchange *exchange,
		   const struct cache_value *value, enum request_result result,
		   const struct explanation *why, uint64_t now_us);
void settle_result(struct engine *engine, const struct caller *caller, struct span result);
void settle_respond(struct engine *engine, const struct caller *caller,
		    const struct route_settings *route, bool explain);
void settle_drop(struct engine *engine, const struct caller *caller);
/* Takes an attempt off its connection and gives the lease back. latency_us 0: no answer came. */
void settle_attempt(struct attempt *attempt, uint64_t latency_us, uint64_t now_us);

#endif
