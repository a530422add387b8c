/* broker/console/change.h: the commands that change something. */
#ifndef WSB_BROKER_CONSOLE_CHANGE_H
#define WSB_BROKER_CONSOLE_CHANGE_H

#include "broker/console/commands.h"

int change_resize(const struct invocation *invocation);
int change_balancer(const struct invocation *invocation);
int change_unpin(const struct invocation *invocation);
int change_pause(const struct invocation *invocation);
int change_resume(const struct invocation *invocation);
int change_reconnect(const struct invocation *invocation);
int change_add(const struct invocation *invocation);
int change_remove(const struct invocation *invocation);
int change_drain_endpoint(const struct invocation *invocation);
int change_maint(const struct invocation *invocation);
int change_ready(const struct invocation *invocation);
int change_weight(const struct invocation *invocation);
int change_kick(const struct invocation *invocation);
int change_drain(const struct invocation *invocation);

#endif
