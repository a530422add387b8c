#include "broker/control/diff.h"

#include <stdlib.h>
#include "broker/control/arena.h"
#include "broker/control/entry.h"
#include "broker/control/value_text.h"
#include "common/strbuf.h"

/* Two structs of one scope, side by side. */
struct sides {
	struct config_diff *diff;
	const struct config *config_a;
	const struct config *config_b;
	enum option_scope scope;
	const void *a;
	const void *b;
	const char *prefix; /* of the keys: "" or "pools.main." */
};

static void diff_scope(const struct sides *sides);
static bool scope_same(const struct sides *sides);

/* NULL: no memory, which the arena remembers. */
static struct config_change *add_change(struct config_diff *diff)
{
	size_t capacity = diff->capacity ? diff->capacity * 2 : 16;
	struct config_change *changes = diff->changes;

	if (diff->count == diff->capacity) {
		changes = arena_alloc(diff->arena, capacity, sizeof(*changes));
		if (!changes)
			return NULL;
		for (size_t i = 0; i < diff->count; i++)
			changes[i] = diff->changes[i];
		diff->changes = changes;
		diff->capacity = capacity;
	}
	changes[diff->count] = (struct config_change){0};
	return &changes[diff->count++];
}

static const char *shown(const struct sides *sides, const struct config *config,
			 const struct option *option, const void *base)
{
	const char *text = NULL;
	struct strbuf value;

	strbuf_init(&value);
	if (value_shown(config, option, base, &value))
		text = arena_text(sides->diff->arena, strbuf_span(&value));
	strbuf_fini(&value);
	return text;
}

static void diff_value(const struct sides *sides, const struct option *option)
{
	struct config_change *change;
	struct strbuf key;

	if (value_same(sides->config_a, sides->a, sides->config_b, sides->b, option))
		return;
	change = add_change(sides->diff);
	if (!change)
		return;
	strbuf_init(&key);
	strbuf_printf(&key, "%s%s", sides->prefix, option->path);
	*change = (struct config_change){
		.key = arena_text(sides->diff->arena, strbuf_span(&key)),
		.option = option,
		.before = shown(sides, sides->config_a, option, sides->a),
		.after = shown(sides, sides->config_b, option, sides->b),
		.restart = option->restart,
	};
	strbuf_fini(&key);
}

static void diff_whole_entry(const struct sides *sides, const struct option *list,
			     const void *entry, size_t position, bool added)
{
	struct config_change *change = add_change(sides->diff);
	struct strbuf key;

	if (!change)
		return;
	strbuf_init(&key);
	entry_key(&key, sides->prefix, list, entry, position);
	*change = (struct config_change){
		.key = arena_text(sides->diff->arena, strbuf_span(&key)),
		.before = added ? NULL : "present",
		.after = added ? "present" : NULL,
	};
	strbuf_fini(&key);
}

static struct sides entry_sides(const struct sides *sides, const struct option *list, const void *a,
				const void *b, const char *prefix)
{
	struct sides inner = *sides;

	inner.scope = list->items;
	inner.a = a;
	inner.b = b;
	inner.prefix = prefix;
	return inner;
}

static void diff_entry(const struct sides *sides, const struct option *list, const void *a,
		       const void *b, size_t position)
{
	struct sides inner;
	struct strbuf prefix;

	strbuf_init(&prefix);
	entry_key(&prefix, sides->prefix, list, b, position);
	strbuf_text(&prefix, ".");
	inner = entry_sides(sides, list, a, b, strbuf_span(&prefix).at);
	diff_scope(&inner);
	strbuf_fini(&prefix);
}

static void diff_named(const struct sides *sides, const struct option *list)
{
	for (size_t i = 0; i < entry_count(list, sides->a); i++) {
		void *a = entry_at(list, sides->a, i);
		void *b = entry_find(list, sides->b, span_text(entry_name(list->items, a)));

		if (b)
			diff_entry(sides, list, a, b, i);
		else
			diff_whole_entry(sides, list, a, i, false);
	}
	for (size_t i = 0; i < entry_count(list, sides->b); i++) {
		void *b = entry_at(list, sides->b, i);

		if (!entry_find(list, sides->a, span_text(entry_name(list->items, b))))
			diff_whole_entry(sides, list, b, i, true);
	}
}

static bool entry_same(const struct sides *sides, const struct option *list, size_t a, size_t b)
{
	struct sides inner = entry_sides(sides, list, entry_at(list, sides->a, a),
					 entry_at(list, sides->b, b), "");

	return scope_same(&inner);
}

static void diff_positions(const struct sides *sides, const struct option *list)
{
	size_t end_a = entry_count(list, sides->a);
	size_t end_b = entry_count(list, sides->b);
	size_t at = 0;

	while (at < end_a && at < end_b && entry_same(sides, list, at, at))
		at++;
	while (end_a > at && end_b > at && entry_same(sides, list, end_a - 1, end_b - 1)) {
		end_a--;
		end_b--;
	}
	if (end_a == end_b) {
		for (; at < end_a; at++)
			diff_entry(sides, list, entry_at(list, sides->a, at),
				   entry_at(list, sides->b, at), at);
		return;
	}
	for (size_t i = at; i < end_a; i++)
		diff_whole_entry(sides, list, entry_at(list, sides->a, i), i, false);
	for (size_t i = at; i < end_b; i++)
		diff_whole_entry(sides, list, entry_at(list, sides->b, i), i, true);
}

static void diff_scope(const struct sides *sides)
{
	for (size_t i = 0; i < option_count; i++) {
		const struct option *option = &options[i];

		if (option->scope != sides->scope)
			continue;
		if (option->type != OPTION_LIST)
			diff_value(sides, option);
		else if (entries_have_names(option->items))
			diff_named(sides, option);
		else
			diff_positions(sides, option);
	}
}

static bool list_same(const struct sides *sides, const struct option *list)
{
	size_t count = entry_count(list, sides->a);

	if (count != entry_count(list, sides->b))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!entry_same(sides, list, i, i))
			return false;
	}
	return true;
}

static bool scope_same(const struct sides *sides)
{
	for (size_t i = 0; i < option_count; i++) {
		const struct option *option = &options[i];

		if (option->scope != sides->scope)
			continue;
		if (option->type == OPTION_LIST ? !list_same(sides, option)
						: !value_same(sides->config_a, sides->a,
							      sides->config_b, sides->b, option))
			return false;
	}
	return true;
}

enum wsb_err config_diff_make(struct config_diff *out, const struct config *before,
			      const struct config *after)
{
	struct config_diff diff = {0};
	struct sides sides = {.config_a = before,
			      .config_b = after,
			      .scope = SCOPE_CONFIG,
			      .a = before,
			      .b = after,
			      .prefix = "",
			      .diff = &diff};

	*out = diff;
	if (arena_create(&diff.arena))
		return WSB_ENOMEM;
	diff_scope(&sides);
	if (arena_failed(diff.arena)) {
		arena_destroy(diff.arena);
		return WSB_ENOMEM;
	}
	*out = diff;
	return WSB_OK;
}

void config_diff_fini(struct config_diff *diff)
{
	arena_destroy(diff->arena);
	*diff = (struct config_diff){0};
}

size_t config_diff_restarts(const struct config_diff *diff)
{
	size_t count = 0;

	for (size_t i = 0; i < diff->count; i++)
		count += diff->changes[i].restart ? 1 : 0;
	return count;
}
