/* The probing call: when it is sent, and what its answers come to. */
#include <criterion/criterion.h>
#include <string.h>
#include "broker/pool/probe.h"
#include "common/clock.h"

#define START_US (1000 * US_PER_S)

static const struct probe_settings usual = {
	.interval_us = 5 * US_PER_S,
	.timeout_us = 2 * US_PER_S,
	.fall = 2,
	.rise = 1,
	.method = "health.check",
};

/* p: passes, r: is refused, l: is late; F: falls after this one, R: rises. */
Test(probe, falls_and_rises_by_outcomes_in_a_row)
{
	static const struct {
		uint32_t fall, rise;
		const char *script;
	} cases[] = {
		{2, 1, "pprrFpR"},	 {2, 1, "rprprlF"},  {1, 1, "pprFpRlFpR"},
		{3, 2, "rrpllrFprppRp"}, {2, 3, "llFpppRp"}, {1, 2, "rFrrppRrFp"},
	};
	struct rng rng;

	rng_init(&rng, 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct probe_settings settings = usual;
		struct probe probe = {0};
		uint64_t now_us = START_US;

		settings.fall = cases[i].fall;
		settings.rise = cases[i].rise;
		for (const char *at = cases[i].script; *at; at++) {
			enum probe_result result = *at == 'p'	? PROBE_PASSED
						   : *at == 'r' ? PROBE_REFUSED
								: PROBE_LATE;
			enum probe_change expected = at[1] == 'F'   ? PROBE_FALLS
						     : at[1] == 'R' ? PROBE_RISES
								    : PROBE_STAYS;

			probe_sent(&probe, 7, now_us);
			now_us += US_PER_S;
			cr_assert_eq(probe_end(&probe, &settings, result, now_us, &rng), expected,
				     "%s at %s", cases[i].script, at);
			at += expected != PROBE_STAYS;
		}
	}
}

Test(probe, is_due_after_an_interval_with_jitter_and_sooner_while_changing)
{
	uint64_t least_us = UINT64_MAX, most_us = 0;
	struct rng rng;

	rng_init(&rng, 1);
	for (int i = 0; i < 300; i++) {
		struct probe probe = {0};

		cr_assert(probe_is_due(&probe, &usual, START_US), "the first at once");
		probe_sent(&probe, 1, START_US);
		cr_assert_not(probe_is_due(&probe, &usual, START_US + 100 * US_PER_S));
		probe_end(&probe, &usual, PROBE_PASSED, START_US, &rng);
		cr_assert_not(probe_is_due(&probe, &usual, probe.due_us - 1));
		cr_assert(probe_is_due(&probe, &usual, probe.due_us));
		least_us = probe.due_us - START_US < least_us ? probe.due_us - START_US : least_us;
		most_us = probe.due_us - START_US > most_us ? probe.due_us - START_US : most_us;

		probe_end(&probe, &usual, PROBE_LATE, START_US, &rng);
		cr_assert_leq(probe.due_us, START_US + US_PER_S * 11 / 10);
		probe_end(&probe, &usual, PROBE_LATE, START_US, &rng);
		cr_assert_gt(probe.due_us, START_US + US_PER_S * 4, "the state is settled");
	}
	cr_assert(least_us >= 4500 * US_PER_MS && least_us < 4700 * US_PER_MS);
	cr_assert(most_us <= 5500 * US_PER_MS && most_us > 5300 * US_PER_MS);
}

Test(probe, is_never_due_without_a_method_or_an_interval)
{
	struct probe_settings settings = usual;
	struct probe probe = {0};

	settings.method = NULL;
	cr_assert_not(probe_is_due(&probe, &settings, START_US));
	settings = usual;
	settings.interval_us = 0;
	cr_assert_not(probe_is_due(&probe, &settings, START_US));
}

Test(probe, is_late_after_its_timeout_and_asks_again_when_its_connection_goes)
{
	struct probe probe = {0};
	struct rng rng;

	rng_init(&rng, 1);
	cr_assert_not(probe_is_late(&probe, &usual, START_US));
	probe_sent(&probe, 1, START_US);
	cr_assert_not(probe_is_late(&probe, &usual, START_US + 2 * US_PER_S - 1));
	cr_assert(probe_is_late(&probe, &usual, START_US + 2 * US_PER_S));
	probe_forget(&probe, START_US + US_PER_S);
	cr_assert_not(probe_is_late(&probe, &usual, START_US + 9 * US_PER_S));
	cr_assert(probe_is_due(&probe, &usual, START_US + US_PER_S));
	cr_assert_eq(probe.failed, 0);
	probe_sent(&probe, 2, START_US);
	probe_end(&probe, &usual, PROBE_PASSED, START_US + 1234, &rng);
	cr_assert_eq(probe.rtt_us, 1234);
	cr_assert_eq(probe.results[PROBE_PASSED], 1);
}
