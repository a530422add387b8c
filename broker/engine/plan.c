#include "broker/engine/plan.h"

#include <assert.h>
#include <stdlib.h>

struct plan *plan_hold(struct plan *plan)
{
	plan->holds++;
	return plan;
}

void plan_release(struct plan *plan)
{
	if (--plan->holds > 0)
		return;
	if (plan->list)
		list_remove(plan->list, &plan->link);
	config_release(plan->config);
	free(plan);
}

static enum event_form form_of(const struct subscribe_settings *settings)
{
	if (settings->id)
		return strcmp(settings->id, "request") == 0 ? EVENTS_BY_REQUEST : EVENTS_BY_ID;
	if (!settings->notification || strpbrk(settings->notification, "*?\\"))
		return EVENTS_BY_NAME;
	return EVENTS_ALL;
}

/* The paths have been checked with the configuration. */
static void compile(struct path *out, const char *text)
{
	const char *why;
	enum wsb_err err = path_compile(out, span_text(text), &why);

	assert(err == WSB_OK);
	(void)err;
}

/* Follows this route from now on, and holds its configuration. */
static void plan_bind(struct plan *plan, const struct config *config,
		      const struct route_settings *route, struct lane *lane)
{
	const struct subscribe_settings *settings = &route->subscribe;

	config_hold(config);
	config_release(plan->config);
	plan->config = config;
	plan->route = route;
	plan->lane = lane;
	plan->form = form_of(settings);
	plan->notification = span_text(settings->notification ? settings->notification : "*");
	if (plan->form == EVENTS_BY_ID)
		compile(&plan->id, settings->id);
	compile(&plan->result, settings->result ? settings->result : "result");
	compile(&plan->unsubscribe_id,
		settings->unsubscribe_id ? settings->unsubscribe_id : "params[0]");
}

static bool same_text(const char *a, const char *b)
{
	return !a || !b ? a == b : strcmp(a, b) == 0;
}

/* Whether what was subscribed to by the one may go on by the other. */
static bool plan_is_like(const struct plan *a, const struct plan *b)
{
	const struct subscribe_settings *x = &a->route->subscribe;
	const struct subscribe_settings *y = &b->route->subscribe;

	return a->lane == b->lane && same_text(a->route->method, b->route->method) &&
	       same_text(x->unsubscribe, y->unsubscribe) &&
	       same_text(x->notification, y->notification) && same_text(x->id, y->id) &&
	       same_text(x->result, y->result) && same_text(x->unsubscribe_id, y->unsubscribe_id);
}

void plans_drop(struct engine *engine)
{
	struct publish *publish = &engine->publish;

	for (; publish->active > 0; publish->active--)
		plan_release(list_entry(list_first(&publish->plans), struct plan, link));
}

enum wsb_err plans_prepare(struct plans_next *out, const struct config *config,
			   struct lane *const *lanes)
{
	struct plans_next next = {0};

	*out = next;
	next.plans = calloc(config->route_count + 1, sizeof(struct plan *));
	if (!next.plans)
		return WSB_ENOMEM;
	for (size_t i = 0; i < config->route_count; i++) {
		const struct route_settings *route = &config->routes[i];
		struct plan *plan;

		if (!route->subscribe.unsubscribe)
			continue;
		plan = calloc(1, sizeof(*plan));
		if (!plan) {
			plans_forget(&next);
			return WSB_ENOMEM;
		}
		plan->holds = 1;
		list_node_init(&plan->link);
		plan_bind(plan, config, route, lanes[route->pool]);
		next.plans[next.count++] = plan;
	}
	*out = next;
	return WSB_OK;
}

void plans_forget(struct plans_next *next)
{
	for (size_t i = 0; i < next->count; i++)
		plan_release(next->plans[i]);
	free(next->plans);
	*next = (struct plans_next){0};
}

/* One that says the same, held by whoever subscribed by it, goes on instead of the fresh one. */
static struct plan *take_like(struct list *before, const struct plan *fresh)
{
	list_each(before, node) {
		struct plan *plan = list_entry(node, struct plan, link);

		if (!plan_is_like(plan, fresh))
			continue;
		list_remove(before, node);
		if (!plan->current)
			plan_hold(plan);
		return plan;
	}
	return NULL;
}

static void plan_take(struct publish *publish, struct list *before, struct plan *fresh)
{
	struct plan *plan = take_like(before, fresh);

	if (plan) {
		plan_bind(plan, fresh->config, fresh->route, fresh->lane);
		plan_release(fresh);
	} else {
		plan = fresh;
	}
	plan->list = &publish->plans;
	plan->current = true;
	list_prepend(&publish->plans, &plan->link);
}

/* The present ones stand first, in the order of their routes; then those that are only held. */
void plans_take(struct engine *engine, struct plans_next *next)
{
	struct publish *publish = &engine->publish;
	struct list_node *node;
	struct list before;

	list_init(&before);
	while ((node = list_pop(&publish->plans)))
		list_append(&before, node);
	publish->active = next->count;
	while (next->count > 0)
		plan_take(publish, &before, next->plans[--next->count]);
	while ((node = list_pop(&before))) {
		struct plan *plan = list_entry(node, struct plan, link);

		list_append(&publish->plans, node);
		if (!plan->current)
			continue;
		plan->current = false;
		plan_release(plan);
	}
	plans_forget(next);
}

struct plan *plan_of(const struct engine *engine, const struct route_settings *route)
{
	list_each(&engine->publish.plans, node) {
		struct plan *plan = list_entry(node, struct plan, link);

		if (plan->route == route)
			return plan;
	}
	assert(false && "each route that subscribes has a plan");
	return NULL;
}

void plan_wrap_id(const struct plan *plan, struct span id, struct strbuf *out)
{
	const struct path *path = &plan->unsubscribe_id;

	for (size_t i = 0; i < path->count; i++) {
		const struct path_step *step = &path->steps[i];

		if (step->kind == PATH_NAME) {
			strbuf_text(out, "{");
			strbuf_json(out, span_of(step->name, step->len));
			strbuf_text(out, ":");
		} else {
			strbuf_text(out, "[");
		}
	}
	strbuf_add(out, id);
	for (size_t i = path->count; i > 0; i--)
		strbuf_text(out, path->steps[i - 1].kind == PATH_NAME ? "}" : "]");
}
