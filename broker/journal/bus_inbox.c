#include <jansson.h>
#include "broker/journal/bus_state.h"

/* So long an entry may lie with a broker that has not acknowledged it, before another takes it. */
#define CLAIM_IDLE_MS "5000"

static void say(struct bus *bus, enum bus_ask ask, const struct span *words, size_t count,
		uint64_t now_us)
{
	bus_say(bus, BUS_INBOX, ask, words, count, now_us);
}

/* From the first entry on: those that came while no broker ran wait too. */
void inbox_begin(struct bus *bus, uint64_t now_us)
{
	const struct span words[] = {
		span_text("XGROUP"),	 span_text("CREATE"), strbuf_span(&bus->script.inbox),
		span_text(SCRIPT_GROUP), span_text("0"),      span_text("MKSTREAM")};

	say(bus, ASK_GROUP, words, 6, now_us);
}

static void claim(struct bus *bus, uint64_t now_us)
{
	const struct span words[] = {span_text("XAUTOCLAIM"),  strbuf_span(&bus->script.inbox),
				     span_text(SCRIPT_GROUP),  span_text(bus->node),
				     span_text(CLAIM_IDLE_MS), span_text("0-0"),
				     span_text("COUNT"),       span_text(BUS_INBOX_WORDS)};

	say(bus, ASK_CLAIM, words, 8, now_us);
}

static void take(struct bus *bus, uint64_t now_us)
{
	const struct span words[] = {span_text("XREADGROUP"), span_text("GROUP"),
				     span_text(SCRIPT_GROUP), span_text(bus->node),
				     span_text("COUNT"),      span_text(BUS_INBOX_WORDS),
				     span_text("BLOCK"),      span_text("1000"),
				     span_text("STREAMS"),    strbuf_span(&bus->script.inbox),
				     span_text(">")};

	say(bus, ASK_TAKE, words, 11, now_us);
}

/* What scripts ask for goes no faster than it is logged. */
void inbox_go_on(struct bus *bus, uint64_t now_us)
{
	const struct bus_line *line = &bus->lines[BUS_INBOX];

	if (line->ready && line->count == 0 && bus_queued(bus) < BUS_WINDOW)
		claim(bus, now_us);
}

/* A value as a member of an invalidation: an array where it looks like one, else the text. */
static json_t *member(struct span value)
{
	if (value.len > 0 && value.at[0] == '[')
		return json_loadb(value.at, value.len, 0, NULL);
	return json_stringn(value.at, value.len);
}

/* A field that comes again says more of the same: `tags a tags b` names both. */
static int add_member(json_t *members, struct span name, json_t *made)
{
	json_t *before = json_object_getn(members, name.at, name.len);
	json_t *all;
	int failed;

	if (!before)
		return json_object_setn_new(members, name.at, name.len, made);
	all = json_is_array(before) ? json_incref(before) : json_pack("[O]", before);
	failed = !all || (json_is_array(made) ? json_array_extend(all, made)
					      : json_array_append(all, made));
	json_decref(made);
	if (failed) {
		json_decref(all);
		return -1;
	}
	return json_object_setn_new(members, name.at, name.len, all);
}

/* The fields of an entry as the members of a call. NULL: they are none. */
static json_t *members_of(const struct redis_value *fields)
{
	json_t *members = json_object();

	for (size_t i = 0; members && i + 1 < redis_count(fields); i += 2) {
		struct span name = redis_text(redis_item(fields, i));
		struct span value = redis_text(redis_item(fields, i + 1));
		json_t *made =
			!value.at ? NULL
			: span_is(name, "all") && (span_is(value, "true") || span_is(value, "1"))
				? json_true()
				: member(value);

		if (!name.at || !made || add_member(members, name, made)) {
			json_decref(members);
			return NULL;
		}
	}
	return members;
}

/* It asks for nothing that could be done, and would come again and again. */
static void discard(struct bus *bus, struct span id, const char *why, uint64_t now_us)
{
	const struct span ack[] = {span_text("XACK"), strbuf_span(&bus->script.inbox),
				   span_text(SCRIPT_GROUP), id};
	const struct span del[] = {span_text("XDEL"), strbuf_span(&bus->script.inbox), id};

	bus_note_odd(bus, "inbox", why);
	if (!bus_has_room(bus))
		return;
	bus_say(bus, BUS_COMMANDS, ASK_SAY, ack, 4, now_us);
	bus_say(bus, BUS_COMMANDS, ASK_SAY, del, 3, now_us);
}

static void take_entry(struct bus *bus, const struct redis_value *entry, uint64_t now_us)
{
	struct span id = redis_text(redis_item(entry, 0));
	json_t *members = members_of(redis_item(entry, 1));
	char why[INVALIDATION_WHY_MAX] = "its fields are no texts or JSON arrays";
	struct invalidation_held held;

	if (!id.at) {
		bus->stats.malformed++;
	} else if (!members || invalidation_read(members, &held, why)) {
		discard(bus, id, why, now_us);
	} else {
		bus->stats.inbox++;
		bus->inbox_entry = id;
		bus->ports.asked(bus->ports.context, &held.what, now_us);
		bus->inbox_entry = (struct span){0};
		invalidation_held_fini(&held);
	}
	json_decref(members);
}

static void take_entries(struct bus *bus, const struct redis_value *entries, uint64_t now_us)
{
	for (size_t i = 0; i < redis_count(entries); i++)
		take_entry(bus, entries->items[i], now_us);
}

/* Redis is not what it was, for the log neither. Whatever else the inbox suffers from (its key, a
 * right, a command that is missing) is its own affair. */
static bool concerns_all(struct span error)
{
	static const char *const codes[] = {"READONLY", "UNBLOCKED", "LOADING", "MASTERDOWN"};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (span_begins(error, codes[i]))
			return true;
	return false;
}

/* The group has gone with Redis' data. */
static void take_error(struct bus *bus, const struct redis_value *value, uint64_t now_us)
{
	if (span_begins(value->text, "BUSYGROUP")) {
		bus->lines[BUS_INBOX].ready = true;
		claim(bus, now_us);
	} else if (span_begins(value->text, "NOGROUP")) {
		inbox_begin(bus, now_us);
	} else if (concerns_all(value->text)) {
		bus_restart_for(bus, "refused", value, now_us);
	} else {
		strbuf_clear(&bus->text);
		strbuf_plain(&bus->text, value->text);
		bus_note_odd(bus, "inbox", strbuf_span(&bus->text).at);
		bus_lost(bus, BUS_INBOX, "refused", "", now_us);
	}
}

void inbox_answer(struct bus *bus, enum bus_ask ask, const struct redis_value *value,
		  uint64_t now_us)
{
	if (value->kind == REDIS_ERROR) {
		take_error(bus, value, now_us);
		return;
	}
	if (ask == ASK_GROUP) {
		bus->lines[BUS_INBOX].ready = true;
		claim(bus, now_us);
	} else if (ask == ASK_CLAIM) {
		take_entries(bus, redis_item(value, 1), now_us);
		take(bus, now_us);
	} else {
		take_entries(bus, redis_item(redis_item(value, 0), 1), now_us);
		inbox_go_on(bus, now_us);
	}
}
