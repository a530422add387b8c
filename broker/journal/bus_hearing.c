#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include "broker/journal/bus_state.h"

void hearing_begin(struct bus *bus, uint64_t now_us)
{
	const struct span words[] = {
		span_text("SUBSCRIBE"), strbuf_span(&bus->script.invalidate_channel),
		strbuf_span(&bus->script.brokers_channel), strbuf_span(&bus->script.talk_channel)};

	(void)now_us;
	/* Its answers tell what they are. */
	bus->ports.send(bus->ports.context, BUS_HEARING, words, 4);
}

void hearing_ping(struct bus *bus, uint64_t now_us)
{
	const struct span ping = span_text("PING");

	if (bus->lines[BUS_HEARING].ready)
		bus_say(bus, BUS_HEARING, ASK_PING, &ping, 1, now_us);
	if (!peers_are_too_many(&bus->peers, now_us))
		refusal_end(bus, BUS_TABLE, now_us);
}

static void take_invalidation(struct bus *bus, struct span text, uint64_t now_us)
{
	char why[INVALIDATION_WHY_MAX] = "it is no JSON object";
	struct invalidation_held held;
	json_t *tree = json_loadb(text.at, text.len, JSON_REJECT_DUPLICATES, NULL);

	if (tree && invalidation_read(tree, &held, why) == WSB_OK) {
		bus->stats.heard++;
		bus->ports.heard(bus->ports.context, &held.what, now_us);
		invalidation_held_fini(&held);
	} else {
		bus_note_odd(bus, "channel", why);
	}
	json_decref(tree);
}

static void note_peer(struct bus *bus, const struct event *heartbeat, uint64_t now_us)
{
	char words[80];

	switch (peers_note(&bus->peers, heartbeat, now_us)) {
	case WSB_ELIMIT:
		snprintf(words, sizeof(words), "more than %d other brokers share the prefix",
			 BUS_PEERS_MAX);
		refusal_begin(bus, BUS_TABLE, span_text(words), now_us);
		break;
	case WSB_EINVAL:
		bus->stats.malformed++;
		break;
	default:
		break;
	}
}

static void take_beat(struct bus *bus, struct span text, uint64_t now_us)
{
	struct event_held held;

	if (event_read(ENCODING_JSON, text, &held)) {
		bus->stats.malformed++;
		return;
	}
	if (held.event.type == EVENT_HEARTBEAT && !span_is(held.event.source, bus->source))
		note_peer(bus, &held.event, now_us);
	event_held_fini(&held);
}

static struct span behind(struct span text, const char *verb)
{
	size_t len = strlen(verb);

	return span_begins(text, verb) ? span_of(text.at + len, text.len - len) : (struct span){0};
}

/* What nobody will ever reach must not hide what is near. */
static void await(struct bus *bus, struct position position)
{
	if (!position_is_set(bus->awaited) || position_before(position, bus->awaited))
		bus->awaited = position;
	if (position_before(bus->awaited_last, position))
		bus->awaited_last = position;
}

static void take_talk(struct bus *bus, struct span text, uint64_t now_us)
{
	struct span source = behind(text, "leave ");
	struct position position;

	if (source.at) {
		peers_leave(&bus->peers, source);
		return;
	}
	if (!behind(text, "await ").at || !position_read(behind(text, "await "), &position)) {
		bus->stats.malformed++;
		return;
	}
	if (!position_before(bus->position, position))
		commands_beat(bus, now_us);
	else
		await(bus, position);
}

static void take_message(struct bus *bus, struct span channel, struct span text, uint64_t now_us)
{
	if (!text.at)
		bus->stats.malformed++;
	else if (span_equal(channel, strbuf_span(&bus->script.invalidate_channel)))
		take_invalidation(bus, text, now_us);
	else if (span_equal(channel, strbuf_span(&bus->script.brokers_channel)))
		take_beat(bus, text, now_us);
	else
		take_talk(bus, text, now_us);
}

bool hearing_answer(struct bus *bus, const struct redis_value *value, uint64_t now_us)
{
	struct bus_line *line = &bus->lines[BUS_HEARING];
	struct span kind = redis_text(redis_item(value, 0));

	if (span_is(kind, "pong"))
		return true;
	if (span_is(kind, "message")) {
		take_message(bus, redis_text(redis_item(value, 1)),
			     redis_text(redis_item(value, 2)), now_us);
	} else if (span_is(kind, "subscribe") && !line->ready) {
		line->ready = true;
		line->since_us = now_us;
		bus_line_works(bus, BUS_HEARING, now_us);
	}
	return false;
}

void hearing_refused(struct bus *bus, const struct redis_value *error, uint64_t now_us)
{
	bus_leave_out(bus, BUS_HEARING, error->text, now_us);
}
