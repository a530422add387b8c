#include <criterion/criterion.h>
#include <stdlib.h>
#include "broker/tool/outstanding.h"
#include "common/rng.h"

static struct outstanding table;
static struct open_request *request;

static void set_up(uint32_t limit)
{
	cr_assert_eq(outstanding_init(&table, limit), WSB_OK);
}

static enum outstanding_verdict take(uint32_t connection, uint64_t id)
{
	return outstanding_take(&table, connection, id, &request);
}

Test(outstanding, an_answer_is_taken_once)
{
	struct open_request *asked;
	uint64_t id;

	set_up(4);
	asked = outstanding_add(&table, 3);
	asked->due_us = 17;
	id = asked->id;
	cr_assert_gt(id, 0);
	cr_assert_eq(table.open, 1);
	cr_assert_eq(take(3, id), OUTSTANDING_TAKEN);
	cr_assert_eq(request->due_us, 17);
	cr_assert_eq(table.open, 0);
	cr_assert_eq(take(3, id), OUTSTANDING_TWICE);
	outstanding_fini(&table);
}

Test(outstanding, an_old_id_stays_old_when_its_place_is_used_again)
{
	uint64_t first, second;

	set_up(1);
	first = outstanding_add(&table, 0)->id;
	cr_assert_eq(take(0, first), OUTSTANDING_TAKEN);
	second = outstanding_add(&table, 0)->id;
	cr_assert_neq(first, second);
	cr_assert_eq(take(0, first), OUTSTANDING_TWICE);
	cr_assert_eq(take(0, second), OUTSTANDING_TAKEN);
	outstanding_fini(&table);
}

Test(outstanding, an_answer_on_another_connection_is_foreign)
{
	uint64_t id;

	set_up(2);
	id = outstanding_add(&table, 0)->id;
	cr_assert_eq(take(1, id), OUTSTANDING_FOREIGN);
	cr_assert_eq(table.open, 1);
	cr_assert_eq(take(0, id), OUTSTANDING_TAKEN);
	cr_assert_eq(take(1, id), OUTSTANDING_FOREIGN);
	outstanding_fini(&table);
}

Test(outstanding, ids_that_were_never_given_are_foreign)
{
	uint64_t id;

	set_up(3);
	cr_assert_eq(take(0, 1), OUTSTANDING_FOREIGN);
	id = outstanding_add(&table, 0)->id;
	cr_assert_eq(take(0, 0), OUTSTANDING_FOREIGN);
	cr_assert_eq(take(0, id + 4), OUTSTANDING_FOREIGN, "the same place, later");
	cr_assert_eq(take(0, 4), OUTSTANDING_FOREIGN, "a place beyond the limit");
	cr_assert_eq(take(0, UINT64_MAX), OUTSTANDING_FOREIGN);
	cr_assert_eq(take(0, UINT64_C(1) << 53), OUTSTANDING_FOREIGN);
	cr_assert_eq(table.open, 1);
	outstanding_fini(&table);
}

Test(outstanding, holds_exactly_its_limit)
{
	uint64_t last = 0;

	set_up(5);
	for (int i = 0; i < 5; i++)
		last = outstanding_add(&table, 0)->id;
	cr_assert_null(outstanding_add(&table, 0));
	cr_assert_eq(take(0, last), OUTSTANDING_TAKEN);
	cr_assert_not_null(outstanding_add(&table, 0));
	cr_assert_null(outstanding_add(&table, 0));
	outstanding_fini(&table);
}

Test(outstanding, what_was_not_sent_leaves_no_trace)
{
	struct open_request *asked;

	set_up(1);
	asked = outstanding_add(&table, 0);
	outstanding_withdraw(&table, asked);
	cr_assert_eq(table.open, 0);
	cr_assert_not_null(outstanding_add(&table, 0));
	outstanding_fini(&table);
}

/* Against the plainest book-keeping there is. */
Test(outstanding, agrees_with_a_list_of_all_ids)
{
	enum { IDS = 20000, LIMIT = 37 };
	static struct {
		uint64_t id;
		uint32_t connection;
		bool open;
	} asked[IDS];
	size_t count = 0, open = 0;
	struct rng rng;

	rng_init(&rng, 5);
	set_up(LIMIT);
	while (count < IDS) {
		size_t pick;

		if (rng_below(&rng, 2) == 0) {
			uint32_t connection = (uint32_t)rng_below(&rng, 3);
			struct open_request *added = outstanding_add(&table, connection);

			cr_assert_eq(added == NULL, open == LIMIT);
			if (!added)
				continue;
			asked[count].id = added->id;
			asked[count].connection = connection;
			asked[count++].open = true;
			open++;
			continue;
		}
		if (count == 0)
			continue;
		pick = count - 1 - rng_below(&rng, count < 100 ? count : 100);
		if (asked[pick].open) {
			cr_assert_eq(take(asked[pick].connection + 1, asked[pick].id),
				     OUTSTANDING_FOREIGN);
			cr_assert_eq(take(asked[pick].connection, asked[pick].id),
				     OUTSTANDING_TAKEN);
			asked[pick].open = false;
			open--;
		} else {
			cr_assert_eq(take(asked[pick].connection, asked[pick].id),
				     OUTSTANDING_TWICE);
		}
		cr_assert_eq(table.open, open);
	}
	outstanding_fini(&table);
}
