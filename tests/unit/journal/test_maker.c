#include <criterion/criterion.h>
#include <string.h>
#include "broker/journal/maker.h"

#define WALL_US UINT64_C(1763795520123456)

Test(maker, names_its_source_by_node_and_start)
{
	struct maker maker;
	struct maker other;

	maker_init(&maker, "broker-a", WALL_US, 1);
	maker_init(&other, "broker-a", WALL_US, 2);
	cr_assert_eq(strncmp(maker.source, "/wsbroker/broker-a/", 19), 0, "%s", maker.source);
	cr_assert_eq(strlen(maker.source), 19 + MAKER_ID_LEN);
	cr_assert(maker_is_own(&maker, span_text(maker.source)));
	cr_assert_not(maker_is_own(&maker, span_text(other.source)));
	cr_assert_not(maker_is_own(&maker, span_text("/wsbroker/broker-a")));
}

Test(maker, cuts_a_long_node)
{
	char node[1000];
	struct maker maker;

	memset(node, 'n', sizeof(node));
	node[sizeof(node) - 1] = '\0';
	maker_init(&maker, node, WALL_US, 1);
	cr_assert_eq(strlen(maker.source), 10 + MAKER_NODE_MAX + 1 + MAKER_ID_LEN);
}

/* The time comes first: 1763795520123 is 01KAN6FJKV in base 32. */
Test(maker, gives_ids_that_rise_whatever_the_clock_does)
{
	static const int64_t steps_us[] = {0, 1, 0, 1000, -5000000, 0, 1000, 1000000, -1};
	uint64_t wall_us = WALL_US;
	char last[MAKER_ID_LEN + 1];
	char id[MAKER_ID_LEN + 1];
	struct maker maker;

	maker_init(&maker, "a", wall_us, 7);
	maker_id(&maker, wall_us, last);
	cr_assert_eq(strncmp(last, "01KAN6FJKV", 10), 0, "%s", last);
	for (size_t i = 0; i < 900; i++) {
		wall_us += (uint64_t)steps_us[i % (sizeof(steps_us) / sizeof(steps_us[0]))];
		maker_id(&maker, wall_us, id);
		cr_assert_eq(strlen(id), MAKER_ID_LEN);
		cr_assert_gt(strcmp(id, last), 0, "%s after %s", id, last);
		memcpy(last, id, sizeof(last));
	}
}
