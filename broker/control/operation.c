#include "broker/control/operation.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const states[OPERATION_STATES] = {
	[OPERATION_RUNNING] = "running",       [OPERATION_DONE] = "done",
	[OPERATION_FAILED] = "failed",	       [OPERATION_CANCELLED] = "cancelled",
	[OPERATION_SUPERSEDED] = "superseded",
};

const char *operation_state_name(enum operation_state state)
{
	return states[state];
}

enum wsb_err operations_init(struct operations *operations)
{
	*operations = (struct operations){0};
	operations->ring = calloc(OPERATIONS_KEPT, sizeof(*operations->ring));
	return operations->ring ? WSB_OK : WSB_ENOMEM;
}

void operations_fini(struct operations *operations)
{
	free(operations->ring);
	operations->ring = NULL;
}

static bool goes_first(const struct operation *a, const struct operation *b)
{
	if ((a->state == OPERATION_RUNNING) != (b->state == OPERATION_RUNNING))
		return b->state == OPERATION_RUNNING;
	return a->id < b->id;
}

/* A free place, else the one that is missed least. */
static struct operation *place_for_one(struct operations *operations)
{
	struct operation *place = &operations->ring[0];

	for (size_t i = 0; i < OPERATIONS_KEPT; i++) {
		struct operation *other = &operations->ring[i];

		if (other->id == 0)
			return other;
		if (goes_first(other, place))
			place = other;
	}
	return place;
}

static void copy(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%s", text ? text : "");
}

struct operation *operation_begin(struct operations *operations, const struct command *command,
				  uint64_t wall_us)
{
	struct operation *operation = place_for_one(operations);

	if (operation->id != 0 && operation->state == OPERATION_RUNNING)
		operation_end(operations, operation, OPERATION_SUPERSEDED, NULL, wall_us);
	*operation = (struct operation){
		.id = ++operations->newest_id,
		.kind = command->kind,
		.state = OPERATION_RUNNING,
		.started_us = wall_us,
	};
	copy(operation->pool, sizeof(operation->pool), command->pool);
	copy(operation->endpoint, sizeof(operation->endpoint), command->endpoint);
	copy(operation->actor, sizeof(operation->actor),
	     command->actor ? command->actor : "broker");
	copy(operation->reason, sizeof(operation->reason), command->reason);
	operations->running++;
	return operation;
}

void operation_end(struct operations *operations, struct operation *operation,
		   enum operation_state state, const char *text, uint64_t wall_us)
{
	operation->state = state;
	operation->ended_us = wall_us;
	copy(operation->text, sizeof(operation->text), text);
	operations->running--;
	operations->stats.ended[state - OPERATION_DONE]++;
}

struct operation *operation_find(const struct operations *operations, uint64_t id)
{
	for (size_t i = 0; id != 0 && i < OPERATIONS_KEPT; i++)
		if (operations->ring[i].id == id)
			return &operations->ring[i];
	return NULL;
}

struct operation *operation_after(const struct operations *operations, uint64_t id)
{
	struct operation *next = NULL;

	for (size_t i = 0; i < OPERATIONS_KEPT; i++) {
		struct operation *operation = &operations->ring[i];

		if (operation->id > id && (!next || operation->id < next->id))
			next = operation;
	}
	return next;
}
