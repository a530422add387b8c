/* broker/engine/plan.h: routes that subscribe, compiled. */
#ifndef WSB_BROKER_ENGINE_PLAN_H
#define WSB_BROKER_ENGINE_PLAN_H

#include "broker/engine/state.h"

/* Compiles the routes of the present configuration; older plans stay while they are held. */
enum wsb_err plans_make(struct engine *engine) WSB_CHECKED;
/* Lets go of the present ones. */
void plans_drop(struct engine *engine);

struct plan *plan_hold(struct plan *plan);
void plan_release(struct plan *plan);

/* The present plan of a route that subscribes. */
struct plan *plan_of(const struct engine *engine, const struct route_settings *route);

/* The params of an unsubscribe request which carries this id (JSON) where the plan says. */
void plan_wrap_id(const struct plan *plan, struct span id, struct strbuf *out);

#endif
