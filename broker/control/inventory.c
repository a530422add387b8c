#include "broker/control/inventory.h"

#include <stdint.h>
#include <string.h>
#include "broker/control/arena.h"
#include "broker/control/entry.h"
#include "common/nearest.h"
#include "broker/control/places.h"
#include "broker/control/reader.h"
#include "broker/control/value_text.h"
#include "common/glob.h"

/* So many keys of a section are named. */
#define SUGGESTIONS_MAX 8
/* Of each list so many entries are looked at for what may have been meant. */
#define LOOKED_AT_MAX 16

struct walk {
	const struct configuration *configuration;
	const struct inventory_query *query;
	size_t asked; /* values that were asked for so far */
	struct strbuf key;
	bool failed; /* there was no memory for a key */
	struct places places;
	const void *defaults[OPTION_SCOPES];
	void (*visit)(void *context, const struct inventory_item *item);
	void *context;
};

/* One struct of the running configuration, and what the file says of it. */
struct stand {
	enum option_scope scope;
	const void *base;
	const void *file; /* NULL: it is not in the file */
	yaml_node_t *node;
	const char *prefix;	      /* "pools.main." */
	const struct override *added; /* by which it has come at runtime */
};

static void walk_scope(struct walk *walk, const struct stand *stand);

static bool is_done(const struct walk *walk)
{
	return walk->query->count > 0 && walk->asked >= walk->query->from + walk->query->count;
}

/* Whether what begins with prefix may be asked for: as far as the pattern stands for itself, they
 * say the same. */
static bool may_lead(const struct walk *walk, struct span prefix)
{
	struct span pattern = walk->query->pattern;
	size_t literal = 0;

	while (literal < pattern.len && !strchr("*?\\", pattern.at[literal]))
		literal++;
	if (literal > prefix.len)
		literal = prefix.len;
	return literal == 0 || memcmp(pattern.at, prefix.at, literal) == 0;
}

/* Whether the values of an entry are looked at. */
static bool is_looked_at(const struct walk *walk, size_t position, struct span prefix)
{
	const struct inventory_query *query = walk->query;
	struct span near = query->near;

	if (query->entries > 0 && position >= query->entries &&
	    (near.len < prefix.len || memcmp(near.at, prefix.at, prefix.len) != 0))
		return false;
	return may_lead(walk, prefix);
}

/* Whether it is to be visited. */
static bool is_asked(struct walk *walk, struct span key, const struct override *override)
{
	const struct inventory_query *query = walk->query;

	if (is_done(walk) || (query->changed && !override) ||
	    (query->pattern.at && !inventory_asked(query->pattern, key)))
		return false;
	return walk->asked++ >= query->from;
}

/* The key of what is called so in a struct; valid until the next one is made. */
static struct span make_key(struct walk *walk, const char *prefix, const char *name)
{
	strbuf_clear(&walk->key);
	strbuf_text(&walk->key, prefix);
	strbuf_text(&walk->key, name);
	walk->failed |= walk->key.failed;
	return strbuf_span(&walk->key);
}

/* What is told by its place alone is never changed at runtime. */
static const struct override *find_change(const struct walk *walk, const struct stand *stand,
					  struct span key)
{
	if (stand->scope != SCOPE_CONFIG && !entries_have_names(stand->scope))
		return NULL;
	return overrides_find(&walk->configuration->overrides, key);
}

static enum value_source source_of(struct walk *walk, const struct stand *stand,
				   const struct option *option, const struct override *override)
{
	if (override)
		return strcmp(override->actor, "tuner") == 0 ? SOURCE_TUNER : SOURCE_RUNTIME;
	return places_option(&walk->places, stand->node, option) ? SOURCE_FILE : SOURCE_DEFAULT;
}

/* The address that an endpoint came with is what was said of it then. */
static void visit_option(struct walk *walk, const struct stand *stand, const struct option *option)
{
	const struct configuration *configuration = walk->configuration;
	struct inventory_item item = {
		.option = option,
		.config = configuration->running,
		.base = stand->base,
		.fallback = walk->defaults[stand->scope],
		.file = configuration->file,
	};
	struct span key = make_key(walk, stand->prefix, option->path);

	item.key = key.at;
	item.override = find_change(walk, stand, key);
	if (!item.override && option->type == OPTION_URL)
		item.override = stand->added;
	if (!is_asked(walk, key, item.override))
		return;
	item.way = setting_way(option, stand->base);
	item.source = source_of(walk, stand, option, item.override);
	if (option->restart && stand->file &&
	    !value_same(configuration->running, stand->base, configuration->file, stand->file,
			option))
		item.waiting = stand->file;
	walk->visit(walk->context, &item);
}

static bool is_called(const struct stand *stand, const struct option *list, size_t position,
		      const char *name)
{
	const char *known = entry_name(list->items, entry_at(list, stand->file, position));

	return known && strcmp(known, name) == 0;
}

/* Where the file has the entry that runs at this position: mostly it stands there, too. */
static size_t position_in_file(const struct stand *stand, const struct option *list,
			       size_t position, const struct stand *inner)
{
	size_t count = stand->file ? entry_count(list, stand->file) : 0;
	const char *name;

	if (!entries_have_names(list->items))
		return position < count ? position : SIZE_MAX;
	name = entry_name(list->items, inner->base);
	if (position < count && is_called(stand, list, position, name))
		return position;
	for (position = 0; position < count; position++) {
		if (is_called(stand, list, position, name))
			return position;
	}
	return SIZE_MAX;
}

/* The struct of an entry in the file, and its node. */
static void find_in_file(struct walk *walk, const struct stand *stand, const struct option *list,
			 size_t position, struct stand *inner)
{
	position = position_in_file(stand, list, position, inner);
	if (position == SIZE_MAX)
		return;
	inner->file = entry_at(list, stand->file, position);
	inner->node = document_item(&walk->places.document,
				    places_option(&walk->places, stand->node, list), position);
}

/* Whether all values of the next entry come before those that are wanted: it is known how many they
 * are where it holds no list. */
static bool pass_over(struct walk *walk, enum option_scope scope)
{
	size_t count = 0;

	if (walk->query->pattern.at || walk->query->changed)
		return false;
	for (size_t i = 0; i < option_count; i++) {
		if (options[i].scope != scope)
			continue;
		if (options[i].type == OPTION_LIST)
			return false;
		count++;
	}
	if (walk->asked + count > walk->query->from)
		return false;
	walk->asked += count;
	return true;
}

static void walk_entry(struct walk *walk, const struct stand *stand, const struct option *list,
		       size_t position)
{
	struct stand inner = {.scope = list->items, .base = entry_at(list, stand->base, position)};
	struct strbuf prefix;

	strbuf_init(&prefix);
	entry_key(&prefix, stand->prefix, list, inner.base, position);
	inner.added = find_change(walk, &inner, strbuf_span(&prefix));
	strbuf_text(&prefix, ".");
	walk->failed |= prefix.failed;
	inner.prefix = strbuf_span(&prefix).at;
	if (is_looked_at(walk, position, strbuf_span(&prefix)) && !pass_over(walk, list->items)) {
		find_in_file(walk, stand, list, position, &inner);
		walk_scope(walk, &inner);
	}
	strbuf_fini(&prefix);
}

static void visit_removed(struct walk *walk, const struct stand *stand, const struct option *list)
{
	struct strbuf prefix;

	strbuf_init(&prefix);
	strbuf_printf(&prefix, "%s%s.", stand->prefix, list->path);
	list_each(&walk->configuration->overrides.list, node) {
		const struct override *override = list_entry(node, struct override, link);

		if (override->kind != OVERRIDE_REMOVED ||
		    !span_begins(span_text(override->key), strbuf_span(&prefix).at) ||
		    !is_asked(walk, span_text(override->key), override))
			continue;
		walk->visit(walk->context,
			    &(struct inventory_item){.key = override->key,
						     .config = walk->configuration->running,
						     .source = SOURCE_RUNTIME,
						     .way = SETTING_BY_FILE,
						     .override = override});
	}
	strbuf_fini(&prefix);
}

static void walk_list(struct walk *walk, const struct stand *stand, const struct option *list)
{
	if (!may_lead(walk, make_key(walk, stand->prefix, list->path)) ||
	    (walk->query->changed && !entries_have_names(list->items)))
		return;
	for (size_t k = 0; k < entry_count(list, stand->base) && !is_done(walk); k++)
		walk_entry(walk, stand, list, k);
	if (list->items == SCOPE_ENDPOINT)
		visit_removed(walk, stand, list);
}

static void walk_scope(struct walk *walk, const struct stand *stand)
{
	for (size_t i = 0; i < option_count && !is_done(walk); i++) {
		const struct option *option = &options[i];

		if (option->scope != stand->scope)
			continue;
		if (option->type != OPTION_LIST) {
			visit_option(walk, stand, option);
			continue;
		}
		walk_list(walk, stand, option);
	}
}

static enum wsb_err make_defaults(struct walk *walk, struct arena *arena)
{
	struct complaints complaints;
	struct document document = {.arena = arena, .complaints = &complaints, .folder = ""};

	complaints_init(&complaints, arena);
	for (size_t scope = 0; scope < OPTION_SCOPES; scope++) {
		void *base = arena_alloc(arena, 1, option_scopes[scope].size);

		if (!base)
			return WSB_ENOMEM;
		reader_defaults(&document, (enum option_scope)scope, base);
		walk->defaults[scope] = base;
	}
	return arena_failed(arena) ? WSB_ENOMEM : WSB_OK;
}

enum wsb_err inventory_walk(const struct configuration *configuration,
			    const struct inventory_query *query,
			    void (*visit)(void *context, const struct inventory_item *item),
			    void *context)
{
	struct walk walk = {
		.configuration = configuration, .query = query, .visit = visit, .context = context};
	struct stand stand = {.scope = SCOPE_CONFIG,
			      .base = configuration->running,
			      .file = configuration->file,
			      .prefix = ""};
	struct arena *arena;
	enum wsb_err err;

	if (arena_create(&arena))
		return WSB_ENOMEM;
	err = make_defaults(&walk, arena);
	if (!err)
		err = places_open(&walk.places, &configuration->source, configuration->file);
	if (!err) {
		strbuf_init(&walk.key);
		stand.node = places_root(&walk.places);
		walk_scope(&walk, &stand);
		places_close(&walk.places);
		strbuf_fini(&walk.key);
	}
	arena_destroy(arena);
	return walk.failed ? WSB_ENOMEM : err;
}

bool inventory_asked(struct span pattern, struct span key)
{
	if (key.len > pattern.len && memcmp(key.at, pattern.at, pattern.len) == 0 &&
	    (key.at[pattern.len] == '.' || key.at[pattern.len] == '['))
		return true;
	return glob_match(pattern, key);
}

/* What comes near a key. */
struct likeness {
	struct span key;
	struct nearest nearest;
	char best[NEAREST_WORD_MAX + 1]; /* the nearest, kept */
	struct strbuf within;		 /* keys of the section that it is, or that end with it */
	size_t count;
};

static bool ends_with(struct span text, struct span end)
{
	return text.len > end.len && text.at[text.len - end.len - 1] == '.' &&
	       memcmp(text.at + text.len - end.len, end.at, end.len) == 0;
}

static void compare(void *context, const struct inventory_item *item)
{
	struct likeness *likeness = context;
	struct span key = span_text(item->key);
	struct span before = likeness->nearest.best;

	nearest_offer(&likeness->nearest, key);
	if (likeness->nearest.best.at != before.at) {
		memcpy(likeness->best, key.at, key.len);
		likeness->nearest.best = span_of(likeness->best, key.len);
	}
	if (!inventory_asked(likeness->key, key) && !ends_with(key, likeness->key))
		return;
	if (likeness->count++ < SUGGESTIONS_MAX)
		strbuf_printf(&likeness->within, "%s%s", likeness->count > 1 ? ", " : "",
			      item->key);
}

void inventory_suggest(const struct configuration *configuration, struct span key,
		       struct strbuf *out)
{
	const struct inventory_query query = {.entries = LOOKED_AT_MAX, .near = key};
	struct likeness likeness = {.key = key};

	nearest_init(&likeness.nearest, key);
	strbuf_init(&likeness.within);
	if (inventory_walk(configuration, &query, compare, &likeness) == WSB_OK) {
		if (likeness.count > 0)
			strbuf_printf(out, "; there are %s%s", strbuf_span(&likeness.within).at,
				      likeness.count > SUGGESTIONS_MAX ? ", …" : "");
		else
			nearest_suggest(&likeness.nearest, out);
	}
	strbuf_fini(&likeness.within);
}
