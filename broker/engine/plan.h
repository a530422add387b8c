/* broker/engine/plan.h: routes that subscribe, compiled. */
#ifndef WSB_BROKER_ENGINE_PLAN_H
#define WSB_BROKER_ENGINE_PLAN_H

#include "broker/engine/state.h"

/* The plans of another configuration, made beforehand so that taking them cannot fail. */
struct plans_next {
	struct plan **plans;
	size_t count;
};

/* lanes: in the order of config's pools. WSB_ENOMEM. */
enum wsb_err plans_prepare(struct plans_next *out, const struct config *config,
			   struct lane *const *lanes) WSB_CHECKED;
void plans_forget(struct plans_next *next);
/* They are the present ones from now on. Whoever has subscribed by one that says the same goes on
 * by the new one; the others stay while they are held. */
void plans_take(struct engine *engine, struct plans_next *next);

/* Lets go of the present ones. */
void plans_drop(struct engine *engine);

struct plan *plan_hold(struct plan *plan);
void plan_release(struct plan *plan);

/* The present plan of a route that subscribes. */
struct plan *plan_of(const struct engine *engine, const struct route_settings *route);

/* The params of an unsubscribe request which carries this id (JSON) where the plan says. */
void plan_wrap_id(const struct plan *plan, struct span id, struct strbuf *out);

#endif
