#include "broker/journal/bus_state.h"

/* Entries of one reading: their answer must not keep the loop, or what waits behind it, for long.
 */
#define PAST_MAX   64
#define PAST_WORDS "64"

void past_begin(struct bus *bus, uint64_t now_us)
{
	char text[POSITION_TEXT_MAX];
	const struct span words[] = {span_text("XREVRANGE"),
				     strbuf_span(&bus->script.log),
				     span_of(text, position_write(bus->past, text)),
				     span_text("-"),
				     span_text("COUNT"),
				     span_text(PAST_WORDS)};

	if (bus->past.seq == 0 || bus->past_asked || !bus->lines[BUS_COMMANDS].ready ||
	    !bus_has_room(bus))
		return;
	bus->past_asked = true;
	bus_say(bus, BUS_COMMANDS, ASK_PAST, words, 6, now_us);
}

/* False: there is no more to be had. */
static bool take(struct bus *bus, const struct redis_value *entry)
{
	struct span id = redis_text(redis_item(entry, 0));
	struct span text = tail_event(entry);
	struct position position;
	struct event_held held;
	bool is_read, wanted;

	if (!id.at || !position_read(id, &position) || !position_equal(position, bus->past))
		return false;
	is_read = text.at && event_read(ENCODING_JSON, text, &held) == WSB_OK;
	if (!is_read)
		held.event = (struct event){.type = EVENT_OTHER};
	event_place(&held.event, position);
	wanted = bus->ports.past(bus->ports.context, &held.event);
	if (is_read)
		event_held_fini(&held);
	bus->past.seq--;
	return wanted;
}

void past_answer(struct bus *bus, const struct redis_value *value, uint64_t now_us)
{
	const size_t count = redis_count(value);
	bool wanted = count == PAST_MAX;

	bus->past_asked = false;
	for (size_t i = 0; i < count; i++) {
		if (!take(bus, value->items[i])) {
			wanted = false;
			break;
		}
	}
	if (!wanted)
		bus->past = (struct position){0};
	past_begin(bus, now_us);
}
