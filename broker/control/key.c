#include "broker/control/key.h"

#include <assert.h>
#include <stdlib.h>
#include "broker/control/entry.h"

static bool find_in_scope(enum option_scope scope, void *base, struct span key,
			  struct key_target *out);

static void add_step(struct key_target *out, const struct option *list, size_t position)
{
	assert(out->step_count < KEY_STEPS_MAX);
	out->steps[out->step_count].list = list;
	out->steps[out->step_count++].position = position;
}

static struct span behind(struct span text, size_t taken)
{
	return span_of(text.at + taken, text.len - taken);
}

/* What is left of the key behind the entry: nothing, or the key of a value in it. */
static bool find_in_entry(const struct option *list, void *base, void *entry, struct span rest,
			  struct key_target *out)
{
	if (rest.len == 0) {
		*out = (struct key_target){.option = list, .base = base, .entry = entry};
		return true;
	}
	return rest.at[0] == '.' && find_in_scope(list->items, entry, behind(rest, 1), out);
}

/* rest begins behind the list's own key. */
static bool find_by_name(const struct option *list, void *base, struct span rest,
			 struct key_target *out)
{
	if (rest.len == 0 || rest.at[0] != '.')
		return false;
	rest = behind(rest, 1);
	for (size_t i = 0; i < entry_count(list, base); i++) {
		void *entry = entry_at(list, base, i);
		const char *name = entry_name(list->items, entry);

		if (!name || !span_begins(rest, name) ||
		    !find_in_entry(list, base, entry, behind(rest, strlen(name)), out))
			continue;
		add_step(out, list, i);
		return true;
	}
	return false;
}

static bool find_by_position(const struct option *list, void *base, struct span rest,
			     struct key_target *out)
{
	size_t position = 0;
	size_t at = 1;

	if (rest.len < 3 || rest.at[0] != '[')
		return false;
	for (; at < rest.len && rest.at[at] >= '0' && rest.at[at] <= '9' && at < 8; at++)
		position = position * 10 + (size_t)(rest.at[at] - '0');
	if (at == 1 || at == rest.len || rest.at[at] != ']' || position >= entry_count(list, base))
		return false;
	if (!find_in_entry(list, base, entry_at(list, base, position), behind(rest, at + 1), out))
		return false;
	add_step(out, list, position);
	return true;
}

static bool find_in_scope(enum option_scope scope, void *base, struct span key,
			  struct key_target *out)
{
	for (size_t i = 0; i < option_count; i++) {
		const struct option *option = &options[i];

		if (option->scope != scope || !span_begins(key, option->path))
			continue;
		if (option->type != OPTION_LIST) {
			if (!span_is(key, option->path))
				continue;
			*out = (struct key_target){.option = option, .base = base};
			return true;
		}
		if (entries_have_names(option->items)
			    ? find_by_name(option, base, behind(key, strlen(option->path)), out)
			    : find_by_position(option, base, behind(key, strlen(option->path)),
					       out))
			return true;
	}
	return false;
}

bool key_find(const struct config *config, struct span key, struct key_target *out)
{
	return find_in_scope(SCOPE_CONFIG, (void *)config, key, out);
}

bool key_find_endpoint(const struct config *config, struct span key, struct pool_settings **pool,
		       struct span *name)
{
	static const char outer[] = "pools.";
	static const char inner[] = ".endpoints.";

	if (!span_begins(key, outer))
		return false;
	key = behind(key, strlen(outer));
	for (size_t i = 0; i < config->pool_count; i++) {
		const char *known = config->pools[i].name;
		struct span rest;

		if (!known || !span_begins(key, known))
			continue;
		rest = behind(key, strlen(known));
		if (!span_begins(rest, inner) || rest.len == strlen(inner))
			continue;
		*pool = &config->pools[i];
		*name = behind(rest, strlen(inner));
		return true;
	}
	return false;
}
