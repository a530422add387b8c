#include "broker/engine/deliver.h"

#include "broker/engine/cached.h"
#include "broker/engine/doubts.h"
#include "broker/engine/failover.h"
#include "broker/engine/feeds.h"
#include "broker/engine/hedge.h"
#include "broker/engine/invalidate_rule.h"
#include "broker/engine/link.h"
#include "broker/engine/probing.h"
#include "broker/engine/publish.h"
#include "broker/engine/pushes.h"
#include "broker/engine/settle.h"
#include "broker/pool/health.h"
#include "broker/pool/listed_error.h"

/* A message that goes to nobody: counted, and told at a limited rate. It never harms the
 * connection, which many clients share. */
static WSB_RARE void deliver_oddity(struct engine *engine, const struct connection *connection,
				    enum oddity oddity)
{
	engine->stats.oddities[oddity]++;
	log_event(engine->log, LOG_DEBUG, "upstream.oddity",
		  log_text("reason", oddity_name(oddity)),
		  log_text("pool", connection->pool->settings->name),
		  log_text("endpoint", connection->endpoint->settings->name),
		  log_number("connection", connection->id));
}

static WSB_RARE void deliver_unreadable(struct engine *engine, const struct connection *connection,
					struct span payload)
{
	engine->stats.oddities[ODD_UNREADABLE]++;
	log_event(engine->log, LOG_WARN, "upstream.unreadable",
		  log_text("pool", connection->pool->settings->name),
		  log_text("endpoint", connection->endpoint->settings->name),
		  log_number("connection", connection->id), log_number("bytes", payload.len));
}

/* Answers that come while the greeting waits may be for it. True: it was. */
static bool deliver_greeting(struct engine *engine, struct connection *connection,
			     const struct message *message, uint64_t now_us)
{
	if (!greeting_waits(&connection->greeting) || connection->doom)
		return false;
	switch (greeting_feed(&connection->greeting, message->encoding, message->text)) {
	case GREETING_SEND:
	case GREETING_DONE:
		if (connection->state == CONNECTION_WARMING)
			link_warm(engine, connection, now_us);
		else
			link_call_on(engine, connection, now_us);
		return true;
	case GREETING_REJECTED:
		link_abort(engine, connection, "greeting", now_us);
		return true;
	default:
		return false;
	}
}

static WSB_RARE void deliver_late(struct engine *engine, struct connection *connection, uint64_t id,
				  const struct message *message, uint64_t now_us)
{
	doubts_answered(engine, connection, id, message, now_us);
	health_heard(connection->endpoint);
	deliver_oddity(engine, connection, ODD_LATE);
}

/* What answers nothing: an event of a subscription, or a push. False: neither. */
static bool deliver_unasked(struct engine *engine, struct connection *connection,
			    const struct message *message, uint64_t now_us)
{
	return publish_event(engine, connection, message, now_us) ||
	       pushes_take(engine, connection, message, now_us);
}

/* An id that nobody waits for is the upstream's own, or a null where others write none: what has a
 * name and is no error is taken as if it had no id. One in our form may have been ours, of a probe
 * that was given up: then it must be plain that it is no answer, as JSON-RPC makes it. */
static WSB_RARE void deliver_foreign(struct engine *engine, struct connection *connection,
				     struct message *message, bool in_our_form, uint64_t now_us)
{
	bool may_answer = in_our_form && (message->result.at || !message->jsonrpc);

	if (message->method.at && !message->failed && !may_answer) {
		message->id = span_of(NULL, 0);
		if (deliver_unasked(engine, connection, message, now_us))
			return;
	}
	deliver_oddity(engine, connection,
		       message->id_is_null && message->failed ? ODD_ORPHAN_ERROR : ODD_UNKNOWN_ID);
}

/* The attempt that this message answers; NULL: none, and it has been dealt with. */
static struct attempt *deliver_match(struct engine *engine, struct connection *connection,
				     struct message *message, uint64_t now_us)
{
	struct exchange *exchange;
	struct attempt *attempt;
	uint64_t id;

	if (!own_id_read(envelope_id_form(engine->envelope), message->encoding, message->id, &id)) {
		deliver_foreign(engine, connection, message, false, now_us);
		return NULL;
	}
	switch (exchange_find(&engine->exchanges, id, &exchange)) {
	case EXCHANGE_IS_LIVE:
		attempt = exchange_attempt_on(exchange, connection);
		if (!attempt)
			deliver_late(engine, connection, id, message, now_us);
		return attempt;
	case EXCHANGE_HAS_ENDED:
		/* Some events carry the id of the request that subscribed to them. */
		if (!publish_event(engine, connection, message, now_us))
			deliver_late(engine, connection, id, message, now_us);
		return NULL;
	default:
		if (!probing_answered(engine, connection, id, message, now_us))
			deliver_foreign(engine, connection, message, true, now_us);
		return NULL;
	}
}

/* An answer speaks for its endpoint, unless it is an error that counts as a failure. True: it was,
 * and the request goes on elsewhere. */
static bool deliver_judge(struct engine *engine, struct attempt *attempt,
			  const struct message *message, uint64_t upstream_us, uint64_t now_us)
{
	struct endpoint *endpoint = attempt->connection->endpoint;

	if (!message->failed || !error_is_listed(&endpoint->pool->settings->ejection, message)) {
		health_good(endpoint, upstream_us, now_us);
		return false;
	}
	health_heard(endpoint);
	health_bad(endpoint, FAILURE_ERROR, upstream_us, now_us);
	return failover_refused(engine, attempt, now_us);
}

/* Whether the hedge was worth it, and how long the request would have taken without. */
static void deliver_hedged(struct engine *engine, struct exchange *exchange, bool won,
			   uint64_t upstream_us, uint64_t now_us)
{
	hedge_answered(engine, exchange,
		       exchange->hedged ? now_us - exchange->hedge_from_us : upstream_us);
	if (!won)
		return;
	exchange->lane->traffic.hedges_won++;
	exchange->hedged = false;
}

/* Answers mostly come in the order of the requests: what the next ones will need is asked for now,
 * a request, then the session that it names, then the socket that this does. */
static void deliver_foresee(const struct connection *connection)
{
	const struct list_node *const end = &connection->attempts.head;
	const struct list_node *node = end->next;
	const struct session *session;

	if (node == end)
		return;
	session = list_entry(node, struct attempt, link)->exchange->session;
	if (session)
		cacheline_foresee(session->transport, 2 * CACHE_LINE);
	node = node->next;
	if (node == end)
		return;
	session = list_entry(node, struct attempt, link)->exchange->session;
	if (session)
		session_foresee(session);
	exchange_foresee(list_entry(node->next, struct attempt, link));
}

static void deliver_one(struct engine *engine, struct connection *connection,
			struct message *message, uint64_t now_us)
{
	struct attempt *attempt;
	struct exchange *exchange;
	uint64_t upstream_us;

	if (deliver_greeting(engine, connection, message, now_us))
		return;
	if (!message->id.at) {
		if (!deliver_unasked(engine, connection, message, now_us))
			deliver_oddity(engine, connection, ODD_PUSH);
		return;
	}
	attempt = deliver_match(engine, connection, message, now_us);
	if (!attempt)
		return;
	exchange = attempt->exchange;
	upstream_us = now_us - attempt->sent_us;
	histogram_record(&exchange->lane->traffic.attempt, upstream_us);
	if (deliver_judge(engine, attempt, message, upstream_us, now_us))
		return;
	if (exchange->route->hedge)
		deliver_hedged(engine, exchange, attempt->hedge, upstream_us, now_us);
	settle_attempt(attempt, upstream_us > 0 ? upstream_us : 1, now_us);
	failover_blame_late(engine, exchange, now_us);
	invalidate_by_write(engine, exchange, message, now_us);
	if (exchange->feed)
		feeds_answer(engine, exchange, message, connection, upstream_us, now_us);
	else if (!exchange->flight ||
		 !cached_brought(engine, exchange, message, connection, upstream_us, now_us))
		settle_answer(engine, exchange, message, connection, upstream_us, now_us);
	deliver_foresee(connection);
}

/* We never send batches up, so an array is a server's own idea: its members count one by one. */
static void deliver_batch(struct engine *engine, struct connection *connection,
			  const struct message *batch, uint64_t now_us)
{
	struct batch_walk walk;
	struct span member;
	struct message message;

	batch_begin(&walk, batch);
	while (batch_next(&walk, &member)) {
		if (envelope_scan(engine->envelope, FROM_UPSTREAM, batch->encoding, member,
				  &message) == WSB_OK &&
		    message.flaw == FLAW_NONE && !message.batch)
			deliver_one(engine, connection, &message, now_us);
		else
			deliver_oddity(engine, connection, ODD_UNREADABLE);
	}
}

void deliver_message(struct engine *engine, struct connection *connection, struct span payload,
		     bool binary, uint64_t now_us)
{
	struct message message;

	engine->stats.messages_in[SIDE_UPSTREAM]++;
	if (envelope_scan(engine->envelope, FROM_UPSTREAM, encoding_of_frame(binary, payload),
			  payload, &message) ||
	    message.flaw == FLAW_NOT_AN_OBJECT || message.flaw == FLAW_DUPLICATE) {
		deliver_unreadable(engine, connection, payload);
		return;
	}
	if (message.batch)
		deliver_batch(engine, connection, &message, now_us);
	else if (message.flaw == FLAW_ID_TYPE)
		deliver_oddity(engine, connection, ODD_UNKNOWN_ID);
	else
		deliver_one(engine, connection, &message, now_us);
}
