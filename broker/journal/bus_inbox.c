#include <jansson.h>
#include <string.h>
#include "broker/journal/bus_state.h"

/* So long an entry may lie with a broker that has not acknowledged it, before another takes it. */
#define CLAIM_IDLE    5000
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

/* What others took and did not acknowledge, from where the search for it ended last: what has been
 * deleted meanwhile stays in the list before Redis 7, and must not hide what stands behind it. */
static void claim(struct bus *bus, uint64_t now_us)
{
	const struct span words[] = {span_text("XAUTOCLAIM"),  strbuf_span(&bus->script.inbox),
				     span_text(SCRIPT_GROUP),  span_text(bus->node),
				     span_text(CLAIM_IDLE_MS), span_text(bus->claim_from),
				     span_text("COUNT"),       span_text(BUS_INBOX_WORDS)};
	const struct span owed[] = {span_text("XPENDING"),   strbuf_span(&bus->script.inbox),
				    span_text(SCRIPT_GROUP), span_text(bus->claim_from),
				    span_text("+"),	     span_text(BUS_INBOX_WORDS)};

	if (bus->claims_by_hand)
		say(bus, ASK_OWED, owed, 6, now_us);
	else
		say(bus, ASK_CLAIM, words, 8, now_us);
}

/* id: where to go on; absent: at the beginning. */
static void claim_from(struct bus *bus, struct span id)
{
	if (id.len == 0 || id.len >= sizeof(bus->claim_from))
		id = span_text("0-0");
	memcpy(bus->claim_from, id.at, id.len);
	bus->claim_from[id.len] = '\0';
}

/* Whether what was read may be acknowledged, by the script too: else the same entries would be
 * logged again and again. There is no such entry. */
static void try_rights(struct bus *bus, uint64_t now_us)
{
	const struct span inbox = strbuf_span(&bus->script.inbox), none = span_text("0-0");
	const struct span ack[] = {span_text("XACK"), inbox, span_text(SCRIPT_GROUP), none};
	const struct span del[] = {span_text("XDEL"), inbox, none};
	const struct span owed[] = {span_text("XPENDING"), inbox, span_text(SCRIPT_GROUP)};

	say(bus, ASK_TRY, ack, 4, now_us);
	say(bus, ASK_TRY, del, 3, now_us);
	say(bus, ASK_TRY, owed, 3, now_us);
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
			!name.at || !value.at ? NULL
			: span_is(name, "all") && (span_is(value, "true") || span_is(value, "1"))
				? json_true()
				: member(value);

		if (!made || add_member(members, name, made)) {
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
	bus_say(bus, BUS_COMMANDS, ASK_DROP, ack, 4, now_us);
	bus_say(bus, BUS_COMMANDS, ASK_DROP, del, 3, now_us);
}

/* An event each for what does not fit into one. The last one acknowledges the entry: if this broker
 * dies before, another takes all of it. */
static void ask(struct bus *bus, struct span id, const struct invalidation *what, uint64_t now_us)
{
	struct invalidation_parts parts = {.rest = *what};
	struct invalidation part, next;
	bool more = invalidation_next_part(&parts, &next);

	while (more) {
		part = next;
		more = invalidation_next_part(&parts, &next);
		bus->inbox_entry = more ? (struct span){0} : id;
		bus->ports.asked(bus->ports.context, &part, now_us);
	}
	bus->inbox_entry = (struct span){0};
}

static void take_entry(struct bus *bus, const struct redis_value *entry, uint64_t now_us)
{
	struct span id = redis_text(redis_item(entry, 0));
	json_t *members;
	char why[INVALIDATION_WHY_MAX] = "its fields are no texts or JSON arrays";
	struct invalidation_held held;

	/* Deleted since it was taken. */
	if (entry->kind == REDIS_NIL)
		return;
	members = members_of(redis_item(entry, 1));
	if (!id.at) {
		bus->stats.malformed++;
	} else if (!members || invalidation_read(members, &held, why)) {
		discard(bus, id, why, now_us);
	} else {
		bus->stats.inbox++;
		ask(bus, id, &held.what, now_us);
		invalidation_held_fini(&held);
	}
	json_decref(members);
}

/* In an answer about one stream. */
static const struct redis_value *entries_of(const struct redis_value *value)
{
	return redis_item(redis_item(value, 0), 1);
}

static void take_entries(struct bus *bus, const struct redis_value *entries, uint64_t now_us)
{
	for (size_t i = 0; i < redis_count(entries); i++)
		take_entry(bus, entries->items[i], now_us);
}

/* Of what is owed, [id, consumer, idle milliseconds, ...] each, that which has lain for too long.
 */
static void claim_owed(struct bus *bus, const struct redis_value *owed, uint64_t now_us)
{
	struct span words[5 + BUS_INBOX_MAX] = {
		span_text("XCLAIM"), strbuf_span(&bus->script.inbox), span_text(SCRIPT_GROUP),
		span_text(bus->node), span_text(CLAIM_IDLE_MS)};
	const size_t seen = redis_count(owed);
	size_t count = 5;

	for (size_t i = 0; i < seen && count < sizeof(words) / sizeof(words[0]); i++) {
		const struct redis_value *idle = redis_item(owed->items[i], 2);
		struct span id = redis_text(redis_item(owed->items[i], 0));

		if (id.at && idle && idle->kind == REDIS_INTEGER && idle->integer >= CLAIM_IDLE)
			words[count++] = id;
	}
	claim_from(bus, seen < BUS_INBOX_MAX ? (struct span){0}
					     : redis_text(redis_item(owed->items[seen - 1], 0)));
	if (count > 5)
		say(bus, ASK_CLAIMED, words, count, now_us);
	else
		take(bus, now_us);
}

/* The group is there. */
static void begin_reading(struct bus *bus, uint64_t now_us)
{
	bus->lines[BUS_INBOX].ready = true;
	claim_from(bus, (struct span){0});
	bus->claims_by_hand = false;
	try_rights(bus, now_us);
	claim(bus, now_us);
}

/* The group has gone with Redis' data. Where it goes again and again, that is told. */
static void make_group_again(struct bus *bus, const struct redis_value *value, uint64_t now_us)
{
	bus->lines[BUS_INBOX].ready = false;
	if (++bus->losses[BUS_INBOX] < BUS_LOSSES_MAX)
		inbox_begin(bus, now_us);
	else
		bus_leave_out(bus, BUS_INBOX, value->text, now_us);
}

/* Whatever else the inbox suffers from (its key, a right, a
 * command that is missing) is its own affair. */
static void take_error(struct bus *bus, enum bus_ask ask, const struct redis_value *value,
		       uint64_t now_us)
{
	if (ask == ASK_GROUP && span_begins(value->text, "BUSYGROUP")) {
		begin_reading(bus, now_us);
	} else if (ask == ASK_CLAIM && span_begins(value->text, "ERR unknown command")) {
		bus->claims_by_hand = true;
		claim(bus, now_us);
	} else if (ask != ASK_GROUP && span_begins(value->text, "NOGROUP")) {
		/* What was asked for behind the tries will say so too. */
		if (ask != ASK_TRY)
			make_group_again(bus, value, now_us);
	} else if (refusal_concerns_all(value->text)) {
		bus_restart_for(bus, "refused", value, now_us);
	} else {
		bus_leave_out(bus, BUS_INBOX, value->text, now_us);
	}
}

void inbox_answer(struct bus *bus, enum bus_ask ask, const struct redis_value *value,
		  uint64_t now_us)
{
	if (value->kind == REDIS_ERROR) {
		take_error(bus, ask, value, now_us);
		return;
	}
	switch (ask) {
	case ASK_GROUP:
		begin_reading(bus, now_us);
		break;
	case ASK_TRY:
		break;
	case ASK_CLAIM:
		claim_from(bus, redis_text(redis_item(value, 0)));
		take_entries(bus, redis_item(value, 1), now_us);
		take(bus, now_us);
		break;
	case ASK_OWED:
		claim_owed(bus, value, now_us);
		break;
	case ASK_CLAIMED:
		take_entries(bus, value, now_us);
		take(bus, now_us);
		break;
	default:
		bus_line_works(bus, BUS_INBOX, now_us);
		take_entries(bus, entries_of(value), now_us);
		/* Else with the tick: who does not wait before it says that there are none would be
		 * asked again and again. */
		if (redis_count(entries_of(value)) > 0)
			inbox_go_on(bus, now_us);
		break;
	}
}
