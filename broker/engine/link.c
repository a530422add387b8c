#include "broker/engine/link.h"

#include "broker/engine/probing.h"
#include "broker/pool/source.h"

const uint8_t *link_mask(struct engine *engine)
{
	const uint8_t *mask;

	if (engine->mask_at + WS_MASK_BYTES > MASK_POOL_BYTES) {
		engine->ports->random(engine->ports->io, engine->masks, MASK_POOL_BYTES);
		engine->mask_at = 0;
	}
	mask = engine->masks + engine->mask_at;
	engine->mask_at += WS_MASK_BYTES;
	return mask;
}

/* Gives the connection up: it gets nothing new, and its end follows from outside. */
static void link_doom(struct connection *connection, const char *reason, uint64_t now_us)
{
	connection->doom = reason;
	if (connection->state == CONNECTION_READY)
		pool_connection_drain(connection, now_us);
	source_ended(connection);
}

void link_close(struct engine *engine, struct connection *connection, uint16_t code,
		const char *reason, uint64_t now_us)
{
	if (!connection->transport || connection->doom)
		return;
	link_doom(connection, reason, now_us);
	engine->stats.closes[SIDE_UPSTREAM][close_class_of(code)]++;
	engine->ports->close(engine->ports->io, connection->transport, code, span_text(reason));
}

void link_part(struct engine *engine, struct connection *connection, uint64_t now_us)
{
	link_close(engine, connection, 1000, connection->farewell ? connection->farewell : "asked",
		   now_us);
}

void link_abort(struct engine *engine, struct connection *connection, const char *reason,
		uint64_t now_us)
{
	if (connection->doom)
		return;
	link_doom(connection, reason, now_us);
	if (connection->transport)
		engine->ports->abort(engine->ports->io, connection->transport);
	else
		engine->ports->abort_dial(engine->ports->io, connection);
}

void link_ping(struct engine *engine, struct connection *connection, uint64_t now_us)
{
	struct span payload = PING_PAYLOAD;
	uint64_t position = outbox_position(&connection->outbox);

	if (wsframe_append(&connection->outbox, WS_PING, link_mask(engine), &payload, 1) != WSB_OK)
		return; /* no memory: the next look tries again */
	connection->ping_waits = true;
	connection->ping_position = position;
	connection->pinged = connection->unread;
	connection->ping_at_us = now_us;
	engine->ports->want_write(engine->ports->io, connection->transport);
}

/* At half of the places, so that there is room while the pong is on its way. */
static void link_ask_whether_read(struct engine *engine, struct connection *connection,
				  uint64_t now_us)
{
	if (!connection->ping_waits && !connection->doom &&
	    connection->unread >= (connection->max_in_flight + 1) / 2)
		link_ping(engine, connection, now_us);
}

void link_notified(struct engine *engine, struct connection *connection, uint64_t now_us)
{
	/* Without pings nobody knows, and nobody shall wait for ever. */
	if (connection->pool->settings->probe.interval_us == 0)
		return;
	connection->unread++;
	link_ask_whether_read(engine, connection, now_us);
}

void link_ponged(struct engine *engine, struct connection *connection, uint64_t now_us)
{
	connection->unread -= connection->pinged;
	connection->pinged = 0;
	link_ask_whether_read(engine, connection, now_us);
}

enum wsb_err link_send_text(struct engine *engine, struct connection *connection, struct span text)
{
	enum encoding encoding = connection->pool->settings->encoding;
	enum wsb_err err;
	struct span payload;

	strbuf_clear(&engine->scratch);
	err = transcode(ENCODING_JSON, encoding, text, &engine->scratch);
	if (err)
		return err;
	payload = strbuf_span(&engine->scratch);
	err = wsframe_append(&connection->outbox, encoding == ENCODING_JSON ? WS_TEXT : WS_BINARY,
			     link_mask(engine), &payload, 1);
	if (err)
		return err;
	engine->stats.messages_out[SIDE_UPSTREAM]++;
	engine->ports->want_write(engine->ports->io, connection->transport);
	return WSB_OK;
}

static void link_greeted(struct engine *engine, struct connection *connection, uint64_t now_us)
{
	if (connection->pool->settings->probe.interval_us == 0)
		connection->first_pong = true;
	if (connection->first_pong && (connection->first_call || !probing_is_wanted(connection))) {
		connection->greeting_end = outbox_position(&connection->outbox);
		pool_connection_made_ready(connection, now_us);
		return;
	}
	if (!connection->first_pong && !connection->ping_waits)
		link_ping(engine, connection, now_us);
	if (probing_is_wanted(connection) && !connection->first_call && !connection->call_id)
		probing_first(engine, connection, now_us);
}

void link_warm(struct engine *engine, struct connection *connection, uint64_t now_us)
{
	struct span send;

	if (connection->state != CONNECTION_WARMING || connection->doom)
		return;
	for (;;) {
		switch (greeting_next(&connection->greeting, now_us, &send)) {
		case GREETING_SEND:
			if (link_send_text(engine, connection, send) == WSB_OK)
				break;
			link_abort(engine, connection, "greeting", now_us);
			return;
		case GREETING_DONE:
			link_greeted(engine, connection, now_us);
			return;
		default:
			return;
		}
	}
}

void link_trial_passed(struct engine *engine, struct connection *connection, uint64_t now_us)
{
	pool_connection_made_ready(connection, now_us);
	link_close(engine, connection, 1000, "asked", now_us);
}

void link_call_on(struct engine *engine, struct connection *connection, uint64_t now_us)
{
	struct span send;

	while (greeting_next(&connection->greeting, now_us, &send) == GREETING_SEND) {
		if (link_send_text(engine, connection, send) != WSB_OK) {
			link_abort(engine, connection, "greeting", now_us);
			return;
		}
		connection->calls_end = outbox_position(&connection->outbox);
	}
}

void link_call(struct engine *engine, struct connection *connection, uint64_t now_us)
{
	greeting_begin(&connection->greeting, connection->pool->settings, GREET_SOURCE);
	connection->calls_begin = outbox_position(&connection->outbox);
	link_call_on(engine, connection, now_us);
}
