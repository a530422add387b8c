#include "broker/control/keep.h"

#include <assert.h>
#include <string.h>
#include "broker/control/arena.h"
#include "broker/control/entry.h"
#include "broker/control/options.h"
#include "broker/control/redis_url.h"

static const char *copy_text(struct arena *arena, const char *text)
{
	return text ? arena_text(arena, span_text(text)) : NULL;
}

static void keep_address(struct arena *arena, struct address *to, const struct address *from)
{
	*to = *from;
	to->text = copy_text(arena, from->text);
	to->host = copy_text(arena, from->host);
	to->path = copy_text(arena, from->path);
	to->name = copy_text(arena, from->name);
}

/* The types that an option with `restart` may have. */
static void keep_value(struct arena *arena, const struct option *option, void *to_base,
		       const void *from_base)
{
	void *to = (char *)to_base + option->offset;
	const void *from = (const char *)from_base + option->offset;
	const struct envelope_settings *envelope = from;

	switch (option->type) {
	case OPTION_FLAG:
	case OPTION_NUMBER:
	case OPTION_SHARE:
	case OPTION_DURATION:
	case OPTION_SIZE:
	case OPTION_CHOICE:
		if (option->size > 0)
			memcpy(to, from, option->size);
		break;
	case OPTION_NAME:
	case OPTION_TEXT:
	case OPTION_PATH:
	case OPTION_POINTER:
		*(const char **)to = copy_text(arena, *(const char *const *)from);
		break;
	case OPTION_ERROR:
		((struct envelope_settings *)to)->error = copy_text(arena, envelope->error);
		((struct envelope_settings *)to)->error_value =
			copy_text(arena, envelope->error_value);
		break;
	case OPTION_REDIS:
		redis_urls_keep(arena, to, from);
		break;
	case OPTION_ADDRESS:
		keep_address(arena, to, from);
		break;
	default:
		assert(false && "an option of this type cannot need a restart yet");
	}
}

static void keep_scope(struct arena *arena, enum option_scope scope, void *to, const void *from)
{
	for (size_t i = 0; i < option_count; i++) {
		const struct option *option = &options[i];

		if (option->scope != scope)
			continue;
		if (option->restart)
			keep_value(arena, option, to, from);
		if (option->type != OPTION_LIST || !entries_have_names(option->items))
			continue;
		for (size_t k = 0; k < entry_count(option, to); k++) {
			void *entry = entry_at(option, to, k);
			const char *name = entry_name(option->items, entry);
			const void *old = entry_find(option, from, span_text(name));

			if (old)
				keep_scope(arena, option->items, entry, old);
		}
	}
}

enum wsb_err config_keep(struct config *next, const struct config *running)
{
	keep_scope(next->arena, SCOPE_CONFIG, next, running);
	next->envelope_is_jsonrpc = running->envelope_is_jsonrpc;
	return arena_failed(next->arena) ? WSB_ENOMEM : WSB_OK;
}
