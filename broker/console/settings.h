/* broker/console/settings.h: the commands about the configuration. */
#ifndef WSB_BROKER_CONSOLE_SETTINGS_H
#define WSB_BROKER_CONSOLE_SETTINGS_H

#include "broker/console/commands.h"

int settings_show(const struct invocation *invocation);
int settings_diff(const struct invocation *invocation);
int settings_set(const struct invocation *invocation);
int settings_reload(const struct invocation *invocation);

#endif
