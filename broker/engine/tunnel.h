/* broker/engine/tunnel.h: clients of session listeners: which upstream connection each gets, and
 * when it is told to go. The bytes pass by outside. */
#ifndef WSB_BROKER_ENGINE_TUNNEL_H
#define WSB_BROKER_ENGINE_TUNNEL_H

#include "broker/engine/state.h"

/* As client_close. One whose upstream is still being dialled is refused instead. */
void tunnel_close(struct engine *engine, struct session *session, uint16_t code,
		  const char *reason);

#endif
