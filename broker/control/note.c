#include "broker/control/note.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define KEY_MAX 640

/* One command's notes. */
struct notes {
	struct configuration *configuration;
	const struct command *command;
	uint64_t wall_us;
	enum wsb_err err; /* the first one */
};

static void note(struct notes *notes, enum override_kind kind, const char *key, const char *value)
{
	const struct command *command = notes->command;
	const struct override change = {
		.kind = kind,
		.key = key,
		.value = value,
		.actor = command->actor ? command->actor : "broker",
		.reason = command->reason ? command->reason : "",
		.wall_us = notes->wall_us,
	};
	enum wsb_err err = configuration_note(notes->configuration, &change);

	notes->err = notes->err ? notes->err : err;
}

static void note_text(struct notes *notes, const char *prefix, const char *member,
		      const char *value)
{
	char key[KEY_MAX];

	snprintf(key, sizeof(key), "%s.%s", prefix, member);
	note(notes, OVERRIDE_VALUE, key, value);
}

static void note_number(struct notes *notes, const char *prefix, const char *member, int64_t value)
{
	char number[24];

	snprintf(number, sizeof(number), "%" PRId64, value);
	note_text(notes, prefix, member, number);
}

static void note_added(struct notes *notes, const char *prefix)
{
	const struct command *command = notes->command;

	note(notes, OVERRIDE_ADDED, prefix, command->add.url);
	if (command->add.weight > 0)
		note_number(notes, prefix, "weight", command->add.weight);
	if (command->add.tier > 0)
		note_number(notes, prefix, "tier", command->add.tier);
}

static void note_endpoint(struct notes *notes, const char *prefix)
{
	switch (notes->command->kind) {
	case COMMAND_ENDPOINT_ADD:
		note_added(notes, prefix);
		break;
	case COMMAND_ENDPOINT_REMOVE:
		note(notes, OVERRIDE_REMOVED, prefix, NULL);
		break;
	case COMMAND_ENDPOINT_WEIGHT:
		note_number(notes, prefix, "weight", notes->command->number);
		break;
	case COMMAND_ENDPOINT_DRAIN:
		note_text(notes, prefix, "mode", "drain");
		break;
	case COMMAND_ENDPOINT_MAINT:
		note_text(notes, prefix, "mode", "maint");
		break;
	default:
		note_text(notes, prefix, "mode", "ready");
		break;
	}
}

static void note_bounds(struct notes *notes, const char *prefix)
{
	if (notes->command->min != COMMAND_KEEP)
		note_number(notes, prefix, "autoscale.min", notes->command->min);
	if (notes->command->max != COMMAND_KEEP)
		note_number(notes, prefix, "autoscale.max", notes->command->max);
}

/* False: nothing that such a command does outlives a reload. */
static bool note_pool(struct notes *notes, const char *prefix)
{
	switch (notes->command->kind) {
	case COMMAND_POOL_RESIZE:
		note_number(notes, prefix, "size", notes->command->number);
		return true;
	case COMMAND_POOL_BOUNDS:
		note_bounds(notes, prefix);
		return true;
	case COMMAND_POOL_UNPIN:
		configuration_unpin(notes->configuration, notes->command->pool);
		return true;
	case COMMAND_POOL_BALANCER:
		note_text(notes, prefix, "balancer", notes->command->text);
		return true;
	default:
		return false;
	}
}

/* NAME@ADDRESS comes and goes as the name's addresses do: no file can say anything of it. */
static bool is_address(const char *endpoint)
{
	return strchr(endpoint, '@') != NULL;
}

enum wsb_err configuration_note_command(struct configuration *configuration,
					const struct command *command, const char *added,
					uint64_t wall_us, bool *noted)
{
	const char *endpoint = command->kind == COMMAND_ENDPOINT_ADD ? added : command->endpoint;
	struct notes notes = {
		.configuration = configuration, .command = command, .wall_us = wall_us};
	char prefix[KEY_MAX - 32];

	*noted = command_has_endpoint(command->kind) && !is_address(endpoint);
	if (*noted) {
		snprintf(prefix, sizeof(prefix), "pools.%s.endpoints.%s", command->pool, endpoint);
		note_endpoint(&notes, prefix);
	} else if (command->pool && !command_has_endpoint(command->kind)) {
		snprintf(prefix, sizeof(prefix), "pools.%s", command->pool);
		*noted = note_pool(&notes, prefix);
	}
	return notes.err;
}
