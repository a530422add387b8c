/* broker/engine/operate.h: commands that take their time. What they want is done by the pool; this
 * watches how far it has come and says when it is there. */
#ifndef WSB_BROKER_ENGINE_OPERATE_H
#define WSB_BROKER_ENGINE_OPERATE_H

#include "broker/control/command.h"
#include "broker/control/operation.h"
#include "broker/engine/state.h"

/* Begins one, and ends those that it takes the place of: for the same pool one of the same kind,
 * for the same endpoint any. endpoint NULL: it is about the whole pool. Returns its id. */
uint64_t operate_begin(struct engine *engine, const struct command *command, const char *endpoint,
		       uint64_t now_us);

/* An invalidation that every live broker is to apply within command->timeout_us. Its end is
 * recorded only when it fails: the invalidation itself has been. 0: they all have. */
uint64_t operate_begin_invalidation(struct engine *engine, const struct command *command,
				    uint64_t now_us);

/* The command takes back what runs: pauses for a resume. */
void operate_cancel(struct engine *engine, const struct command *command, enum command_kind kind);

/* Called each tick. */
void operate_step(struct engine *engine, uint64_t now_us);

#endif
