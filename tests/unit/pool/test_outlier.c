/* The circuit breaker of one endpoint: when it opens, for how long, and how it closes again. */
#include <criterion/criterion.h>
#include <string.h>
#include "broker/pool/outlier.h"
#include "common/clock.h"

#define START_US (1000 * US_PER_S)

static const struct ejection_settings usual = {
	.consecutive = 5,
	.ratio = 0.5,
	.min_requests = 50,
	.window_us = 10 * US_PER_S,
	.base_us = 30 * US_PER_S,
	.max_us = 300 * US_PER_S,
	.max_ejected = 0.5,
};

/* g: a good one, b: a bad one, .: a second goes by. */
static void play(struct outlier *outlier, const struct ejection_settings *settings,
		 const char *script, uint64_t *now_us)
{
	for (; *script; script++) {
		if (*script == 'g')
			outlier_good(outlier);
		else if (*script == 'b')
			outlier_bad(outlier, FAILURE_TIMEOUT);
		else
			*now_us += US_PER_S;
		outlier_turn(outlier, settings, *now_us);
	}
}

Test(outlier, is_due_after_failures_in_a_row_or_too_many_in_the_window)
{
	static const struct {
		const char *script;
		uint32_t consecutive;
		double ratio;
		uint32_t min_requests;
		bool due;
	} cases[] = {
		{"", 5, 0.5, 10, false},
		{"bbbb", 5, 0, 10, false},
		{"bbbbb", 5, 0, 10, true},
		{"bbbbgb", 5, 0, 10, false},
		{"bbbbb", 0, 0, 10, false},
		{"b", 1, 0, 10, true},
		{"bbb..................bb", 5, 0, 10, true}, /* in a row, however slowly */
		{"gbgbgbgb", 5, 0.5, 10, false},	     /* too few */
		{"gbgbgbgbgb", 5, 0.5, 10, true},
		{"gbgbgbgbgg", 5, 0.5, 10, false},
		{"ggggbggggb", 5, 0.2, 10, true},
		{"gbgbgbgbgb", 5, 0, 10, false},
		{"gbgbgbgb............gb", 5, 0.5, 10, false}, /* the first ones are forgotten */
		{"gbgbgbgb.....gb", 5, 0.5, 10, true},
		{"gggggggggggg", 5, 0.0001, 10, false}, /* nothing has failed */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ejection_settings settings = usual;
		struct outlier outlier = {0};
		uint64_t now_us = START_US;

		settings.consecutive = cases[i].consecutive;
		settings.ratio = cases[i].ratio;
		settings.min_requests = cases[i].min_requests;
		play(&outlier, &settings, cases[i].script, &now_us);
		cr_assert_eq(outlier_is_due(&outlier, &settings), cases[i].due, "%s",
			     cases[i].script);
	}
}

Test(outlier, a_long_silence_empties_the_window)
{
	struct outlier outlier = {0};
	uint64_t now_us = START_US;

	play(&outlier, &usual, "gbgbgb", &now_us);
	cr_assert_eq(outlier_window(&outlier).bad, 3);
	outlier_turn(&outlier, &usual, now_us += 3600 * US_PER_S);
	cr_assert_eq(outlier_window(&outlier).bad + outlier_window(&outlier).good, 0);
	outlier_good(&outlier);
	outlier_turn(&outlier, &usual, now_us += 9 * US_PER_S);
	cr_assert_eq(outlier_window(&outlier).good, 1);
}

static uint64_t ejection_seconds(struct outlier *outlier, struct rng *rng, uint64_t now_us)
{
	outlier_open(outlier, &usual, now_us, rng);
	return (outlier->until_us - now_us) / US_PER_S;
}

Test(outlier, each_ejection_is_longer_up_to_the_limit_and_jittered)
{
	struct rng rng;
	uint64_t least = UINT64_MAX, most = 0;

	rng_init(&rng, 3);
	for (int run = 0; run < 200; run++) {
		struct outlier outlier = {0};

		for (uint64_t n = 1; n <= 14; n++) {
			uint64_t plain = n < 10 ? 30 * n : 300;
			uint64_t seconds = ejection_seconds(&outlier, &rng, START_US);

			cr_assert(seconds >= plain * 9 / 10 - 1 && seconds <= plain * 11 / 10 + 1,
				  "%lu for the %lu.", seconds, n);
			if (n == 1) {
				least = seconds < least ? seconds : least;
				most = seconds > most ? seconds : most;
			}
			outlier_try(&outlier, START_US);
		}
	}
	cr_assert_gt(most - least, 4, "%lu to %lu", least, most);
}

Test(outlier, good_behaviour_makes_ejections_forgotten_one_by_one)
{
	struct outlier outlier = {0};
	uint64_t now_us = START_US;
	struct rng rng;

	rng_init(&rng, 3);
	for (int i = 0; i < 3; i++) {
		outlier_open(&outlier, &usual, now_us, &rng);
		outlier_try(&outlier, now_us);
	}
	outlier_close(&outlier, &usual, now_us);
	cr_assert_eq(outlier.ejections, 3);
	outlier_turn(&outlier, &usual, now_us += 29 * US_PER_S);
	cr_assert_eq(outlier.ejections, 3);
	outlier_turn(&outlier, &usual, now_us += US_PER_S);
	cr_assert_eq(outlier.ejections, 2);
	outlier_turn(&outlier, &usual, now_us += 30 * US_PER_S);
	outlier_turn(&outlier, &usual, now_us += 30 * US_PER_S);
	outlier_turn(&outlier, &usual, now_us += 30 * US_PER_S);
	cr_assert_eq(outlier.ejections, 0);
}

Test(outlier, a_trial_needs_all_its_requests_to_pass)
{
	struct outlier outlier = {0};
	uint64_t now_us = START_US;
	struct rng rng;

	rng_init(&rng, 3);
	play(&outlier, &usual, "bbbbb", &now_us);
	outlier_open(&outlier, &usual, now_us, &rng);
	cr_assert_not(outlier_is_due(&outlier, &usual), "it is out already");
	cr_assert_not(outlier_wants_trial(&outlier));
	outlier_try(&outlier, now_us);
	for (int i = 0; i < OUTLIER_TRIALS; i++) {
		cr_assert(outlier_wants_trial(&outlier));
		outlier.trials_given++;
	}
	cr_assert_not(outlier_wants_trial(&outlier), "no more than that at once");
	for (int i = 1; i < OUTLIER_TRIALS; i++)
		cr_assert_not(outlier_trial_passed(&outlier));
	cr_assert(outlier_trial_passed(&outlier));
	outlier_close(&outlier, &usual, now_us);
	cr_assert_not(outlier_is_due(&outlier, &usual), "it begins with a clean sheet");
	play(&outlier, &usual, "bbbb", &now_us);
	cr_assert_not(outlier_is_due(&outlier, &usual));
}

Test(outlier, trials_without_an_outcome_are_given_anew)
{
	struct outlier outlier = {0};
	uint64_t now_us = START_US;
	struct rng rng;

	rng_init(&rng, 3);
	outlier_open(&outlier, &usual, now_us, &rng);
	outlier_try(&outlier, now_us);
	outlier.trials_given = OUTLIER_TRIALS;
	outlier_turn(&outlier, &usual, now_us += 29 * US_PER_S);
	cr_assert_not(outlier_wants_trial(&outlier));
	outlier_turn(&outlier, &usual, now_us += 2 * US_PER_S);
	cr_assert(outlier_wants_trial(&outlier));
}

Test(outlier, badness_rises_with_failures_and_fades_with_successes_and_time)
{
	struct outlier outlier = {0};
	uint64_t now_us = START_US;
	double worst;

	play(&outlier, &usual, "bbbbbbbbbbbbbbbbbbbb", &now_us);
	worst = outlier.badness;
	cr_assert(worst > 0.95 && worst <= 1, "%g", worst);
	for (int i = 0; i < 20; i++)
		outlier_mend(&outlier);
	cr_assert(outlier.badness < worst / 2 && outlier.badness > 0, "%g", outlier.badness);
	for (int i = 0; i < 100; i++)
		outlier_mend(&outlier);
	cr_assert_eq(outlier.badness, 0);
	outlier_bad(&outlier, FAILURE_ERROR);
	outlier_turn(&outlier, &usual, now_us += 60 * US_PER_S);
	cr_assert_eq(outlier.badness, 0);
}

Test(outlier, names_what_went_wrong)
{
	cr_assert_str_eq(failure_name(FAILURE_DNS), "dns");
	cr_assert_str_eq(failure_name(FAILURE_ERROR), "error");
	cr_assert_eq(failure_of_end("tls"), FAILURE_TLS);
	cr_assert_eq(failure_of_end("probe"), FAILURE_PROBE);
	cr_assert_eq(failure_of_end("eof"), FAILURE_CLOSE);
	cr_assert_eq(failure_of_end("closed"), FAILURE_CLOSE);
	cr_assert_eq(failure_of_end("timeout"), FAILURE_CLOSE, "no end of a connection");
}
