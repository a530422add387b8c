#include <criterion/criterion.h>
#include "broker/control/vitals.h"

#define PATIENCE_US ((uint64_t)4000000)
#define LATE_US	    (PATIENCE_US / 4 + 1)

static struct vitals vitals;

static void set_up(void)
{
	vitals = (struct vitals){.patience_us = PATIENCE_US};
}

TestSuite(vitals, .init = set_up);

Test(vitals, well)
{
	for (int i = 0; i < 100; i++)
		vitals_note_tick(&vitals, PATIENCE_US / 4);
	cr_expect_null(vitals_judge(&vitals, true));
}

/* As after a SIGCONT, or when the machine wakes up. */
Test(vitals, one_late_tick_means_nothing)
{
	vitals_note_tick(&vitals, 10 * PATIENCE_US);
	cr_expect_null(vitals_judge(&vitals, true));
	vitals_note_tick(&vitals, 50);
	vitals_note_tick(&vitals, 10 * PATIENCE_US);
	cr_expect_null(vitals_judge(&vitals, true));
}

Test(vitals, late_every_time_until_one_comes_in_time)
{
	for (int i = 0; i < 3; i++)
		vitals_note_tick(&vitals, LATE_US);
	cr_expect_str_eq(vitals_judge(&vitals, true), "the loop comes round too late every time");
	vitals_note_tick(&vitals, LATE_US - 1);
	cr_expect_null(vitals_judge(&vitals, true));
	vitals_note_tick(&vitals, LATE_US);
	cr_expect_null(vitals_judge(&vitals, true), "the row begins anew");
}

Test(vitals, a_listener_that_is_gone)
{
	vitals_note_tick(&vitals, 0);
	cr_expect_str_eq(vitals_judge(&vitals, false), "a listener is not open");
	cr_expect_null(vitals_judge(&vitals, true));
}
