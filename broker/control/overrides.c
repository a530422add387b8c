#include "broker/control/overrides.h"

#include <stdlib.h>
#include <string.h>
#include "broker/control/key.h"
#include "broker/control/value_text.h"
#include "common/strbuf.h"

void overrides_init(struct overrides *overrides)
{
	list_init(&overrides->list);
}

static void override_free(struct override *override)
{
	free((void *) override->key);
	free((void *) override->value);
	free((void *) override->under);
	free((void *) override->actor);
	free((void *) override->reason);
	free(override);
}

void overrides_fini(struct overrides *overrides)
{
	struct list_node *node;

	while ((node = list_pop(&overrides->list)))
		override_free(list_entry(node, struct override, link));
}

static bool copy_text(const char **out, const char *text)
{
	*out = text ? strdup(text) : NULL;
	return !text || *out;
}

static struct override *override_copy(const struct override *from, const char *under)
{
	struct override *copy = calloc(1, sizeof(*copy));

	if (!copy)
		return NULL;
	copy->kind = from->kind;
	copy->wall_us = from->wall_us;
	list_node_init(&copy->link);
	if (copy_text(&copy->key, from->key) && copy_text(&copy->value, from->value) &&
	    copy_text(&copy->under, under) && copy_text(&copy->actor, from->actor) &&
	    copy_text(&copy->reason, from->reason))
		return copy;
	override_free(copy);
	return NULL;
}

/* What the file says of this key, on the heap. *out NULL: nothing. False: no memory. */
static bool file_says(const struct config *file, const char *key, char **out)
{
	struct key_target target;
	struct strbuf text;

	*out = NULL;
	if (!key_find(file, span_text(key), &target))
		return true;
	if (target.entry)
		return (*out = strdup("present")) != NULL;
	strbuf_init(&text);
	if (!value_text(file, target.option, target.base, &text)) {
		strbuf_fini(&text);
		return true;
	}
	if (text.failed) {
		strbuf_fini(&text);
		return false;
	}
	/* An empty text has no memory of its own. */
	*out = text.text ? text.text : strdup("");
	return *out != NULL;
}

static bool same_text(const char *a, const char *b)
{
	return !a || !b ? a == b : strcmp(a, b) == 0;
}

bool override_stands(const struct override *override, const struct config *file)
{
	char *text;
	bool stands;

	if (!file_says(file, override->key, &text))
		return true;
	stands = same_text(text, override->under);
	free(text);
	return stands;
}

static void forget(struct overrides *overrides, struct override *override)
{
	list_remove(&overrides->list, &override->link);
	override_free(override);
}

size_t overrides_prune(struct overrides *overrides, const struct config *file)
{
	size_t count = 0;

	list_each(&overrides->list, node) {
		struct override *override = list_entry(node, struct override, link);

		if (override_stands(override, file))
			continue;
		forget(overrides, override);
		count++;
	}
	return count;
}

const struct override *overrides_find(const struct overrides *overrides, struct span key)
{
	list_each(&overrides->list, node) {
		struct override *override = list_entry(node, struct override, link);

		if (span_is(key, override->key))
			return override;
	}
	return NULL;
}

void overrides_forget(struct overrides *overrides, struct span key)
{
	struct override *override = (struct override *)overrides_find(overrides, key);

	if (override)
		forget(overrides, override);
}

/* The key itself, and all that lies below it when its endpoint comes or goes. */
static void forget_key(struct overrides *overrides, const struct override *change)
{
	size_t len = strlen(change->key);

	list_each(&overrides->list, node) {
		struct override *override = list_entry(node, struct override, link);
		bool begins = strncmp(override->key, change->key, len) == 0;

		if (begins && (!override->key[len] ||
			       (change->kind != OVERRIDE_VALUE && override->key[len] == '.')))
			forget(overrides, override);
	}
}

bool override_pins(const struct config *file, const char *key)
{
	struct key_target target;

	return key_find(file, span_text(key), &target) && !target.entry &&
	       target.option->scope == SCOPE_POOL && strcmp(target.option->path, "size") == 0 &&
	       ((const struct pool_settings *)target.base)->autoscale.enabled;
}

/* Whether the change says no more than the file does. */
static bool is_idle(const struct config *file, const struct override *change, const char *under)
{
	switch (change->kind) {
	case OVERRIDE_VALUE:
		return same_text(change->value, under) && !override_pins(file, change->key);
	case OVERRIDE_ADDED:
		return under != NULL;
	case OVERRIDE_REMOVED:
		return under == NULL;
	}
	return false;
}

enum wsb_err overrides_set(struct overrides *overrides, const struct config *file,
			   const struct override *change)
{
	struct override *copy = NULL;
	bool idle;
	char *under;

	if (!file_says(file, change->key, &under))
		return WSB_ENOMEM;
	idle = is_idle(file, change, under);
	if (!idle)
		copy = override_copy(change, under);
	free(under);
	if (!idle && !copy)
		return WSB_ENOMEM;
	forget_key(overrides, change);
	if (copy)
		list_append(&overrides->list, &copy->link);
	return WSB_OK;
}

enum wsb_err overrides_restore(struct overrides *overrides, const struct override *change)
{
	struct override *copy = override_copy(change, change->under);

	if (!copy)
		return WSB_ENOMEM;
	forget_key(overrides, change);
	list_append(&overrides->list, &copy->link);
	return WSB_OK;
}

enum wsb_err overrides_copy(struct overrides *out, const struct overrides *from)
{
	overrides_init(out);
	list_each(&from->list, node) {
		if (overrides_restore(out, list_entry(node, struct override, link))) {
			overrides_fini(out);
			return WSB_ENOMEM;
		}
	}
	return WSB_OK;
}
