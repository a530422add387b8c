#include "broker/route/cache_plan.h"

#include <stdlib.h>
#include <string.h>

static void paths_fini(struct cache_paths *paths)
{
	for (size_t i = 0; i < paths->count; i++)
		free(paths->list[i].text);
	free(paths->list);
}

static enum wsb_err paths_compile(struct cache_paths *paths, const char *const *texts, size_t count)
{
	const char *why;

	if (count == 0)
		return WSB_OK;
	paths->list = calloc(count, sizeof(*paths->list));
	if (!paths->list)
		return WSB_ENOMEM;
	for (; paths->count < count; paths->count++) {
		struct cache_path *path = &paths->list[paths->count];

		if (path_compile(&path->path, span_text(texts[paths->count]), &why) != WSB_OK)
			return WSB_EINVAL;
		path->text = strdup(texts[paths->count]);
		if (!path->text)
			return WSB_ENOMEM;
	}
	return WSB_OK;
}

static enum wsb_err plan_compile(struct cache_plan *plan, const struct cache_rule *rule)
{
	enum wsb_err err;
	const char *why;
	size_t bad;

	plan->scope = rule->scope.kind;
	if (rule->ignore_count > CACHE_IGNORE_MAX)
		return WSB_EINVAL;
	err = paths_compile(&plan->pointers, rule->scope.pointers, rule->scope.count);
	if (err == WSB_OK)
		err = paths_compile(&plan->key, rule->key, rule->key_count);
	if (err == WSB_OK)
		err = paths_compile(&plan->ignore, rule->ignore, rule->ignore_count);
	if (err == WSB_OK)
		err = tag_templates_create(&plan->tags, rule->tags, rule->tag_count, TAGS_OF_ENTRY,
					   &why, &bad);
	return err;
}

enum wsb_err cache_plan_create(struct cache_plan **out, const struct cache_rule *rule)
{
	struct cache_plan *plan = calloc(1, sizeof(*plan));
	enum wsb_err err = plan ? plan_compile(plan, rule) : WSB_ENOMEM;

	*out = NULL;
	if (err == WSB_OK)
		*out = plan;
	else
		cache_plan_destroy(plan);
	return err;
}

void cache_plan_destroy(struct cache_plan *plan)
{
	if (!plan)
		return;
	paths_fini(&plan->pointers);
	paths_fini(&plan->key);
	paths_fini(&plan->ignore);
	tag_templates_destroy(plan->tags);
	free(plan);
}
