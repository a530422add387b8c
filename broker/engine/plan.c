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

static enum wsb_err plan_create(struct plan **out, struct engine *engine,
				const struct route_settings *route)
{
	const struct subscribe_settings *settings = &route->subscribe;
	struct plan *plan = calloc(1, sizeof(*plan));
	const char *result = settings->result ? settings->result : "result";
	const char *ends = settings->unsubscribe_id ? settings->unsubscribe_id : "params[0]";
	enum wsb_err err = WSB_OK;
	const char *why;

	*out = NULL;
	if (!plan)
		return WSB_ENOMEM;
	plan->holds = 1;
	plan->route = route;
	plan->config = config_hold(engine->config);
	plan->lane = engine->lanes[route->pool];
	plan->form = form_of(settings);
	plan->notification = span_text(settings->notification ? settings->notification : "*");
	list_node_init(&plan->link);
	if (plan->form == EVENTS_BY_ID)
		err = path_compile(&plan->id, span_text(settings->id), &why);
	if (err == WSB_OK)
		err = path_compile(&plan->result, span_text(result), &why);
	if (err == WSB_OK)
		err = path_compile(&plan->unsubscribe_id, span_text(ends), &why);
	if (err != WSB_OK) {
		plan_release(plan);
		return err;
	}
	*out = plan;
	return WSB_OK;
}

void plans_drop(struct engine *engine)
{
	struct publish *publish = &engine->publish;

	for (; publish->active > 0; publish->active--)
		plan_release(list_entry(list_first(&publish->plans), struct plan, link));
}

/* The present ones stand first. One that is dropped and still held goes to the end. */
static void plans_retire(struct publish *publish)
{
	for (; publish->active > 0; publish->active--) {
		struct list_node *node = list_pop(&publish->plans);

		list_append(&publish->plans, node);
		plan_release(list_entry(node, struct plan, link));
	}
}

enum wsb_err plans_make(struct engine *engine)
{
	struct publish *publish = &engine->publish;
	struct list fresh;
	struct list_node *node;
	enum wsb_err err = WSB_OK;

	list_init(&fresh);
	for (size_t i = 0; err == WSB_OK && i < engine->config->route_count; i++) {
		struct plan *plan;

		if (!engine->config->routes[i].subscribe.unsubscribe)
			continue;
		err = plan_create(&plan, engine, &engine->config->routes[i]);
		if (err == WSB_OK)
			list_prepend(&fresh, &plan->link);
	}
	if (err == WSB_OK)
		plans_retire(publish);
	while ((node = list_pop(&fresh))) {
		struct plan *plan = list_entry(node, struct plan, link);

		if (err != WSB_OK) {
			plan_release(plan);
			continue;
		}
		plan->list = &publish->plans;
		list_prepend(&publish->plans, node);
		publish->active++;
	}
	return err;
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
