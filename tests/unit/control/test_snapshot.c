#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "broker/control/snapshot.h"

Test(snapshot, every_value_of_a_label_has_a_name_of_its_own)
{
	for (size_t i = 0; i < RESULT_COUNT; i++) {
		cr_assert_not_null(request_result_name((enum request_result)i));
		for (size_t j = 0; j < i; j++)
			cr_expect_str_neq(request_result_name((enum request_result)i),
					  request_result_name((enum request_result)j));
	}
	for (size_t i = 0; i < CLOSE_CLASSES; i++)
		cr_expect_not_null(close_class_name((enum close_class)i));
	for (size_t i = 0; i < REFUSAL_KINDS; i++)
		cr_expect_not_null(refusal_name((enum refusal_kind)i));
	for (size_t i = 0; i < ODDITIES; i++)
		cr_expect_not_null(oddity_name((enum oddity)i));
}

Test(snapshot, close_codes_fall_into_classes)
{
	cr_expect_eq(close_class_of(0), CLOSE_NONE);
	cr_expect_eq(close_class_of(1000), CLOSE_1000);
	cr_expect_eq(close_class_of(1013), CLOSE_1013);
	cr_expect_eq(close_class_of(1), CLOSE_OTHER);
	cr_expect_eq(close_class_of(1005), CLOSE_OTHER);
	cr_expect_eq(close_class_of(4000), CLOSE_OTHER);
	cr_expect_str_eq(close_class_name(close_class_of(1012)), "1012");
}

Test(snapshot, gives_its_memory_back_once)
{
	struct snapshot snapshot = {.memory = malloc(10), .clients = 3};

	snapshot_fini(&snapshot);
	cr_expect_null(snapshot.memory);
	snapshot_fini(&snapshot);
}

Test(snapshot, refreshes_and_guesses_cost_what_they_save)
{
	struct cached_stats stats = {
		.hits = 10, .stale = 3, .misses = 9, .joined = 4, .led_anew = 1};

	cr_assert_eq(cached_saved(&stats), 16);
	stats.own_loads[OWN_LOAD_STALE] = 3;
	stats.own_loads[OWN_LOAD_AHEAD] = 2;
	cr_assert_eq(cached_saved(&stats), 11);
	stats.own_loads[OWN_LOAD_PREFETCH] = 12;
	cr_assert_eq(cached_saved(&stats), -1);
}
