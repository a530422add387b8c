#include "broker/journal/journal.h"

#include <stdlib.h>
#include <string.h>
#include "common/map.h"
#include "proto/transcode.h"

/* What all readers together spend on a step, about 5 ms; and what each may in any case. */
#define WORK_OF_ALL  ((size_t)1 << 17)
#define WORK_OF_EACH ((size_t)1 << 10)

#define CHAINS 16384 /* of entries by source and id; a power of two above JOURNAL_EVENTS_MAX */

/* Lies in one piece with its tags and texts behind it. */
struct entry {
	struct journal_entry shown;
	size_t bytes;
	uint64_t hash;
	struct entry *chained;
	char *packed; /* its text in MessagePack, once somebody has asked for it */
	size_t packed_len;
	bool passed; /* no reader is to see it */
};

/* Entries are counted from here on, and back to what was before; the one with number n lies at n %
 * JOURNAL_EVENTS_MAX. */
#define FIRST (JOURNAL_EVENTS_MAX + UINT64_C(1))

struct journal {
	struct entry *ring[JOURNAL_EVENTS_MAX];
	struct entry *chains[CHAINS];
	uint64_t first;	       /* the oldest that is kept */
	uint64_t next;	       /* behind the latest */
	struct position floor; /* of what stood before the oldest */
	struct position top;
	size_t bytes;
	uint64_t seed;
};

enum wsb_err journal_create(struct journal **out, uint64_t epoch_ms, uint64_t seed)
{
	struct journal *journal = calloc(1, sizeof(*journal));

	*out = NULL;
	if (!journal)
		return WSB_ENOMEM;
	journal->first = FIRST;
	journal->next = FIRST;
	journal->seed = seed;
	journal_begin(journal, (struct position){.epoch = epoch_ms});
	*out = journal;
	return WSB_OK;
}

void journal_begin(struct journal *journal, struct position at)
{
	journal->floor = at;
	journal->top = at;
}

static struct entry *entry_at(const struct journal *journal, uint64_t number)
{
	return journal->ring[number % JOURNAL_EVENTS_MAX];
}

static struct entry **chain_of(struct journal *journal, uint64_t hash)
{
	return &journal->chains[hash & (CHAINS - 1)];
}

static uint64_t hash_of(const struct journal *journal, struct span source, struct span id)
{
	return hash_bytes(id, hash_bytes(source, journal->seed));
}

static void entry_destroy(struct entry *entry)
{
	free(entry->packed);
	free(entry);
}

static void forget_oldest(struct journal *journal)
{
	struct entry *entry = entry_at(journal, journal->first);
	struct entry **link = chain_of(journal, entry->hash);

	while (*link && *link != entry)
		link = &(*link)->chained;
	if (*link)
		*link = entry->chained;
	journal->floor = entry->shown.event.position;
	journal->bytes -= entry->bytes;
	journal->ring[journal->first % JOURNAL_EVENTS_MAX] = NULL;
	journal->first++;
	entry_destroy(entry);
}

void journal_destroy(struct journal *journal)
{
	if (!journal)
		return;
	while (journal->first != journal->next)
		forget_oldest(journal);
	free(journal);
}

struct position journal_top(const struct journal *journal)
{
	return journal->top;
}

size_t journal_count(const struct journal *journal)
{
	return (size_t)(journal->next - journal->first);
}

size_t journal_bytes(const struct journal *journal)
{
	return sizeof(*journal) + journal->bytes;
}

bool journal_knows(const struct journal *journal, struct span source, struct span id)
{
	const uint64_t hash = hash_of(journal, source, id);
	const struct entry *entry = journal->chains[hash & (CHAINS - 1)];

	for (; entry; entry = entry->chained) {
		if (entry->hash == hash && span_equal(entry->shown.event.source, source) &&
		    span_equal(entry->shown.event.id, id))
			return true;
	}
	return false;
}

static void add(struct journal *journal, struct entry *entry)
{
	if (journal_count(journal) == JOURNAL_EVENTS_MAX)
		forget_oldest(journal);
	while (journal->bytes + entry->bytes > JOURNAL_BYTES_MAX && journal->first != journal->next)
		forget_oldest(journal);
	journal->ring[journal->next % JOURNAL_EVENTS_MAX] = entry;
	journal->next++;
	journal->bytes += entry->bytes;
	journal->top = entry->shown.event.position;
}

/* Copies text to *at, which moves behind it. */
static struct span keep(char **at, struct span text)
{
	struct span kept = span_of(*at, text.len);

	if (text.len > 0)
		memcpy(*at, text.at, text.len);
	*at += text.len;
	return kept;
}

static size_t text_bytes(const struct event *event)
{
	size_t bytes = event->source.len + event->id.len + event->cause.len;

	for (size_t i = 0; i < event->what.tag_count; i++)
		bytes += event->what.tags[i].len;
	return bytes;
}

static struct entry *entry_create(const struct event *event, struct span json)
{
	const size_t tags = event->what.tag_count;
	const size_t bytes =
		sizeof(struct entry) + tags * sizeof(struct span) + text_bytes(event) + json.len;
	struct entry *entry = malloc(bytes);
	struct span *kept_tags;
	char *at;

	if (!entry)
		return NULL;
	*entry = (struct entry){.shown.event = *event, .bytes = bytes};
	kept_tags = (struct span *)(entry + 1);
	at = (char *)(kept_tags + tags);
	for (size_t i = 0; i < tags; i++)
		kept_tags[i] = keep(&at, event->what.tags[i]);
	entry->shown.event.json = (struct span){0};
	entry->shown.event.what.tags = kept_tags;
	entry->shown.event.what.keys = NULL;
	entry->shown.event.what.key_count = 0;
	entry->shown.event.what.methods = NULL;
	entry->shown.event.what.method_count = 0;
	entry->shown.event.source = keep(&at, event->source);
	entry->shown.event.id = keep(&at, event->id);
	entry->shown.event.cause = keep(&at, event->cause);
	entry->shown.json = keep(&at, json);
	return entry;
}

static void chain(struct journal *journal, struct entry *entry)
{
	const struct event *event = &entry->shown.event;
	struct entry **head;

	entry->hash = hash_of(journal, event->source, event->id);
	head = chain_of(journal, entry->hash);
	entry->chained = *head;
	*head = entry;
}

/* The event at this position could not be kept: all who come from before it find a hole, those that
 * wait for it too. */
static void lose(struct journal *journal, struct position at)
{
	while (journal->first != journal->next)
		forget_oldest(journal);
	journal->first = ++journal->next;
	journal->floor = at;
	journal->top = at;
}

/* The entry with its text; NULL: there is no memory. */
static struct entry *entry_write(const struct event *event)
{
	struct strbuf json;
	struct entry *entry = NULL;

	if (event->json.at)
		return entry_create(event, event->json);
	strbuf_init(&json);
	if (event_write(ENCODING_JSON, event, &json) == WSB_OK)
		entry = entry_create(event, strbuf_span(&json));
	strbuf_fini(&json);
	return entry;
}

/* Few follow in MessagePack, and what was logged came as JSON. */
struct span journal_packed(struct journal *journal, const struct journal_entry *shown)
{
	struct entry *entry = (struct entry *)((char *)shown - offsetof(struct entry, shown));
	struct strbuf text;

	if (!entry->packed) {
		strbuf_init(&text);
		if (transcode(ENCODING_JSON, ENCODING_MSGPACK, shown->json, &text) != WSB_OK) {
			strbuf_fini(&text);
			return (struct span){0};
		}
		entry->packed = text.text;
		entry->packed_len = text.len;
		entry->bytes += text.capacity;
		journal->bytes += text.capacity;
	}
	return span_of(entry->packed, entry->packed_len);
}

static enum wsb_err append_numbered(struct journal *journal, const struct event *event)
{
	struct entry *entry = entry_write(event);

	if (!entry) {
		lose(journal, event->position);
		return WSB_ENOMEM;
	}
	add(journal, entry);
	chain(journal, entry);
	return WSB_OK;
}

enum wsb_err journal_append(struct journal *journal, const struct event *event,
			    struct position *numbered)
{
	struct event copy = *event;
	struct position at = event->position;

	if (!position_is_set(at)) {
		at = journal->top;
		at.seq += event->type != EVENT_RESYNC;
	} else if (!position_before(journal->top, at)) {
		if (event->type != EVENT_RESYNC)
			return WSB_EEXIST;
		at = journal->top;
	}
	event_place(&copy, at);
	if (numbered)
		*numbered = copy.position;
	return append_numbered(journal, &copy);
}

enum wsb_err journal_pass(struct journal *journal, struct position at)
{
	const struct event nothing = {.type = EVENT_OTHER, .position = at};
	struct entry *entry;

	if (!position_before(journal->top, at))
		return WSB_EEXIST;
	entry = entry_create(&nothing, (struct span){0});
	if (!entry) {
		lose(journal, at);
		return WSB_ENOMEM;
	}
	entry->passed = true;
	add(journal, entry);
	return WSB_OK;
}

enum wsb_err journal_recall(struct journal *journal, const struct event *event, bool is_shown)
{
	bool passed = !is_shown || journal_knows(journal, event->source, event->id);
	struct entry *entry;

	if (journal->floor.seq == 0 || !position_equal(event->position, journal->floor))
		return WSB_EEXIST;
	if (journal_count(journal) == JOURNAL_EVENTS_MAX)
		return WSB_ELIMIT;
	entry = passed ? entry_create(
				 &(struct event){.type = EVENT_OTHER, .position = event->position},
				 (struct span){0})
		       : entry_write(event);
	if (!entry)
		return WSB_ENOMEM;
	if (journal->bytes + entry->bytes > JOURNAL_BYTES_MAX) {
		entry_destroy(entry);
		return WSB_ELIMIT;
	}
	entry->passed = passed;
	journal->ring[--journal->first % JOURNAL_EVENTS_MAX] = entry;
	journal->bytes += entry->bytes;
	journal->floor.seq--;
	if (!passed)
		chain(journal, entry);
	return WSB_OK;
}

journal_cursor journal_end(const struct journal *journal)
{
	return journal->next;
}

/* The first entry that does not stand before the position. */
static uint64_t lower_bound(const struct journal *journal, struct position position)
{
	uint64_t low = journal->first;
	uint64_t high = journal->next;

	while (low < high) {
		const uint64_t middle = low + (high - low) / 2;

		if (position_before(entry_at(journal, middle)->shown.event.position, position))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool journal_since(const struct journal *journal, struct position seen, journal_cursor *cursor)
{
	uint64_t number;

	if (position_equal(seen, journal->floor)) {
		*cursor = journal->first;
		return true;
	}
	number = lower_bound(journal, seen);
	*cursor = journal->next;
	if (number == journal->next ||
	    !position_equal(entry_at(journal, number)->shown.event.position, seen))
		return false;
	*cursor = number + 1;
	return true;
}

bool journal_since_time(const struct journal *journal, uint64_t wall_us, journal_cursor *cursor)
{
	uint64_t number = journal->first;

	while (number < journal->next && entry_at(journal, number)->shown.event.time_us < wall_us)
		number++;
	*cursor = number;
	return number > journal->first || journal->floor.seq == 0;
}

bool journal_holds(const struct journal *journal, journal_cursor cursor)
{
	return cursor >= journal->first;
}

enum wsb_err journal_next(const struct journal *journal, journal_cursor *cursor,
			  const struct journal_entry **out)
{
	const struct entry *entry;

	if (!journal_holds(journal, *cursor))
		return WSB_ELIMIT;
	do {
		if (*cursor >= journal->next)
			return WSB_ENOENT;
		entry = entry_at(journal, (*cursor)++);
	} while (entry->passed);
	*out = &entry->shown;
	return WSB_OK;
}

size_t journal_share(size_t readers)
{
	const size_t share = readers ? WORK_OF_ALL / readers : WORK_OF_ALL;

	return share > WORK_OF_EACH ? share : WORK_OF_EACH;
}

enum wsb_err journal_next_of(const struct journal *journal, journal_cursor *cursor,
			     const struct span *globs, size_t glob_count, size_t *work,
			     const struct journal_entry **out)
{
	const struct journal_entry *entry;

	while (*work > 0) {
		enum wsb_err err = journal_next(journal, cursor, &entry);
		size_t spent;

		if (err != WSB_OK)
			return err;
		spent = 1 + entry->event.what.tag_count * glob_count;
		*work -= spent < *work ? spent : *work;
		if (event_concerns(&entry->event, globs, glob_count)) {
			*out = entry;
			return WSB_OK;
		}
	}
	return WSB_ETIMEOUT;
}
