/* broker/admin/actions.h: bodies into commands, and what came of them into answers. */
#ifndef WSB_BROKER_ADMIN_ACTIONS_H
#define WSB_BROKER_ADMIN_ACTIONS_H

#include "broker/admin/routes.h"

void action_change_pool(struct admin_exchange *exchange);
void action_pause(struct admin_exchange *exchange);
void action_resume(struct admin_exchange *exchange);
void action_reconnect(struct admin_exchange *exchange);
void action_unpin(struct admin_exchange *exchange);
void action_add_endpoint(struct admin_exchange *exchange);
void action_change_endpoint(struct admin_exchange *exchange);
void action_remove_endpoint(struct admin_exchange *exchange);
void action_kick(struct admin_exchange *exchange);
void action_invalidate(struct admin_exchange *exchange);
void action_drain(struct admin_exchange *exchange);

/* In actions_config.c. */
void action_reload(struct admin_exchange *exchange);
void action_set(struct admin_exchange *exchange);

#endif
