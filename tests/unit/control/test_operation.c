#include <criterion/criterion.h>
#include "broker/control/operation.h"

static struct operations operations;

static void begin(void)
{
	cr_assert_eq(operations_init(&operations), WSB_OK);
}

static void end(void)
{
	operations_fini(&operations);
}

TestSuite(operation, .init = begin, .fini = end);

static struct operation *start(const char *pool)
{
	return operation_begin(&operations,
			       &(struct command){.kind = COMMAND_POOL_RESIZE, .pool = pool}, 5);
}

Test(operation, runs_and_ends)
{
	struct operation *operation = operation_begin(&operations,
						      &(struct command){
							      .kind = COMMAND_ENDPOINT_DRAIN,
							      .pool = "main",
							      .endpoint = "a",
							      .actor = "alice",
							      .reason = "kernel update",
						      },
						      7);

	cr_assert_eq(operation->id, 1);
	cr_assert_eq(operation->state, OPERATION_RUNNING);
	cr_assert_eq(operation->started_us, 7);
	cr_assert_str_eq(operation->endpoint, "a");
	cr_assert_str_eq(operation->actor, "alice");
	cr_assert_str_eq(operation->reason, "kernel update");
	cr_assert_eq(operations.running, 1);
	operation_end(&operations, operation, OPERATION_DONE, "no connection is left", 9);
	cr_assert_eq(operation->state, OPERATION_DONE);
	cr_assert_eq(operation->ended_us, 9);
	cr_assert_eq(operations.running, 0);
	cr_assert_eq(operations.stats.ended[0], 1);
	cr_assert_eq(operation_find(&operations, 1), operation);
	cr_assert_null(operation_find(&operations, 2));
	cr_assert_null(operation_find(&operations, 0));
	cr_assert_str_eq(start(NULL)->actor, "broker");
}

Test(operation, are_walked_in_their_order)
{
	uint64_t id = 0;
	size_t count = 0;

	for (size_t i = 0; i < 3; i++)
		start("main");
	for (struct operation *next; (next = operation_after(&operations, id)); id = next->id)
		count++;
	cr_assert_eq(count, 3);
	cr_assert_eq(id, 3);
}

Test(operation, those_that_have_ended_are_forgotten_first)
{
	struct operation *first = start("main");

	for (size_t i = 0; i < OPERATIONS_KEPT * 2; i++)
		operation_end(&operations, start("main"), OPERATION_DONE, NULL, 6);
	cr_assert_eq(operation_find(&operations, 1), first);
	cr_assert_null(operation_find(&operations, 2));
	cr_assert_eq(operations.running, 1);
}

Test(operation, the_oldest_gives_way_when_all_run)
{
	for (size_t i = 0; i < OPERATIONS_KEPT + 1; i++)
		start("main");
	cr_assert_null(operation_find(&operations, 1));
	cr_assert_eq(operations.running, OPERATIONS_KEPT);
	cr_assert_eq(operations.stats.ended[OPERATION_SUPERSEDED - OPERATION_DONE], 1);
}

Test(operation, commands_have_the_names_that_are_typed)
{
	cr_assert_str_eq(command_name(COMMAND_POOL_RESIZE), "pool resize");
	cr_assert_str_eq(command_name(COMMAND_DRAIN), "drain");
	for (int kind = 0; kind < COMMAND_KINDS; kind++)
		cr_assert_not_null(command_name((enum command_kind)kind));
	cr_assert(command_has_endpoint(COMMAND_ENDPOINT_ADD));
	cr_assert_not(command_has_endpoint(COMMAND_POOL_PAUSE));
}
