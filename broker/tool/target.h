/* broker/tool/target.h: the URL of a data endpoint, taken apart. */
#ifndef WSB_BROKER_TOOL_TARGET_H
#define WSB_BROKER_TOOL_TARGET_H

#include "broker/control/arena.h"
#include "broker/io/ws_client.h"
#include "common/err.h"

/* "ws://HOST:PORT/PATH", "wss://…", or "unix:FILE" and "ws+unix:FILE", which may end in ":/PATH".
 * The texts of *out live in the arena. WSB_EINVAL: *why is a sentence; WSB_ENOMEM. */
enum wsb_err target_parse(struct arena *arena, const char *url, struct ws_target *out,
			  const char **why) WSB_CHECKED;

#endif
