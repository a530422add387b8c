#include "broker/control/command.h"

#include <string.h>
#include "broker/control/address.h"
#include "broker/control/value_scalar.h"

static const char *const names[COMMAND_KINDS] = {
	[COMMAND_POOL_RESIZE] = "pool resize",	       [COMMAND_POOL_BOUNDS] = "pool bounds",
	[COMMAND_POOL_UNPIN] = "pool unpin",	       [COMMAND_POOL_BALANCER] = "pool balancer",
	[COMMAND_POOL_PAUSE] = "pool pause",	       [COMMAND_POOL_RESUME] = "pool resume",
	[COMMAND_POOL_RECONNECT] = "pool reconnect",   [COMMAND_ENDPOINT_ADD] = "endpoint add",
	[COMMAND_ENDPOINT_REMOVE] = "endpoint remove", [COMMAND_ENDPOINT_DRAIN] = "endpoint drain",
	[COMMAND_ENDPOINT_MAINT] = "endpoint maint",   [COMMAND_ENDPOINT_READY] = "endpoint ready",
	[COMMAND_ENDPOINT_WEIGHT] = "endpoint weight", [COMMAND_CLIENT_KICK] = "client kick",
	[COMMAND_INVALIDATE] = "invalidate",	       [COMMAND_DRAIN] = "drain",
};

const char *command_name(enum command_kind kind)
{
	return names[kind];
}

bool command_has_endpoint(enum command_kind kind)
{
	return strncmp(names[kind], "endpoint ", strlen("endpoint ")) == 0;
}

enum wsb_err command_read_endpoint(struct arena *arena, const struct command *command,
				   struct endpoint_settings *out, const char **why)
{
	const char *name = command->add.name;
	enum wsb_err err = WSB_EINVAL;

	*out = (struct endpoint_settings){
		.weight = command->add.weight ? (uint32_t)command->add.weight : 1,
		.tier = command->add.tier ? (uint32_t)command->add.tier : 1,
	};
	if (command->add.weight < 0 || command->add.weight > ENDPOINT_WEIGHT_MAX)
		*why = "a weight is 1 to 1000";
	else if (command->add.tier < 0 || command->add.tier > ENDPOINT_TIER_MAX)
		*why = "a tier is 1 to 10";
	else if (name && !value_is_name(span_text(name)))
		*why = "a name is 1 to 64 letters, digits and ._-:[]";
	else if (!command->add.url)
		*why = "a URL is needed";
	else
		err = endpoint_url_parse(arena, span_text(command->add.url), out, why);
	if (err)
		return err;
	out->name = name ? arena_text(arena, span_text(name)) : endpoint_default_name(arena, out);
	return out->name ? WSB_OK : WSB_ENOMEM;
}
