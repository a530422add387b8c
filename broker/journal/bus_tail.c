#include <string.h>
#include "broker/journal/bus_state.h"
#include "common/map.h"

static void read_on(struct bus *bus, bool wait, uint64_t now_us)
{
	static const char block[] = "1000";
	char text[POSITION_TEXT_MAX];
	struct span words[8];
	size_t count = 0;

	_Static_assert(BUS_BLOCK_MS == 1000, "as it is written above");
	bus->due = position_before(bus->newest, bus->logged) ? bus->logged : bus->newest;
	words[count++] = span_text("XREAD");
	words[count++] = span_text("COUNT");
	words[count++] = span_text(BUS_READ_WORDS);
	if (wait) {
		words[count++] = span_text("BLOCK");
		words[count++] = span_text(block);
	}
	words[count++] = span_text("STREAMS");
	words[count++] = strbuf_span(&bus->script.log);
	words[count++] = span_of(text, position_write(bus->position, text));
	bus_say(bus, BUS_TAIL, ASK_READ, words, count, now_us);
}

/* The first reading does not wait: it tells whether anything was missed. */
void tail_begin(struct bus *bus, uint64_t now_us)
{
	bus->stood_still = false;
	read_on(bus, false, now_us);
}

static uint64_t id_of(const struct event *event)
{
	return hash_bytes(event->id, 0);
}

uint64_t tail_id(struct span event)
{
	struct event_held held;
	uint64_t id;

	if (!event.at || event_read(ENCODING_JSON, event, &held))
		return 0;
	id = id_of(&held.event);
	event_held_fini(&held);
	return id;
}

static void give_up(struct bus *bus, const char *why, struct position at, uint64_t now_us)
{
	bus->stats.resyncs++;
	bus_enter(bus, BUS_RESYNC, why, "", now_us);
	bus->ports.resync(bus->ports.context, why, at, now_us);
}

void tail_adopt(struct bus *bus, const char *why, struct position at, struct span event,
		uint64_t now_us)
{
	if (position_is_set(bus->position)) {
		give_up(bus, why, at, now_us);
		/* Who reads the new epoch has given up what was logged before it. */
		if (position_is_set(bus->logged) && bus->logged.epoch < at.epoch)
			bus->logged = (struct position){.epoch = at.epoch};
	} else {
		bus->ports.resync(bus->ports.context, why, at, now_us);
		bus->past = at;
	}
	bus->position = at;
	bus->position_id = tail_id(event);
}

struct span tail_event(const struct redis_value *entry)
{
	const struct redis_value *fields = redis_item(entry, 1);

	for (size_t i = 0; i + 1 < redis_count(fields); i += 2)
		if (span_is(redis_text(redis_item(fields, i)), "event"))
			return redis_text(redis_item(fields, i + 1));
	return (struct span){0};
}

static bool follows(struct position position, struct position before)
{
	return position.epoch == before.epoch && position.seq == before.seq + 1;
}

/* The log says so itself where its numbering begins anew. */
static bool is_resync(const struct event *event)
{
	return event->type == EVENT_RESYNC;
}

/* What lies before this entry may be missing. The reader goes on behind the entry, if that is what
 * it says, or with it. */
static void tell_hole(struct bus *bus, const struct event *event, uint64_t now_us)
{
	struct position at = event->position;
	const char *why = at.epoch != bus->position.epoch ? "renumbered"
			  : is_resync(event)		  ? "told"
							  : "gap";

	if (!is_resync(event) && at.seq > 0)
		at.seq--;
	tail_adopt(bus, why, at, (struct span){0}, now_us);
}

/* What cannot be read keeps its place, so that those behind it do not seem to come out of turn. */
static void take_event(struct bus *bus, struct position position, struct span text, uint64_t now_us)
{
	struct event_held held = {.event = {.type = EVENT_OTHER}};
	bool is_read = text.at && event_read(ENCODING_JSON, text, &held) == WSB_OK;
	bool is_told;

	if (!is_read) {
		bus_note_odd(bus, "log", "an entry is no event");
		held = (struct event_held){.event = {.type = EVENT_OTHER}};
	}
	event_place(&held.event, position);
	/* What this one would say has been told when its epoch was found. */
	is_told = is_resync(&held.event) && position.seq == 1 && follows(position, bus->position);
	bus->stats.arrived++;
	if (!is_told && (is_resync(&held.event) || !follows(position, bus->position)))
		tell_hole(bus, &held.event, now_us);
	bus->position = position;
	bus->position_id = is_read ? id_of(&held.event) : 0;
	/* What a stranger has put before the first place of an epoch has been told as a hole. */
	if (is_told || (!is_resync(&held.event) && position.seq > 0))
		bus->ports.arrived(bus->ports.context, &held.event, now_us);
	if (is_read)
		event_held_fini(&held);
}

/* False: nobody may go on from there, and the log has to be begun anew. */
static bool take_entry(struct bus *bus, const struct redis_value *entry, uint64_t now_us)
{
	struct span id = redis_text(redis_item(entry, 0));
	struct position position;

	if (!id.at || !position_read(id, &position)) {
		bus->stats.malformed++;
		return true;
	}
	if (!standing_is_possible(position)) {
		bus_note_odd(bus, "log", "an entry has an impossible number");
		bus_restart(bus, "unsettled", "an entry has an impossible number", now_us);
		return false;
	}
	if (position_before(bus->position, position))
		take_event(bus, position, tail_event(entry), now_us);
	return true;
}

/* The log has been read to its end. */
static void caught_up(struct bus *bus, uint64_t now_us)
{
	bus->known_us = now_us;
	bus->top = bus->position;
	bus->failures = 0;
	if (bus->state != BUS_LIVE)
		bus_enter(bus, BUS_LIVE, "read", "", now_us);
	past_begin(bus, now_us);
}

/* Somebody waits for this broker. */
static void report(struct bus *bus, uint64_t now_us)
{
	if (!position_is_set(bus->awaited) || position_before(bus->position, bus->awaited))
		return;
	if (position_before(bus->position, bus->awaited_last))
		bus->awaited = bus->awaited_last;
	else
		bus->awaited = bus->awaited_last = (struct position){0};
	commands_beat(bus, now_us);
}

void tail_go_on(struct bus *bus, uint64_t now_us)
{
	const struct bus_line *line = &bus->lines[BUS_TAIL];

	if (line->ready && line->count == 0)
		read_on(bus, true, now_us);
}

void tail_answer(struct bus *bus, const struct redis_value *value, uint64_t now_us)
{
	const struct position before = bus->position;
	const struct redis_value *entries = redis_item(redis_item(value, 0), 1);
	size_t count = redis_count(entries);
	/* What was answered while we stood still says nothing about now. */
	bool is_old = bus->stood_still || now_us - bus->ticked_us >= BUS_STANDSTILL_US;
	bool is_end = count < BUS_READ_MAX && !is_old;

	if (value->kind != REDIS_NIL && !entries) {
		bus->refuses_reading = true;
		bus_restart_for(bus, "refused", value, now_us);
		return;
	}
	bus->refuses_reading = false;
	bus->lines[BUS_TAIL].ready = true;
	bus->stood_still = false;
	for (size_t i = 0; i < count; i++)
		if (!take_entry(bus, entries->items[i], now_us))
			return;
	/* What was in the log before it was asked for is not: this is another Redis, or one that
	 * lags behind. */
	if (is_end && position_before(bus->position, bus->due)) {
		if (now_us - bus->known_us >= BUS_SILENCE_US) {
			bus_restart(bus, "behind", "the log that is read lacks events", now_us);
			return;
		}
	} else if (is_end) {
		caught_up(bus, now_us);
	}
	report(bus, now_us);
	if (!position_equal(bus->position, before) || ++bus->idle_reads < BUS_IDLE_READS_MAX)
		read_on(bus, is_end, now_us);
}
