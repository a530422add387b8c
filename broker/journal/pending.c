#include "broker/journal/pending.h"

#include <stdlib.h>
#include <string.h>
#include "common/map.h"
#include "common/strbuf.h"

struct pending {
	struct list sent;    /* by number */
	struct list again;   /* sent before the connection was lost; by number */
	struct list waiting; /* by serial */
	struct map *names;   /* of those that wait: how, what and name -> the event that names it */
	/* The flush that waits, by mode; NULL: none. It covers all that waits with it. */
	struct pending_event *flush[2];
	uint64_t serial, number;
	size_t events_max, bytes_max;
	struct pending_counts counts;
	struct strbuf key;
	/* What is left of the event that is being added. */
	struct span kept[3][EVENT_NAMES_MAX];
};

/* The lists of names of an invalidation, and what each holds. */
static const char kinds[] = {'t', 'k', 'm'};

static void lists_of(const struct invalidation *what, const struct span *lists[3], size_t counts[3])
{
	lists[0] = what->tags;
	counts[0] = what->tag_count;
	lists[1] = what->keys;
	counts[1] = what->key_count;
	lists[2] = what->methods;
	counts[2] = what->method_count;
}

enum wsb_err pending_create(struct pending **out, size_t events_max, size_t bytes_max,
			    uint64_t seed)
{
	struct pending *pending = calloc(1, sizeof(*pending));

	*out = NULL;
	if (!pending)
		return WSB_ENOMEM;
	if (map_create(&pending->names, seed)) {
		free(pending);
		return WSB_ENOMEM;
	}
	list_init(&pending->sent);
	list_init(&pending->again);
	list_init(&pending->waiting);
	strbuf_init(&pending->key);
	pending->events_max = events_max;
	pending->bytes_max = bytes_max;
	*out = pending;
	return WSB_OK;
}

static void free_all(struct list *list)
{
	struct list_node *node;

	while ((node = list_pop(list)))
		free(list_entry(node, struct pending_event, link));
}

void pending_destroy(struct pending *pending)
{
	if (!pending)
		return;
	free_all(&pending->sent);
	free_all(&pending->again);
	free_all(&pending->waiting);
	map_destroy(pending->names);
	strbuf_fini(&pending->key);
	free(pending);
}

/* Several tags that an entry must all carry are one name. */
static bool is_joint(const struct invalidation *what)
{
	return what->match == MATCH_ALL && what->tag_count > 1;
}

static struct span key_of(struct pending *pending, enum invalidation_mode mode, char kind,
			  struct span name)
{
	const char how[] = {mode == INVALIDATE_HARD ? 'h' : 's', kind};

	strbuf_clear(&pending->key);
	strbuf_add(&pending->key, span_of(how, sizeof(how)));
	strbuf_add(&pending->key, name);
	return strbuf_span(&pending->key);
}

/* Whether one that waits says as much: in the same way, or in the harder one. */
static bool is_named(struct pending *pending, enum invalidation_mode mode, char kind,
		     struct span name)
{
	if (map_get(pending->names, key_of(pending, INVALIDATE_HARD, kind, name)))
		return true;
	return mode == INVALIDATE_SOFT &&
	       map_get(pending->names, key_of(pending, INVALIDATE_SOFT, kind, name));
}

static bool is_flushed(const struct pending *pending, enum invalidation_mode mode)
{
	return pending->flush[INVALIDATE_HARD] ||
	       (mode == INVALIDATE_SOFT && pending->flush[INVALIDATE_SOFT]);
}

/* What of it nobody that waits has said yet, in `left`. False: nothing. */
static bool subtract(struct pending *pending, const struct invalidation *what,
		     struct invalidation *left)
{
	const struct span *lists[3];
	size_t counts[3], kept[3] = {0};

	*left = *what;
	if (is_flushed(pending, what->mode))
		return false;
	if (what->all || is_joint(what))
		return true;
	lists_of(what, lists, counts);
	for (size_t i = 0; i < 3; i++) {
		for (size_t n = 0; n < counts[i] && n < EVENT_NAMES_MAX; n++)
			if (!is_named(pending, what->mode, kinds[i], lists[i][n]))
				pending->kept[i][kept[i]++] = lists[i][n];
	}
	left->tags = pending->kept[0];
	left->tag_count = kept[0];
	left->keys = pending->kept[1];
	left->key_count = kept[1];
	left->methods = pending->kept[2];
	left->method_count = kept[2];
	return kept[0] + kept[1] + kept[2] > 0;
}

static struct span put(char **at, struct span text)
{
	struct span copy = span_of(*at, text.len);

	if (!text.at)
		return text;
	if (text.len > 0)
		memcpy(*at, text.at, text.len);
	*at += text.len;
	return copy;
}

static struct span *put_list(char **at, struct span **slots, const struct span *list, size_t count)
{
	struct span *copies = *slots;

	for (size_t i = 0; i < count; i++)
		copies[i] = put(at, list[i]);
	*slots += count;
	return copies;
}

static size_t size_of(const struct event *event, struct span inbox_entry, size_t *names)
{
	size_t bytes = event->source.len + event->id.len + event->cause.len + inbox_entry.len;
	const struct span *lists[3];
	size_t counts[3];

	*names = 0;
	lists_of(&event->what, lists, counts);
	for (size_t i = 0; i < 3; i++) {
		*names += counts[i];
		for (size_t n = 0; n < counts[i]; n++)
			bytes += lists[i][n].len;
	}
	return bytes;
}

/* A copy in one piece of memory. NULL: there is none. */
static struct pending_event *copy(const struct event *event, struct span inbox_entry)
{
	size_t names;
	size_t texts = size_of(event, inbox_entry, &names);
	size_t bytes = sizeof(struct pending_event) + names * sizeof(struct span) + texts;
	struct pending_event *made = malloc(bytes);
	struct span *slots = (struct span *)(made + 1);
	struct invalidation *what;
	char *at = (char *)(slots + names);

	if (!made)
		return NULL;
	*made = (struct pending_event){.event = *event, .bytes = bytes};
	made->event.json = (struct span){0};
	list_node_init(&made->link);
	what = &made->event.what;
	made->event.source = put(&at, event->source);
	made->event.id = put(&at, event->id);
	made->event.cause = put(&at, event->cause);
	made->inbox_entry = put(&at, inbox_entry);
	what->tags = put_list(&at, &slots, event->what.tags, event->what.tag_count);
	what->keys = put_list(&at, &slots, event->what.keys, event->what.key_count);
	what->methods = put_list(&at, &slots, event->what.methods, event->what.method_count);
	return made;
}

/* Notes its names, or takes them off again. One that cannot be noted is only not merged with. */
static void index_names(struct pending *pending, struct pending_event *event, bool add)
{
	const struct invalidation *what = &event->event.what;
	const struct span *lists[3];
	size_t counts[3];

	if (what->all)
		pending->flush[what->mode] = add ? event : NULL;
	lists_of(what, lists, counts);
	for (size_t i = 0; i < 3; i++) {
		if (i == 0 && is_joint(what))
			continue;
		for (size_t n = 0; n < counts[i]; n++) {
			struct span key = key_of(pending, what->mode, kinds[i], lists[i][n]);

			if (!add && map_get(pending->names, key) == event)
				map_remove(pending->names, key);
			if (add && map_put(pending->names, key, event) == WSB_ENOMEM)
				return;
		}
	}
}

/* Off the list of those that wait, and its names with it. */
static void leave(struct pending *pending, struct pending_event *event)
{
	if (event->indexed)
		index_names(pending, event, false);
	event->indexed = false;
	list_remove(&pending->waiting, &event->link);
	pending->counts.waiting--;
	pending->counts.bytes -= event->bytes;
}

static void wait_for_turn(struct pending *pending, struct pending_event *event,
			  struct list_node *place)
{
	list_insert_before(&pending->waiting, place, &event->link);
	pending->counts.waiting++;
	pending->counts.bytes += event->bytes;
}

/* Everything that waits becomes one flush, under the name of the last of them. */
static enum wsb_err overflow(struct pending *pending, const struct event *last)
{
	enum invalidation_mode mode = last->what.mode;
	struct pending_event *event;
	struct list_node *node;
	struct event flush = *last;

	while ((node = list_first(&pending->waiting))) {
		event = list_entry(node, struct pending_event, link);
		if (event->event.what.mode == INVALIDATE_HARD)
			mode = INVALIDATE_HARD;
		leave(pending, event);
		free(event);
	}
	pending->counts.overflows++;
	flush.type = EVENT_FLUSHED;
	flush.what = (struct invalidation){.mode = mode, .all = true};
	event = copy(&flush, (struct span){0});
	if (!event)
		return WSB_ENOMEM;
	event->serial = pending->serial;
	event->indexed = true;
	wait_for_turn(pending, event, &pending->waiting.head);
	index_names(pending, event, true);
	return WSB_OK;
}

enum wsb_err pending_add(struct pending *pending, const struct event *event,
			 struct span inbox_entry, bool merge)
{
	struct event left = *event;
	struct pending_event *made;
	/* Another broker may turn out to have logged it, before what would be merged with it. */
	bool index = merge && !inbox_entry.at;

	if (index && !subtract(pending, &event->what, &left.what)) {
		pending->counts.merged++;
		return WSB_OK;
	}
	pending->serial++;
	if (pending->counts.waiting >= pending->events_max ||
	    pending->counts.bytes >= pending->bytes_max)
		return overflow(pending, event);
	made = copy(&left, inbox_entry);
	if (!made)
		return WSB_ENOMEM;
	made->serial = pending->serial;
	made->indexed = index;
	wait_for_turn(pending, made, &pending->waiting.head);
	if (index)
		index_names(pending, made, true);
	return WSB_OK;
}

const struct pending_event *pending_next(struct pending *pending)
{
	struct list_node *node = list_pop(&pending->again);
	struct pending_event *event;

	if (!node) {
		node = list_first(&pending->waiting);
		if (!node)
			return NULL;
		leave(pending, list_entry(node, struct pending_event, link));
	}
	event = list_entry(node, struct pending_event, link);
	if (event->number == 0)
		event->number = ++pending->number;
	list_append(&pending->sent, &event->link);
	pending->counts.sent = pending->sent.count + pending->again.count;
	return event;
}

size_t pending_due(const struct pending *pending)
{
	return pending->again.count + pending->waiting.count;
}

static struct pending_event *pop_sent(struct pending *pending)
{
	struct list_node *node = list_pop(&pending->sent);

	pending->counts.sent = pending->sent.count + pending->again.count;
	return node ? list_entry(node, struct pending_event, link) : NULL;
}

void pending_logged(struct pending *pending)
{
	free(pop_sent(pending));
}

/* Behind those of lower serial that were refused before it. */
void pending_refused(struct pending *pending)
{
	struct pending_event *event = pop_sent(pending);
	struct list_node *place = pending->waiting.head.next;

	if (!event)
		return;
	event->number = 0;
	while (place != &pending->waiting.head &&
	       list_entry(place, struct pending_event, link)->serial < event->serial)
		place = place->next;
	wait_for_turn(pending, event, place);
}

void pending_rewind(struct pending *pending)
{
	struct list_node *node;

	/* What was to come again already stands behind what has been sent again by now. */
	while ((node = pending->sent.head.prev) != &pending->sent.head) {
		list_remove(&pending->sent, node);
		list_prepend(&pending->again, node);
	}
	pending->counts.sent = pending->again.count;
}

uint64_t pending_serial(const struct pending *pending)
{
	return pending->serial;
}

static uint64_t lowest(const struct list *list, uint64_t bound)
{
	list_each(list, node) {
		const struct pending_event *event = list_entry(node, struct pending_event, link);

		if (event->serial < bound)
			bound = event->serial;
	}
	return bound;
}

/* What waits is in order; what is sent need not be, when some of it was refused before. */
uint64_t pending_settled(const struct pending *pending)
{
	uint64_t open = lowest(&pending->again, lowest(&pending->sent, pending->serial + 1));
	struct list_node *node = list_first(&pending->waiting);

	if (node && list_entry(node, struct pending_event, link)->serial < open)
		open = list_entry(node, struct pending_event, link)->serial;
	return open - 1;
}

const struct pending_counts *pending_counts(const struct pending *pending)
{
	return &pending->counts;
}
