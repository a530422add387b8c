/* broker/engine/pushes.h: upstreams' messages that answer nothing and no subscription asked for. */
#ifndef WSB_BROKER_ENGINE_PUSHES_H
#define WSB_BROKER_ENGINE_PUSHES_H

#include "broker/engine/settle.h"
#include "broker/engine/state.h"

enum wsb_err pushes_init(struct engine *engine) WSB_CHECKED;
void pushes_fini(struct engine *engine);

/* Another configuration: its rules are compiled, then taken together with it, or dropped. */
enum wsb_err push_rules_make(struct push_rules *out, const struct config *config) WSB_CHECKED;
void push_rules_take(struct engine *engine, const struct push_rules *rules);
void push_rules_drop(struct push_rules *rules); /* none is allowed */

/* Chooses who is the source of pushes where there is none, or who follows the one that has to go.
 */
void pushes_elect(struct engine *engine, struct lane *lane, uint64_t now_us);

/* Does with it what its rule says. False: no rule is about it. */
bool pushes_take(struct engine *engine, struct connection *connection,
		 const struct message *message, uint64_t now_us);

#endif
