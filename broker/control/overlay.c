/* What has been changed at runtime, on top of what a file says. */
#include "broker/control/overrides.h"

#include <string.h>
#include "broker/control/key.h"
#include "broker/control/reader.h"
#include "broker/control/value_scalar.h"

#define NOWHERE ((struct place){0})

static void refuse(struct document *document, const struct override *override, const char *why)
{
	complain(document->complaints, NOWHERE, "%.200s: %s", override->key, why);
}

static const struct option *find_url(void)
{
	for (size_t i = 0; i < option_count; i++)
		if (options[i].scope == SCOPE_ENDPOINT && options[i].type == OPTION_URL)
			return &options[i];
	return NULL;
}

/* Whether the configuration goes on pointing at the text from which it was read. */
static bool is_pointed_at(const struct option *option)
{
	return option->type > OPTION_CHOICE;
}

/* Secrets are not repeated: a value that does not fit is described by what was expected. */
static void set_value(struct document *document, const struct override *override,
		      const struct option *option, void *base)
{
	const char *text = override->value;
	char why[VALUE_WHY_MAX], range[OPTION_RANGE_MAX];

	if (is_pointed_at(option))
		text = arena_text(document->arena, span_text(text));
	if (!text ||
	    value_scalar(document, option, span_text(text), NOWHERE, base, why) != WSB_EINVAL)
		return;
	if (why[0]) {
		refuse(document, override, why);
		return;
	}
	option_range(option, range);
	complain(document->complaints, NOWHERE, "%.200s: expected %s%s%s", override->key,
		 option_expected(option), range[0] ? ", " : "", range);
}

static void apply_value(struct document *document, const struct override *override,
			struct config *config)
{
	struct key_target target = {0};

	if (!key_find(config, span_text(override->key), &target))
		refuse(document, override, "there is no such key");
	else if (target.entry || !option_is_scalar(target.option))
		refuse(document, override, "this can be changed in the file only");
	else
		set_value(document, override, target.option, target.base);
	if (target.option && target.option->scope == SCOPE_POOL &&
	    strcmp(target.option->path, "size") == 0)
		((struct pool_settings *)target.base)->autoscale.pinned = true;
}

static void apply_added(struct document *document, const struct override *override,
			struct config *config)
{
	struct endpoint_settings *endpoints;
	struct pool_settings *pool;
	struct span name;
	size_t count;

	if (!key_find_endpoint(config, span_text(override->key), &pool, &name)) {
		refuse(document, override, "there is no such pool");
		return;
	}
	count = pool->endpoint_count;
	endpoints = arena_alloc(document->arena, count + 1, sizeof(*endpoints));
	if (!endpoints)
		return;
	if (count > 0)
		memcpy(endpoints, pool->endpoints, count * sizeof(*endpoints));
	reader_defaults(document, SCOPE_ENDPOINT, &endpoints[count]);
	endpoints[count].name = arena_text(document->arena, name);
	set_value(document, override, find_url(), &endpoints[count]);
	pool->endpoints = endpoints;
	pool->endpoint_count = count + 1;
}

static void apply_removed(const struct override *override, struct config *config)
{
	struct pool_settings *pool;
	struct span name;

	if (!key_find_endpoint(config, span_text(override->key), &pool, &name))
		return;
	for (size_t i = 0; i < pool->endpoint_count; i++) {
		if (!span_is(name, pool->endpoints[i].name))
			continue;
		memmove(&pool->endpoints[i], &pool->endpoints[i + 1],
			(pool->endpoint_count - i - 1) * sizeof(pool->endpoints[0]));
		pool->endpoint_count--;
		return;
	}
}

void override_apply(const struct override *override, struct document *document,
		    struct config *config)
{
	switch (override->kind) {
	case OVERRIDE_VALUE:
		apply_value(document, override, config);
		break;
	case OVERRIDE_ADDED:
		apply_added(document, override, config);
		break;
	case OVERRIDE_REMOVED:
		apply_removed(override, config);
		break;
	}
}

void overrides_apply(const struct overrides *overrides, struct document *document,
		     const struct config *file, struct config *config)
{
	list_each(&overrides->list, node) {
		const struct override *override = list_entry(node, struct override, link);

		if (override_stands(override, file))
			override_apply(override, document, config);
	}
}
