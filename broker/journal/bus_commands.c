#include <assert.h>
#include <stdio.h>
#include <string.h>
#include "broker/journal/bus_state.h"
#include "common/clock.h"

/* Of a script; it has 40 letters. */
#define HASH_MAX 64
/* The log is ahead of its counter, and a look finds nothing wrong with it, so often. */
#define AHEADS_MAX 2

static struct span word(const char *text)
{
	return span_text(text);
}

void commands_begin(struct bus *bus, uint64_t now_us)
{
	const struct span role[] = {word("INFO"), word("replication")};
	const struct span load[] = {word("SCRIPT"), word("LOAD"), word(script_publish_text)};

	bus_say(bus, BUS_COMMANDS, ASK_ROLE, role, 2, now_us);
	bus_say(bus, BUS_COMMANDS, ASK_LOAD, load, 3, now_us);
}

static void say_script(struct bus *bus, enum bus_ask ask, uint64_t now_us)
{
	bus_say(bus, BUS_COMMANDS, ask, bus->script.words, bus->script.count, now_us);
}

void commands_look(struct bus *bus, uint64_t now_us)
{
	bus->looking = true;
	bus->looked_us = now_us;
	bus->look_position = bus->position;
	bus->look_id = bus->position_id;
	script_look(&bus->script, bus->position);
	say_script(bus, ASK_LOOK, now_us);
}

/* Above every epoch that is known of, whatever the clock says. */
static uint64_t next_epoch(const struct bus *bus, uint64_t other)
{
	uint64_t epoch = bus->ports.wall_us(bus->ports.context) / US_PER_MS;

	if (epoch <= bus->position.epoch)
		epoch = bus->position.epoch + 1;
	if (epoch <= bus->logged.epoch)
		epoch = bus->logged.epoch + 1;
	return epoch <= other ? other + 1 : epoch;
}

/* A first event tells all who read at this moment, unless there was nothing to read before. */
static void renumber(struct bus *bus, const struct look *look, uint64_t now_us)
{
	/* What is behind all that is possible goes with the old entries. */
	bool exceeds = standing_is_possible(look->newest) && look->newest.epoch > look->top.epoch;
	uint64_t epoch = next_epoch(bus, exceeds ? look->newest.epoch : look->top.epoch);
	bool anew = look->epoch.at || look->newest.epoch || position_is_set(bus->position);
	char id[48];
	struct event event = {
		.type = EVENT_RESYNC,
		.source = word(bus->source),
		.time_us = bus->ports.wall_us(bus->ports.context),
		.what = {.mode = INVALIDATE_SOFT, .all = true},
		.cause = word(event_cause_name(CAUSE_RESYNC)),
	};

	event.id = span_of(
		id, (size_t)snprintf(id, sizeof(id), "resync-%llu", (unsigned long long)epoch));
	if (script_renumber(&bus->script, look->epoch, epoch, anew ? &event : NULL)) {
		bus_restart(bus, "memory", "", now_us);
		return;
	}
	say_script(bus, ASK_RENUMBER, now_us);
}

/* The master's log can be trusted, or has been given up: on with it. */
static void settle(struct bus *bus, uint64_t now_us)
{
	bus->looking = false;
	bus->looks = 0;
	commands_pump(bus, now_us);
}

/* Of a new epoch, events are read from the first one on where they are few: they are not missing.
 */
static void take_hole(struct bus *bus, const struct look *look, struct span newest, uint64_t now_us)
{
	struct position at = look->top;

	if (at.epoch == bus->position.epoch) {
		tail_adopt(bus, "gap", at, newest, now_us);
		return;
	}
	if (at.seq <= BUS_READ_MAX) {
		at.seq = 0;
		newest = (struct span){0};
	}
	tail_adopt(bus, "renumbered", at, newest, now_us);
}

static void judge(struct bus *bus, const struct look *look, uint64_t now_us)
{
	bool same = tail_id(look->own_event) == bus->look_id;
	struct span newest =
		position_equal(look->newest, look->top) ? look->newest_event : (struct span){0};

	enum standing standing = standing_judge(look, bus->look_position, same);

	/* What Redis said that it has logged is gone, whether it had been read here or not. */
	if (position_before(look->top, bus->logged))
		standing = STANDING_RENUMBER;
	/* All seems well, and yet the next number is none: it is so large that it cannot be
	 * counted on. */
	if (bus->aheads >= AHEADS_MAX)
		standing = STANDING_RENUMBER;
	switch (standing) {
	case STANDING_RENUMBER:
		if (++bus->looks > BUS_LOOKS_MAX)
			bus_restart(bus, "unsettled", "no numbering of the log stays", now_us);
		else
			renumber(bus, look, now_us);
		bus->aheads = 0;
		return;
	case STANDING_FRESH:
		tail_adopt(bus, "joined", look->top, newest, now_us);
		break;
	case STANDING_HOLE:
		take_hole(bus, look, newest, now_us);
		break;
	case STANDING_WHOLE:
		if (bus->state == BUS_SUSPECT && !bus->refuses_reading &&
		    position_before(bus->position, look->top))
			bus_enter(bus, BUS_REPLAY, "connected", "", now_us);
		break;
	}
	bus->top = look->top;
	bus->newest = look->newest;
	settle(bus, now_us);
}

static void take_look(struct bus *bus, const struct redis_value *value, uint64_t now_us)
{
	struct look look;

	if (look_read(value, &look))
		bus_restart_for(bus, "refused", value, now_us);
	else
		judge(bus, &look, now_us);
}

/* What INFO says; replicas take no events. */
static void take_role(struct bus *bus, const struct redis_value *value, uint64_t now_us)
{
	static const char master[] = "role:master";
	struct span text = redis_text(value);

	if (!text.at)
		bus_restart_for(bus, "refused", value, now_us);
	else if (!memmem(text.at, text.len, master, sizeof(master) - 1))
		bus_restart(bus, "replica", "it is not a master", now_us);
}

static void take_load(struct bus *bus, const struct redis_value *value, uint64_t now_us)
{
	struct span hash = redis_text(value);

	if (!hash.at || hash.len > HASH_MAX) {
		bus_restart_for(bus, "refused", value, now_us);
		return;
	}
	strbuf_clear(&bus->hash);
	strbuf_add(&bus->hash, hash);
	bus->stats.connects++;
	bus->lines[BUS_COMMANDS].ready = true;
	bus->lines[BUS_COMMANDS].since_us = now_us;
	bus->beat_us = 0;
	commands_look(bus, now_us);
}

/* The stream has an entry where the next one belongs. */
static bool is_ahead(struct span error)
{
	static const char said[] = "equal or smaller";

	return error.at && memmem(error.at, error.len, said, sizeof(said) - 1);
}

/* Own events wait while Redis will not have them; what others do is known all the same. Numbers
 * that stand in the way are looked into at once, but not for ever. */
static void take_refusal(struct bus *bus, struct span why, size_t count, uint64_t now_us)
{
	const struct redis_value error = {.kind = REDIS_ERROR, .text = why};

	for (size_t i = 0; i < count; i++)
		pending_refused(bus->pending);
	if (span_begins(why, "NOSCRIPT")) {
		bus->by_text = true;
		return;
	}
	bus->stats.refused += count;
	if (refusal_concerns_all(why)) {
		bus_restart_for(bus, "refused", &error, now_us);
		return;
	}
	/* Those that were under way with the one that led to the look say no more than it. */
	if (bus->looking)
		return;
	if (!is_ahead(why) || ++bus->aheads >= AHEADS_MAX)
		refusal_begin(bus, BUS_PUBLISHING, why, now_us);
	commands_look(bus, now_us);
}

/* What the script says of a batch. */
struct outcome {
	size_t settled, logged;
	struct position top; /* not set: none of them was logged */
	struct span refusal, mute;
};

static bool count_read(const struct redis_value *value, size_t max, size_t *out)
{
	if (!value || value->kind != REDIS_INTEGER || value->integer < 0 ||
	    (uint64_t)value->integer > max)
		return false;
	*out = (size_t)value->integer;
	return true;
}

/* False: it is none for a batch of so many. */
static bool outcome_read(const struct redis_value *value, size_t count, struct outcome *out)
{
	struct span top = redis_text(redis_item(value, 2));

	*out = (struct outcome){.refusal = redis_text(redis_item(value, 3)),
				.mute = redis_text(redis_item(value, 4))};
	if (!count_read(redis_item(value, 0), count, &out->settled) ||
	    !count_read(redis_item(value, 1), out->settled, &out->logged) || !out->mute.at)
		return false;
	if (out->logged > 0 && (!top.at || !position_read(top, &out->top)))
		return false;
	return (out->settled < count) == (out->refusal.len > 0);
}

static void take_outcome(struct bus *bus, const struct outcome *outcome, uint64_t now_us)
{
	for (size_t i = 0; i < outcome->settled; i++)
		pending_logged(bus->pending);
	bus->stats.published += outcome->logged;
	bus->by_text = false;
	if (position_before(bus->logged, outcome->top) && standing_is_possible(outcome->top))
		bus->logged = outcome->top;
	if (outcome->logged == 0)
		return;
	bus->aheads = 0;
	if (outcome->refusal.len == 0)
		refusal_end(bus, BUS_PUBLISHING, now_us);
	if (outcome->mute.len > 0)
		refusal_begin(bus, BUS_COPIES, outcome->mute, now_us);
	else
		refusal_end(bus, BUS_COPIES, now_us);
}

static void take_published(struct bus *bus, const struct redis_value *value, uint64_t now_us)
{
	const size_t count = bus->batches[bus->batch_first];
	struct outcome outcome;

	bus->batch_first = (uint8_t)((bus->batch_first + 1) % BUS_BATCHES_MAX);
	bus->batch_count--;
	if (value->kind == REDIS_ERROR) {
		take_refusal(bus, value->text, count, now_us);
	} else if (outcome_read(value, count, &outcome)) {
		take_outcome(bus, &outcome, now_us);
		if (outcome.settled < count)
			take_refusal(bus, outcome.refusal, count - outcome.settled, now_us);
	} else {
		bus_restart_for(bus, "protocol", value, now_us);
	}
	commands_pump(bus, now_us);
}

static void take_said(struct bus *bus, enum bus_ask ask, const struct redis_value *value,
		      uint64_t now_us)
{
	enum bus_part part = ask == ASK_DROP ? BUS_INBOX_READING : BUS_HEARTBEATS;

	/* A master that has become a replica says so here at the latest. */
	if (value->kind == REDIS_ERROR && refusal_concerns_all(value->text))
		bus_restart_for(bus, "refused", value, now_us);
	else if (value->kind == REDIS_ERROR)
		refusal_begin(bus, part, value->text, now_us);
	else if (ask == ASK_BEAT)
		refusal_end(bus, part, now_us);
}

void commands_answer(struct bus *bus, enum bus_ask ask, const struct redis_value *value,
		     uint64_t now_us)
{
	switch (ask) {
	case ASK_ROLE:
		take_role(bus, value, now_us);
		break;
	case ASK_LOAD:
		take_load(bus, value, now_us);
		break;
	case ASK_LOOK:
		take_look(bus, value, now_us);
		break;
	case ASK_RENUMBER:
		if (value->kind == REDIS_INTEGER)
			commands_look(bus, now_us);
		else
			bus_restart_for(bus, "refused", value, now_us);
		break;
	case ASK_PUBLISH:
		take_published(bus, value, now_us);
		break;
	case ASK_PAST:
		past_answer(bus, value, now_us);
		break;
	default:
		take_said(bus, ask, value, now_us);
		break;
	}
}

/* One command with as many as it takes. */
static enum wsb_err say_batch(struct bus *bus, uint64_t now_us)
{
	const struct pending_event *next = pending_next(bus->pending);
	struct span hash = bus->by_text ? (struct span){0} : strbuf_span(&bus->hash);
	struct script *script = &bus->script;
	const uint64_t first = next->number;
	enum wsb_err err;

	script_publish(script, hash, first, next_epoch(bus, 0));
	do {
		assert(next->number == first + script->events);
		err = script_add(script, &next->event, next->inbox_entry);
		if (err)
			return err;
	} while (!script_is_full(script) && (next = pending_next(bus->pending)) != NULL);
	script_end(script);
	bus->batches[(bus->batch_first + bus->batch_count++) % BUS_BATCHES_MAX] =
		(uint8_t)script->events;
	say_script(bus, ASK_PUBLISH, now_us);
	return WSB_OK;
}

void commands_pump(struct bus *bus, uint64_t now_us)
{
	/* One tells whether it is refused still. */
	const size_t batches = bus_refusal(bus, BUS_PUBLISHING) ? 1 : BUS_BATCHES_MAX;

	if (!bus->lines[BUS_COMMANDS].ready || bus->looking || bus->left ||
	    refusal_holds(bus, BUS_PUBLISHING, now_us))
		return;
	while (bus->batch_count < batches && bus->lines[BUS_COMMANDS].count < BUS_WINDOW &&
	       pending_due(bus->pending) >= (bus->batch_count ? SCRIPT_EVENTS_MAX : 1)) {
		if (say_batch(bus, now_us)) {
			bus_restart(bus, "memory", "", now_us);
			return;
		}
	}
}

static void publish(struct bus *bus, const struct strbuf *channel, uint64_t now_us)
{
	const struct span words[] = {word("PUBLISH"), strbuf_span(channel),
				     strbuf_span(&bus->text)};

	if (bus->lines[BUS_COMMANDS].ready && bus_has_room(bus) && !bus->text.failed &&
	    !refusal_holds(bus, BUS_HEARTBEATS, now_us))
		bus_say(bus, BUS_COMMANDS, ASK_BEAT, words, 3, now_us);
}

void commands_beat(struct bus *bus, uint64_t now_us)
{
	char id[40];
	struct event event = {
		.type = EVENT_HEARTBEAT,
		.source = word(bus->source),
		.time_us = bus->ports.wall_us(bus->ports.context),
		.position = bus->position,
		.heartbeat = {.node = word(bus->node),
			      .version = word(bus->version),
			      .clients = bus->ports.clients(bus->ports.context),
			      .score = -1},
	};

	bus->beat_us = now_us;
	event.id = span_of(id, (size_t)snprintf(id, sizeof(id), "heartbeat-%llu",
						(unsigned long long)++bus->said));
	strbuf_clear(&bus->text);
	if (event_write(ENCODING_JSON, &event, &bus->text) == WSB_OK)
		publish(bus, &bus->script.brokers_channel, now_us);
}

void commands_talk(struct bus *bus, const char *verb, struct span what, uint64_t now_us)
{
	strbuf_clear(&bus->text);
	strbuf_printf(&bus->text, "%s ", verb);
	strbuf_add(&bus->text, what);
	publish(bus, &bus->script.talk_channel, now_us);
}
