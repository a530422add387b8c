/* broker/engine/publish.h: subscriptions, as clients see them: they ask, get ids of their own, hear
 * events and truths about gaps, and leave. */
#ifndef WSB_BROKER_ENGINE_PUBLISH_H
#define WSB_BROKER_ENGINE_PUBLISH_H

#include "broker/engine/settle.h"
#include "broker/engine/state.h"

enum wsb_err publish_init(struct engine *engine) WSB_CHECKED;
void publish_fini(struct engine *engine);
/* The end of an event: what has ended is freed. */
void publish_reap(struct engine *engine);

/* Whether this caller may subscribe at all; it has been answered if not. */
bool publish_admits(struct engine *engine, const struct caller *caller,
		    const struct route_settings *route);
/* A client's request to subscribe: answered at once where others have the same already, else with
 * the upstream's answer. */
void publish_subscribe(struct engine *engine, struct exchange *exchange,
		       const struct message *message, uint64_t now_us);
/* Ends a subscription of the caller's when the method is that of such a request. False: it is not.
 */
bool publish_unsubscribe(struct engine *engine, const struct caller *caller,
			 const struct message *message, uint64_t now_us);

/* The request that waited has ended without the answer it waited for. */
void publish_waiter_ended(struct engine *engine, struct exchange *exchange, uint64_t now_us);
/* The batch has been sent: events may follow. */
void publish_batch_sent(struct engine *engine, struct session *session, const struct batch *batch);
/* What waits for a batch's answer waits there when its member goes before. */
void publish_leave_behind(const struct member *member);
void publish_client_gone(struct engine *engine, struct session *session, uint64_t now_us);

/* The first answer is known (subscription->answer): all who wait for it get it. */
void publish_answer_all(struct engine *engine, struct subscription *subscription,
			const struct connection *connection, uint64_t upstream_us, uint64_t now_us);
/* It has been refused: so they are told. */
void publish_refuse_all(struct engine *engine, struct subscription *subscription,
			const struct message *answer, const struct connection *connection,
			uint64_t upstream_us, uint64_t now_us);
/* It could not be had. */
void publish_fail_all(struct engine *engine, struct subscription *subscription,
		      enum request_result result, const char *reason, const char *limit,
		      uint64_t now_us);

/* Why events may be missing. */
struct gap {
	enum gap_reason reason;
	uint64_t dark_us;
	bool none;  /* provably nothing is missing */
	bool ended; /* and none will come any more */
};
/* Tells one member, or all (NULL). */
void publish_gap(struct engine *engine, struct subscription *subscription, struct member *member,
		 const struct gap *gap);

/* An upstream's message that answers nothing. False: it is nobody's event. */
bool publish_event(struct engine *engine, struct connection *connection,
		   const struct message *message, uint64_t now_us);
/* Events that came before this feed was known are handed on now. */
void publish_held(struct engine *engine, struct feed *feed, uint64_t now_us);
/* What waited for the two ways of a subscription that moves to meet is handed on. */
void publish_waiting(struct engine *engine, struct subscription *subscription);
/* Those of the connection that nothing is asked for any more go; all of them, when it goes. */
void publish_drop_held(struct engine *engine, const struct connection *connection, bool all);

#endif
