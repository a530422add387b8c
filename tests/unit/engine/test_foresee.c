/* What a client is likely to ask next is loaded beforehand. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "broker/cache/prefetch.h"
#include "tests/unit/engine/larder.h"

static void begin(struct larder *larder, double budget)
{
	larder_init(larder);
	larder->stage.setup.config.cache.prefetch =
		(struct prefetch_settings){.predictive = true, .budget = budget};
	larder_begin(larder);
}

static void asks_for(struct larder *larder, const char *method, int number)
{
	char text[128];

	snprintf(text, sizeof(text),
		 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":{\"user\":%d}}",
		 method, number);
	says(larder->client, text);
}

/* The upstream answers all that it has been asked. Returns how much that was. */
static int answers_all(struct larder *larder)
{
	const char *text;
	uint64_t id;
	int count = 0;

	while ((text = hears(larder->upstream))) {
		cr_assert_eq(sscanf(strstr(text, "\"id\":"), "\"id\":%" SCNu64, &id), 1, "%s",
			     text);
		answers(larder->upstream, id, "\"result\":1");
		count++;
	}
	return count;
}

/* Asks and is answered, from wherever. */
static void obtains(struct larder *larder, const char *method, int number)
{
	asks_for(larder, method, number);
	answers_all(larder);
	expect_hears(larder->client, GOT(1, "1"));
}

static void learns(struct larder *larder, int users)
{
	for (int user = 0; user < users; user++) {
		obtains(larder, "user", user);
		obtains(larder, "rights", user);
		/* Whoever asks for many in a row is no pattern of this one. */
		stage_pass(&larder->stage, 100 * STAGE_MS);
	}
}

Test(foresee, what_was_asked_after_what_is_asked_beforehand)
{
	struct larder larder;

	begin(&larder, 1);
	learns(&larder, 40);
	/* Of somebody whom nobody has asked for so far. */
	asks_for(&larder, "user", 1000);
	cr_assert_eq(answers_all(&larder), 2);
	expect_hears(larder.client, GOT(1, "1"));
	expect_silence(larder.client);
	asks_for(&larder, "rights", 1000);
	expect_silence(larder.upstream);
	expect_hears(larder.client, GOT(1, "1"));
	cr_assert_gt(larder.stats->own_loads[OWN_LOAD_PREFETCH], 0);
	larder_end(&larder);
}

Test(foresee, nothing_is_asked_beforehand_without_a_budget)
{
	struct larder larder;

	begin(&larder, 0);
	learns(&larder, 40);
	asks_for(&larder, "user", 1000);
	cr_assert_eq(answers_all(&larder), 1);
	larder_end(&larder);
}

/* Ten of a hundred. */
Test(foresee, guesses_stay_within_their_share)
{
	struct larder larder;
	uint64_t asked;

	begin(&larder, 0.1);
	learns(&larder, 200);
	asked = larder.stage.outside.engine->lanes[0]->traffic.attempts;
	cr_assert_leq(larder.stats->own_loads[OWN_LOAD_PREFETCH], asked / 10);
	larder_end(&larder);
}

Test(foresee, clients_have_half_of_the_room_for_themselves)
{
	struct larder larder;

	larder_init(&larder);
	larder.stage.setup.config.cache.prefetch =
		(struct prefetch_settings){.predictive = true, .budget = 1};
	larder.stage.pool->max_in_flight = 2;
	larder_begin(&larder);
	learns(&larder, 40);
	says(larder.client, "{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"other\"}");
	hears_request(larder.upstream);
	asks_for(&larder, "user", 1000);
	hears_request(larder.upstream);
	expect_silence(larder.upstream);
	larder_end(&larder);
}
