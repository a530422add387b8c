/* broker/engine/builtin.h: the methods that the broker answers itself. */
#ifndef WSB_BROKER_ENGINE_BUILTIN_H
#define WSB_BROKER_ENGINE_BUILTIN_H

#include "broker/engine/settle.h"

void builtin_call(struct engine *engine, const struct caller *caller, const struct message *message,
		  uint64_t now_us);

#endif
