#include "broker/engine/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/engine/affinity.h"
#include "broker/engine/batch.h"
#include "broker/engine/bus.h"
#include "broker/engine/cached.h"
#include "broker/engine/deliver.h"
#include "broker/engine/doubts.h"
#include "broker/engine/failover.h"
#include "broker/engine/hedge.h"
#include "broker/engine/intake.h"
#include "broker/engine/invalidate.h"
#include "broker/engine/invalidate_rule.h"
#include "broker/engine/lane.h"
#include "broker/engine/link.h"
#include "broker/engine/probing.h"
#include "broker/engine/publish.h"
#include "broker/engine/pushes.h"
#include "broker/engine/record.h"
#include "broker/engine/settle.h"
#include "broker/engine/upkeep.h"
#include "broker/engine/watch.h"
#include "broker/pool/tunnel.h"

/* Many clients have a little to read, few connections a lot to write. */
#define CLIENT_CHUNK_BYTES	2048
#define CLIENT_CHUNKS_SPARE	4096
#define CONNECTION_CHUNK_BYTES	65536
#define CONNECTION_CHUNKS_SPARE 64

static enum wsb_err create_parts(struct engine *engine, uint64_t now_us)
{
	const struct config *config = engine->config;
	char why[128];
	enum wsb_err err;

	err = record_init(engine);
	if (err)
		return err;
	err = envelope_create(&engine->envelope,
			      config->envelope_is_jsonrpc ? NULL : &config->envelope, why,
			      sizeof(why));
	if (err)
		return err;
	err = route_table_create(&engine->routes, config->routes, config->route_count,
				 rng_next(&engine->rng));
	if (err)
		return err;
	err = hedges_make(&engine->hedges, config);
	if (err)
		return err;
	engine->lanes = calloc(config->pool_count, sizeof(struct lane *));
	if (!engine->lanes)
		return WSB_ENOMEM;
	for (size_t i = 0; i < config->pool_count; i++) {
		err = lane_create(&engine->lanes[i], engine, config, i, now_us);
		if (err)
			return err;
		engine->lane_count++;
	}
	err = cached_init(engine);
	if (err)
		return err;
	err = invalidate_init(engine);
	if (err)
		return err;
	err = engine_bus_init(engine);
	if (err)
		return err;
	err = pushes_init(engine);
	return err == WSB_OK ? publish_init(engine) : err;
}

enum wsb_err engine_create(struct engine **out, const struct config *config,
			   const struct ports *ports, struct log *log, uint64_t seed,
			   uint64_t now_us)
{
	struct engine *engine = calloc(1, sizeof(*engine));
	enum wsb_err err;

	if (!engine)
		return WSB_ENOMEM;
	engine->config = config_hold(config);
	engine->ports = ports;
	engine->log = log;
	engine->started_us = now_us;
	engine->next_connection_id = 1;
	engine->mask_at = MASK_POOL_BYTES;
	rng_init(&engine->rng, seed);
	outbox_pool_init(&engine->client_outboxes, CLIENT_CHUNK_BYTES, CLIENT_CHUNKS_SPARE);
	outbox_pool_init(&engine->connection_outboxes, CONNECTION_CHUNK_BYTES,
			 CONNECTION_CHUNKS_SPARE);
	session_lists_init(&engine->sessions);
	visitors_init(&engine->visitors, config->limits.clients);
	list_init(&engine->pings);
	exchange_slab_init(&engine->exchanges);
	timerq_init(&engine->timers, now_us);
	timerq_init(&engine->expiries, now_us);
	doubts_init(engine);
	err = create_parts(engine, now_us);
	if (err) {
		engine_destroy(engine);
		return err;
	}
	*out = engine;
	return WSB_OK;
}

/* Requests that still wait belong to nobody by now. */
static void end_exchanges(struct engine *engine, uint64_t now_us)
{
	for (size_t i = 0; i < engine->lane_count; i++) {
		struct fairitem *item;

		fairqueue_wake(&engine->lanes[i]->queue, UINT64_MAX);
		while ((item = fairqueue_pop(&engine->lanes[i]->queue))) {
			struct exchange *exchange = list_entry(item, struct exchange, item);

			settle_silently(engine, exchange, RESULT_COUNT, now_us);
		}
	}
}

void engine_destroy(struct engine *engine)
{
	if (!engine)
		return;
	end_exchanges(engine, engine->ticked_us);
	doubts_fini(engine);
	publish_fini(engine);
	pushes_fini(engine);
	engine_bus_fini(engine);
	invalidate_fini(engine);
	client_reap(engine);
	for (size_t i = 0; i < engine->lane_count; i++)
		lane_destroy(engine->lanes[i]);
	free(engine->lanes);
	record_fini(engine);
	config_release(engine->config);
	visitors_fini(&engine->visitors);
	cached_fini(engine);
	exchange_slab_fini(&engine->exchanges);
	hedges_free(&engine->hedges);
	route_table_destroy(engine->routes);
	envelope_destroy(engine->envelope);
	strbuf_fini(&engine->scratch);
	strbuf_fini(&engine->scratch2);
	strbuf_fini(&engine->story);
	strbuf_fini(&engine->body);
	strbuf_fini(&engine->joined);
	outbox_pool_fini(&engine->client_outboxes);
	outbox_pool_fini(&engine->connection_outboxes);
	free(engine);
}

/* Who may cause invalidations: tokens that say so, and whoever is on this machine. */
static bool may_publish(const struct engine *engine, size_t listener,
			const struct admittance *admittance)
{
	const char *peer = admittance->peer;

	if (admittance->role >= ROLE_PUBLISHER ||
	    engine->config->listeners[listener].address.kind == ADDRESS_UNIX)
		return true;
	if (strncmp(peer, "::ffff:", 7) == 0)
		peer += 7;
	return strncmp(peer, "127.", 4) == 0 || strcmp(peer, "::1") == 0;
}

struct session *engine_client_opened(struct engine *engine, size_t listener,
				     const struct admittance *admittance, void *transport,
				     uint64_t now_us)
{
	struct session *session;

	if (session_create(&session, &engine->sessions, SESSION_WEBSOCKET, &engine->config->limits,
			   &engine->client_outboxes, admittance->identity, transport, now_us))
		return NULL;
	session_set_peer(session, admittance->peer);
	session->listener = (uint32_t)listener;
	session->may_publish = may_publish(engine, listener, admittance);
	if (admittance->holds_us > 0)
		timerq_arm(&engine->expiries, &session->expiry, now_us + admittance->holds_us);
	session->encoding_chosen = admittance->subprotocol != NULL;
	if (admittance->subprotocol && strstr(admittance->subprotocol, "msgpack"))
		session->encoding = ENCODING_MSGPACK;
	list_append(&engine->pings, &session->ping_link);
	engine->stats.clients_total++;
	return session;
}

static void pause_if_full(struct engine *engine, struct session *session, uint64_t now_us)
{
	if (!session->paused && session->state == SESSION_OPEN &&
	    session->in_flight >= engine->config->limits.in_flight_per_client)
		client_pause(engine, session, true, now_us);
}

/* Adds a piece. What a frame declares is not believed in so far as memory goes, but a message that
 * says it will be too big need not be waited for. */
static enum inbox_verdict gather(struct inbox *inbox, struct span piece, uint64_t frame_left,
				 bool ends_message, uint64_t bytes_max, size_t frames_max,
				 struct span *message)
{
	if (frame_left > bytes_max) {
		inbox_release(inbox);
		return INBOX_TOO_BIG;
	}
	return inbox_add(inbox, piece, frame_left == 0, ends_message, bytes_max, frames_max,
			 message);
}

void engine_client_data(struct engine *engine, struct session *session, bool binary,
			struct span piece, uint64_t frame_left, bool ends_message, uint64_t now_us)
{
	const struct limits_settings *limits = &engine->config->limits;
	struct span message;

	engine->stats.bytes_in[SIDE_CLIENT] += piece.len;
	session->heard_us = now_us;
	if (session->state != SESSION_OPEN)
		return;
	switch (gather(&session->inbox, piece, frame_left, ends_message, limits->message_bytes,
		       limits->fragments, &message)) {
	case INBOX_MORE:
		client_relieve(engine);
		return;
	case INBOX_COMPLETE:
		intake_message(engine, session, message, binary, now_us);
		inbox_release(&session->inbox);
		pause_if_full(engine, session, now_us);
		break;
	case INBOX_TOO_BIG:
		client_close(engine, session, 1009, "message longer than limits.message");
		break;
	case INBOX_TOO_MANY:
		client_close(engine, session, 1009, "message in more than limits.fragments frames");
		break;
	case INBOX_NO_MEMORY:
		client_close(engine, session, 1013, "no memory");
		break;
	}
	engine_leave(engine, now_us);
}

void engine_client_inflates(struct engine *engine, struct session *session, size_t bytes)
{
	client_set_inflating(engine, session, bytes);
	client_relieve(engine);
}

void engine_client_pong(struct engine *engine, struct session *session, uint64_t now_us)
{
	(void)engine;
	session->heard_us = now_us;
	session->ping_waits = false;
}

/* The client has gone: what still waits is called off; what is under way upstream goes on without
 * it, so that its place there stays taken until the upstream has done. */
static void forget_requests(struct engine *engine, struct session *session, uint64_t now_us)
{
	struct list_node *node;

	client_disown_notifications(session);
	while ((node = list_pop(&session->exchanges))) {
		struct exchange *exchange = list_entry(node, struct exchange, session_link);

		exchange->session = NULL;
		session->in_flight--;
		if (exchange->state != EXCHANGE_QUEUED && exchange->state != EXCHANGE_SHARED)
			continue;
		invalidate_by_doubt(engine, exchange, now_us);
		settle_silently(engine, exchange, RESULT_ABANDONED, now_us);
	}
}

void engine_client_closed(struct engine *engine, struct session *session, uint16_t code,
			  struct span reason, uint64_t now_us)
{
	if (session->state == SESSION_OPEN && session->kind == SESSION_WEBSOCKET)
		engine->stats.closes[SIDE_CLIENT][close_class_of(code)]++;
	log_event(engine->log, LOG_DEBUG, "client.closed", log_number("client", session->id),
		  log_number("code", code), log_span("reason", reason),
		  log_number("in_flight", session->in_flight));
	session->transport = NULL;
	client_set_inflating(engine, session, 0);
	list_remove(&engine->pings, &session->ping_link);
	timerq_disarm(&engine->expiries, &session->expiry);
	session_enter(&engine->sessions, session, SESSION_CLOSED);
	forget_requests(engine, session, now_us);
	affinity_forget_client(session);
	publish_client_gone(engine, session, now_us);
	watch_client_gone(engine, session);
	batch_forget_client(session);
	engine_leave(engine, now_us);
}

/* Whoever comes anew with each request still has one budget. */
static struct quota *http_quota(struct engine *engine, struct session *session,
				const struct admittance *admittance, uint64_t now_us)
{
	uint32_t per_second = engine->config->limits.rate_per_client;
	const char *name = admittance->identity ? admittance->identity : admittance->peer;
	struct quota *quota = NULL;

	if (per_second > 0)
		quota = visitors_quota(&engine->visitors, name, per_second, now_us);
	return quota ? quota : &session->own_quota;
}

struct session *engine_http_request(struct engine *engine, size_t listener,
				    const struct admittance *admittance, enum encoding encoding,
				    struct span body, void *transport, uint64_t now_us)
{
	struct session *session;
	bool answered;

	if (session_create(&session, &engine->sessions, SESSION_HTTP, &engine->config->limits,
			   &engine->client_outboxes, admittance->identity, transport, now_us)) {
		engine->ports->http_respond(engine->ports->io, transport, 503, 1, encoding,
					    span_of("", 0));
		return NULL;
	}
	session->listener = (uint32_t)listener;
	session->may_publish = may_publish(engine, listener, admittance);
	session->quota = http_quota(engine, session, admittance, now_us);
	engine->stats.bytes_in[SIDE_CLIENT] += body.len;
	intake_message(engine, session, body, encoding == ENCODING_MSGPACK, now_us);
	answered = session->state == SESSION_CLOSED;
	engine_leave(engine, now_us);
	return answered ? NULL : session;
}

void engine_connection_opened(struct engine *engine, struct connection *connection, void *transport,
			      uint64_t now_us)
{
	pool_connection_opened(connection, transport, now_us);
	if (engine->upstreams_paused)
		engine->ports->pause(engine->ports->io, transport, true);
	if (connection->doom)
		engine->ports->abort(engine->ports->io, transport);
	else if (connection->pool->settings->tunnels)
		link_trial_passed(engine, connection, now_us);
	else
		link_warm(engine, connection, now_us);
	engine_leave(engine, now_us);
}

/* How long an upstream's message may be: what a client may send, or be sent. */
static uint64_t upstream_message_max(const struct engine *engine)
{
	const struct limits_settings *limits = &engine->config->limits;

	return limits->send_buffer_bytes > limits->message_bytes ? limits->send_buffer_bytes
								 : limits->message_bytes;
}

/* It could be given to nobody, and nothing behind it arrives before its end, if there is one: the
 * connection ends, and what else is under way on it goes elsewhere at once. */
static void connection_message_too_big(struct engine *engine, struct connection *connection,
				       uint64_t now_us)
{
	engine->stats.oddities[ODD_TOO_BIG]++;
	log_event(engine->log, LOG_WARN, "upstream.message_too_big",
		  log_text("pool", connection->pool->settings->name),
		  log_text("endpoint", connection->endpoint->settings->name),
		  log_number("connection", connection->id),
		  log_number("limit_bytes", upstream_message_max(engine)),
		  log_text("limit", "limits.send_buffer"));
	link_close(engine, connection, 1009, "too_big", now_us);
	failover_connection(engine, connection, now_us);
}

void engine_connection_data(struct engine *engine, struct connection *connection, bool binary,
			    struct span piece, uint64_t frame_left, bool ends_message,
			    uint64_t now_us)
{
	struct span message;

	engine->stats.bytes_in[SIDE_UPSTREAM] += piece.len;
	connection->stats.bytes_in += piece.len;
	if (connection->doom)
		return;
	switch (gather(&connection->inbox, piece, frame_left, ends_message,
		       upstream_message_max(engine), SIZE_MAX, &message)) {
	case INBOX_MORE:
		return;
	case INBOX_COMPLETE:
		deliver_message(engine, connection, message, binary, now_us);
		inbox_release(&connection->inbox);
		break;
	default:
		connection_message_too_big(engine, connection, now_us);
		break;
	}
	engine_leave(engine, now_us);
}

void engine_connection_closed(struct engine *engine, struct connection *connection,
			      const char *cause, uint16_t code, struct span reason, uint64_t now_us)
{
	char text[128] = "";

	snprintf(text, sizeof(text), "%.*s", (int)(reason.len < 120 ? reason.len : 120),
		 reason.at ? reason.at : "");
	if (!connection->doom && connection->state != CONNECTION_DIALING)
		engine->stats.closes[SIDE_UPSTREAM][close_class_of(code)]++;
	connection->transport = NULL;
	connection->close_code = code;
	probing_forget(connection, now_us);
	/* It would not have us without a client, but it is there. */
	if (connection->pool->settings->tunnels && strcmp(cause, "answered") == 0)
		pool_trial_answered(connection, now_us);
	pool_connection_lost(connection, connection->doom ? connection->doom : cause, text, now_us);
	failover_connection(engine, connection, now_us);
	/* Another takes over before it could miss anything. */
	pushes_elect(engine, engine_lane_of_pool(engine, connection->pool), now_us);
	engine_leave(engine, now_us);
}

void engine_note_lag(struct engine *engine, uint64_t lag_us)
{
	engine->stats.loop_lag_us = lag_us;
}
