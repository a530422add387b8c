#include "broker/control/command.h"

#include <string.h>

static const char *const names[COMMAND_KINDS] = {
	[COMMAND_POOL_RESIZE] = "pool resize",
	[COMMAND_POOL_BOUNDS] = "pool bounds",
	[COMMAND_POOL_UNPIN] = "pool unpin",
	[COMMAND_POOL_BALANCER] = "pool balancer",
	[COMMAND_POOL_PAUSE] = "pool pause",
	[COMMAND_POOL_RESUME] = "pool resume",
	[COMMAND_POOL_RECONNECT] = "pool reconnect",
	[COMMAND_ENDPOINT_ADD] = "endpoint add",
	[COMMAND_ENDPOINT_REMOVE] = "endpoint remove",
	[COMMAND_ENDPOINT_DRAIN] = "endpoint drain",
	[COMMAND_ENDPOINT_MAINT] = "endpoint maint",
	[COMMAND_ENDPOINT_READY] = "endpoint ready",
	[COMMAND_ENDPOINT_WEIGHT] = "endpoint weight",
	[COMMAND_CLIENT_KICK] = "client kick",
	[COMMAND_DRAIN] = "drain",
};

const char *command_name(enum command_kind kind)
{
	return names[kind];
}

bool command_has_endpoint(enum command_kind kind)
{
	return strncmp(names[kind], "endpoint ", strlen("endpoint ")) == 0;
}
