#include "broker/control/entry.h"

size_t entry_count(const struct option *list, const void *base)
{
	return *(const size_t *)((const char *)base + list->count_offset);
}

void *entry_at(const struct option *list, const void *base, size_t position)
{
	char *entries = *(char *const *)((const char *)base + list->offset);

	return entries + position * option_scopes[list->items].size;
}

const char *entry_name(enum option_scope scope, const void *entry)
{
	switch (scope) {
	case SCOPE_LISTENER:
		return ((const struct listener_settings *)entry)->address.text;
	case SCOPE_POOL:
		return ((const struct pool_settings *)entry)->name;
	case SCOPE_ENDPOINT:
		return ((const struct endpoint_settings *)entry)->name;
	default:
		return NULL;
	}
}

bool entries_have_names(enum option_scope scope)
{
	return scope == SCOPE_LISTENER || scope == SCOPE_POOL || scope == SCOPE_ENDPOINT;
}

bool option_is_identity(const struct option *option)
{
	return entries_have_names(option->scope) &&
	       (option->type == OPTION_NAME || option->type == OPTION_ADDRESS);
}

void *entry_find(const struct option *list, const void *base, struct span name)
{
	for (size_t i = 0; i < entry_count(list, base); i++) {
		void *entry = entry_at(list, base, i);
		const char *known = entry_name(list->items, entry);

		if (known && span_is(name, known))
			return entry;
	}
	return NULL;
}

void entry_key(struct strbuf *out, const char *prefix, const struct option *list, const void *entry,
	       size_t position)
{
	strbuf_printf(out, "%s%s", prefix, list->path);
	if (entries_have_names(list->items))
		strbuf_printf(out, ".%s", entry_name(list->items, entry));
	else
		strbuf_printf(out, "[%zu]", position);
}
