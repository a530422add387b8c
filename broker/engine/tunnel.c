#include "broker/engine/tunnel.h"

#include <stdio.h>

#include "broker/engine/upkeep.h"
#include "broker/pool/tunnel.h"

static struct tunnel *tunnel_of(const struct session *session)
{
	return session->tunnel;
}

/* The session has no transport any more; it is freed at the end of the event. */
static void tunnel_forget(struct engine *engine, struct session *session, uint64_t now_us)
{
	timerq_disarm(&engine->expiries, &session->expiry);
	engine_tunnel_holds(engine, session, 0);
	pool_tunnel_end(tunnel_of(session), now_us);
	session->tunnel = NULL;
	session->transport = NULL;
	session_enter(&engine->sessions, session, SESSION_CLOSED);
}

static void tunnel_refuse(struct engine *engine, struct session *session, enum refusal_kind kind,
			  int status, const char *detail, uint64_t now_us)
{
	struct admittance verdict = {.status = status, .retry_after_s = 1};
	void *transport = session->transport;

	verdict.title = status == 502 ? "Bad Gateway" : "Service Unavailable";
	snprintf(verdict.detail, sizeof(verdict.detail), "%s", detail);
	engine->stats.refusals[kind]++;
	if (kind == REFUSAL_UNAVAILABLE)
		engine_lane_of_pool(engine, tunnel_of(session)->pool)
			->traffic.tunnels_unavailable++;
	tunnel_forget(engine, session, now_us);
	engine->ports->tunnel_refuse(engine->ports->io, transport, &verdict);
}

/* Half of the time that is left, as long as somebody else could be asked in the other half. */
static bool tunnel_dial(struct engine *engine, struct session *session, uint64_t now_us)
{
	struct tunnel *tunnel = tunnel_of(session);
	uint64_t left_us;

	if (now_us >= tunnel->open_until_us || !pool_tunnel_dial(tunnel, now_us))
		return false;
	left_us = tunnel->open_until_us - now_us;
	if (pool_tunnel_may_dial(tunnel, now_us))
		left_us /= 2;
	engine->ports->tunnel_dial(engine->ports->io, session->transport, tunnel->endpoint,
				   now_us + left_us);
	return true;
}

struct session *engine_tunnel_begin(struct engine *engine, size_t listener,
				    const struct admittance *admittance, void *transport,
				    uint64_t now_us)
{
	const struct config *config = engine->config;
	struct lane *lane = engine->lanes[config->listeners[listener].session_pool];
	struct admittance no_memory = {
		.status = 503, .title = "Service Unavailable", .detail = "no memory"};
	struct session *session = NULL;
	struct tunnel *tunnel;

	if (!session_create(&session, &engine->sessions, SESSION_TUNNEL, &config->limits,
			    &engine->client_outboxes, admittance->identity, transport, now_us) &&
	    pool_tunnel_begin(&tunnel, lane->pool, session)) {
		session->transport = NULL;
		session_enter(&engine->sessions, session, SESSION_CLOSED);
		session = NULL;
	}
	if (!session) {
		engine->ports->tunnel_refuse(engine->ports->io, transport, &no_memory);
		engine_leave(engine, now_us);
		return NULL;
	}
	session_set_peer(session, admittance->peer);
	session->listener = (uint32_t)listener;
	if (admittance->holds_us > 0)
		timerq_arm(&engine->expiries, &session->expiry, now_us + admittance->holds_us);
	session->tunnel = tunnel;
	tunnel->moved_us = now_us;
	tunnel->open_until_us = now_us + config->limits.handshake_us;
	engine->stats.clients_total++;
	if (!tunnel_dial(engine, session, now_us)) {
		tunnel_refuse(engine, session, REFUSAL_UNAVAILABLE, 503, "no upstream server is up",
			      now_us);
		engine_leave(engine, now_us);
		return NULL;
	}
	return session;
}

void engine_tunnel_failed(struct engine *engine, struct session *session, const char *cause,
			  const char *text, uint64_t now_us)
{
	struct tunnel *tunnel = tunnel_of(session);

	log_event(engine->log, LOG_INFO, "tunnel.dial_failed", log_number("client", session->id),
		  log_text("pool", tunnel->pool->settings->name),
		  log_text("endpoint", tunnel->endpoint->settings->name), log_text("reason", cause),
		  log_text("detail", text));
	pool_tunnel_failed(tunnel, cause, text, now_us);
	if (!tunnel_dial(engine, session, now_us))
		tunnel_refuse(engine, session, REFUSAL_UNAVAILABLE, 502,
			      "no upstream server could be reached", now_us);
	engine_leave(engine, now_us);
}

void engine_tunnel_opened(struct engine *engine, struct session *session, uint64_t now_us)
{
	struct tunnel *tunnel = tunnel_of(session);

	pool_tunnel_opened(tunnel, now_us);
	engine_lane_of_pool(engine, tunnel->pool)->traffic.tunnels_opened++;
	log_event(engine->log, LOG_DEBUG, "tunnel.opened", log_number("client", session->id),
		  log_text("pool", tunnel->pool->settings->name),
		  log_text("endpoint", tunnel->endpoint->settings->name),
		  log_number("connection", tunnel->id));
	engine_leave(engine, now_us);
}

void engine_tunnel_declined(struct engine *engine, struct session *session, unsigned int status,
			    uint64_t now_us)
{
	struct tunnel *tunnel = tunnel_of(session);

	log_event(engine->log, LOG_INFO, "tunnel.declined", log_number("client", session->id),
		  log_text("pool", tunnel->pool->settings->name),
		  log_text("endpoint", tunnel->endpoint->settings->name),
		  log_number("status", status));
	engine->stats.refusals[REFUSAL_UPSTREAM]++;
	engine_lane_of_pool(engine, tunnel->pool)->traffic.tunnels_declined++;
	/* Other statuses speak of the request, or of what the client asked the application for. */
	pool_tunnel_declined(tunnel, status >= 502 && status <= 504, now_us);
	engine_leave(engine, now_us);
}

void engine_tunnel_holds(struct engine *engine, struct session *session, size_t bytes)
{
	struct tunnel *tunnel = tunnel_of(session);

	engine->tunnel_bytes += bytes;
	engine->tunnel_bytes -= tunnel->held_bytes;
	tunnel->held_bytes = bytes;
}

void engine_tunnel_moved(struct engine *engine, struct session *session, enum wire_side from,
			 size_t bytes, uint64_t now_us)
{
	struct tunnel *tunnel = tunnel_of(session);
	struct traffic_stats *traffic = &engine_lane_of_pool(engine, tunnel->pool)->traffic;

	tunnel->moved_us = now_us;
	engine->stats.bytes_in[from] += bytes;
	engine->stats.bytes_out[from == SIDE_CLIENT ? SIDE_UPSTREAM : SIDE_CLIENT] += bytes;
	if (from == SIDE_CLIENT) {
		traffic->tunnel_bytes_up += bytes;
		tunnel->bytes_up += bytes;
	} else {
		traffic->tunnel_bytes_down += bytes;
		tunnel->bytes_down += bytes;
	}
}

void engine_tunnel_closed(struct engine *engine, struct session *session,
			  const struct tunnel_end *end, uint64_t now_us)
{
	struct tunnel *tunnel = tunnel_of(session);

	/* One that was told to go has been counted then. */
	if (session->state == SESSION_OPEN && tunnel->open)
		engine->stats.closes[end->side][close_class_of(end->code)]++;
	log_event(engine->log, LOG_DEBUG, "tunnel.closed", log_number("client", session->id),
		  log_text("pool", tunnel->pool->settings->name),
		  log_number("connection", tunnel->id),
		  log_text("side", end->side == SIDE_CLIENT ? "client" : "upstream"),
		  log_number("code", end->code), log_number("bytes_up", tunnel->bytes_up),
		  log_number("bytes_down", tunnel->bytes_down));
	tunnel_forget(engine, session, now_us);
	engine_leave(engine, now_us);
}

void tunnel_close(struct engine *engine, struct session *session, uint16_t code, const char *reason)
{
	if (session->state != SESSION_OPEN)
		return;
	if (!tunnel_of(session)->open) {
		tunnel_refuse(engine, session, REFUSAL_DRAINING, 503, reason, engine->ticked_us);
		return;
	}
	session_enter(&engine->sessions, session, SESSION_DRAINING);
	engine->stats.closes[SIDE_CLIENT][close_class_of(code)]++;
	engine->ports->tunnel_close(engine->ports->io, session->transport, code, span_text(reason));
}
