/* broker/engine/apply.h: carries out what an operator asks for. */
#ifndef WSB_BROKER_ENGINE_APPLY_H
#define WSB_BROKER_ENGINE_APPLY_H

#include "broker/control/command.h"
#include "broker/engine/engine.h"

/* Checks the command and carries it out, or begins to: an operation goes on with each tick, is seen
 * through snapshot->operations and ends by itself. Always sets *outcome. Every change is an event
 * with the command's actor and reason. Nothing of the command is kept but copies. */
void engine_apply(struct engine *engine, const struct command *command, struct outcome *outcome,
		  uint64_t now_us);

#endif
