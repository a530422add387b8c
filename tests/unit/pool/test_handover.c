/* The role of the source of pushes goes from one connection to another. */
#include <criterion/criterion.h>
#include <stdio.h>
#include "broker/pool/handover.h"
#include "broker/pool/source.h"
#include "common/clock.h"
#include "tests/unit/pool/rig.h"

struct scene {
	struct rig rig;
	struct connection *old;
	struct connection *next;
};

static void elect(struct scene *scene)
{
	while (pool_elect_source(scene->rig.pool, scene->rig.now_us)) {
	}
}

static struct connection *source_of(struct scene *scene, size_t endpoint)
{
	for (size_t state = CONNECTION_READY; state <= CONNECTION_DRAINING; state++) {
		list_each(&scene->rig.pool->states[state], node) {
			struct connection *connection =
				list_entry(node, struct connection, state_link);

			if (connection->push_source && connection->endpoint->index == endpoint)
				return connection;
		}
	}
	return NULL;
}

static void begin(struct scene *scene, uint32_t size, enum push_source mode)
{
	rig_init(&scene->rig, 2, size);
	scene->rig.settings.push_source = mode;
	rig_start(&scene->rig);
	rig_run(&scene->rig, 20 * RIG_STEP_US);
	scene->rig.pool->hears_pushes = true;
	elect(scene);
	scene->old = source_of(scene, 0);
	if (!scene->old)
		scene->old = source_of(scene, 1);
	cr_assert_not_null(scene->old);
}

static void pass(struct scene *scene, uint64_t us)
{
	scene->rig.now_us += us;
	elect(scene);
}

static void drain(struct scene *scene)
{
	pool_set_wish(scene->old->endpoint, WISH_DRAIN, NULL, scene->rig.now_us);
	elect(scene);
	cr_assert_not_null(scene->old->handover);
	scene->next = scene->old->handover->next;
}

static void end(struct scene *scene)
{
	rig_stop(&scene->rig);
}

/* One line is one drain: "o" the old one hears the text that follows, "n" the new one; upper case:
 * and it is to be handled. "+" half an overlap passes. The drain begins before the first, both are
 * believed after two "+", the old one is let go after four. */
static const struct {
	const char *what;
	const char *script;
} scripts[] = {
	{"at first the old one alone is believed", "Oa na Ob nb nc nd"},
	{"whichever of the two comes second is the twin", "na Oa ++ Nb ob Oc nc"},
	{"texts are told apart", "++ Na Nb Nc oc ob oa"},
	{"two equal ones are two", "++ Na Na oa oa Oa Oa na na Na"},
	{"what the new one heard too early counts when the old one hears it", "+ na + Oa"},
	{"what the old one had handled is known when both are believed", "+ Oa + na Na"},
	{"and when the new one is alone", "+++ Oa + na Na"},
	{"not for ever", "Oa ++ Na"},
	{"what went by before the new one listened is not its twin in the end",
	 "Oa ++ Na oa ++ Na"},
	{"the old one counts no more when it has been let go", "++++ oa Na ob"},
	{"a late twin of the old one counts no more", "+++ Na + oa"},
	{"then it is over", "++++++ Na Na"},
};

Test(handover, handles_each_push_once)
{
	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		struct scene scene;

		begin(&scene, 2, PUSH_SOURCE_POOL);
		drain(&scene);
		for (const char *at = scripts[i].script; *at; at++) {
			bool old = *at == 'o' || *at == 'O';

			if (*at == '+')
				pass(&scene, SOURCE_OVERLAP_US / 2);
			if (*at == '+' || *at == ' ')
				continue;
			at++;
			cr_expect_eq(pool_push_counts(old ? scene.old : scene.next, span_of(at, 1),
						      scene.rig.now_us),
				     at[-1] == 'O' || at[-1] == 'N', "%s: at %s of %s",
				     scripts[i].what, at, scripts[i].script);
		}
		end(&scene);
	}
}

Test(handover, ends_and_nothing_was_missed)
{
	struct scene scene;

	begin(&scene, 2, PUSH_SOURCE_POOL);
	drain(&scene);
	cr_assert(scene.old->push_source && !scene.next->push_source);
	cr_assert_eq(scene.old->endpoint->state, ENDPOINT_DRAINING);
	for (int i = 0; i < 6; i++)
		pass(&scene, SOURCE_OVERLAP_US / 2);
	cr_assert(!scene.old->push_source && scene.next->push_source);
	cr_assert(!scene.old->handover && !scene.next->handover);
	cr_assert_eq(scene.rig.pool->push_gaps, 0);
	pool_upkeep(scene.rig.pool, scene.rig.now_us);
	cr_assert_eq(scene.old->endpoint->state, ENDPOINT_DRAINED);
	end(&scene);
}

Test(handover, waits_until_the_new_one_has_been_greeted)
{
	static struct greeting_step step = {.send = "{}", .push_source = true};
	struct scene scene;

	begin(&scene, 2, PUSH_SOURCE_POOL);
	drain(&scene);
	scene.next->greeting = (struct greeting){.steps = &step, .count = 1};
	for (int i = 0; i < 20; i++)
		pass(&scene, SOURCE_OVERLAP_US / 2);
	cr_assert(scene.old->push_source && !scene.next->push_source);
	scene.next->greeting.at = 1;
	pass(&scene, RIG_STEP_US);
	cr_assert(scene.old->push_source && scene.next->push_source);
	end(&scene);
}

Test(handover, is_cut_short_by_the_end_of_either)
{
	static const struct {
		int halves; /* of an overlap that have passed */
		bool old_ends;
		uint64_t gaps;
	} cases[] = {
		{1, true, 1},  {1, false, 0}, {3, true, 1},
		{3, false, 0}, {5, true, 0},  {5, false, 1},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct scene scene;
		struct connection *ends, *stays;

		begin(&scene, 2, PUSH_SOURCE_POOL);
		drain(&scene);
		for (int k = 0; k < cases[i].halves; k++)
			pass(&scene, SOURCE_OVERLAP_US / 2);
		ends = cases[i].old_ends ? scene.old : scene.next;
		stays = cases[i].old_ends ? scene.next : scene.old;
		rig_lose(&scene.rig, ends, "eof");
		cr_expect_eq(scene.rig.pool->push_gaps, cases[i].gaps, "%zu", i);
		cr_expect_eq(stays->push_source, i < 5, "%zu", i);
		/* Twins of what the old one heard may still come. */
		cr_expect_eq(stays->handover != NULL, i == 4, "%zu", i);
		end(&scene);
	}
}

Test(handover, a_gap_begins_when_the_source_dies_and_ends_when_another_listens)
{
	struct scene scene;

	begin(&scene, 2, PUSH_SOURCE_POOL);
	rig_lose(&scene.rig, scene.old, "eof");
	cr_assert_eq(scene.rig.pool->push_gaps, 1);
	cr_assert_not_null(pool_elect_source(scene.rig.pool, scene.rig.now_us));
	/* The engine looks when there is nobody more to choose, and sees one. */
	cr_assert_null(pool_elect_source(scene.rig.pool, scene.rig.now_us));
	cr_assert_eq(scene.rig.pool->push_gaps, 2);
	pass(&scene, US_PER_S);
	cr_assert_eq(scene.rig.pool->push_gaps, 2);
	end(&scene);
}

Test(handover, where_each_endpoint_has_its_own_a_drained_one_keeps_it)
{
	struct scene scene;

	begin(&scene, 4, PUSH_SOURCE_ENDPOINT);
	pool_set_wish(scene.old->endpoint, WISH_DRAIN, NULL, scene.rig.now_us);
	pass(&scene, SOURCE_OVERLAP_US);
	cr_assert(scene.old->push_source && !scene.old->handover);
	cr_assert_eq(scene.old->endpoint->state, ENDPOINT_DRAINED);
	/* Nobody else could tell what it tells. */
	pool_set_wish(scene.old->endpoint, WISH_MAINT, NULL, scene.rig.now_us);
	while (pool_next_surplus(scene.rig.pool, scene.rig.now_us)) {
	}
	elect(&scene);
	cr_assert_not(pool_source_is_awaited(scene.old));
	end(&scene);
}

Test(handover, nobody_waits_for_it_where_nobody_hears)
{
	struct scene scene;

	begin(&scene, 2, PUSH_SOURCE_POOL);
	scene.rig.pool->hears_pushes = false;
	pool_set_wish(scene.old->endpoint, WISH_DRAIN, NULL, scene.rig.now_us);
	cr_assert_eq(scene.old->endpoint->state, ENDPOINT_DRAINED);
	elect(&scene);
	cr_assert_not(scene.old->push_source);
	cr_assert_not_null(source_of(&scene, 1 - scene.old->endpoint->index));
	cr_assert_eq(scene.rig.pool->push_gaps, 0);
	end(&scene);
}

/* The last endpoint of all keeps it, since its connections stay. */
Test(handover, waits_for_who_could_follow)
{
	struct scene scene;

	begin(&scene, 2, PUSH_SOURCE_POOL);
	rig_kill(&scene.rig, 1 - scene.old->endpoint->index);
	pool_set_wish(scene.old->endpoint, WISH_DRAIN, NULL, scene.rig.now_us);
	pass(&scene, SOURCE_OVERLAP_US);
	cr_assert(scene.old->push_source && !scene.old->handover);
	cr_assert_eq(scene.old->endpoint->state, ENDPOINT_DRAINED);
	rig_run(&scene.rig, 2 * US_PER_S);
	elect(&scene);
	cr_assert_not_null(scene.old->handover);
	pass(&scene, SOURCE_OVERLAP_US);
	pass(&scene, SOURCE_OVERLAP_US);
	cr_assert_not(scene.old->push_source);
	cr_assert_eq(scene.rig.pool->push_gaps, 0);
	end(&scene);
}

/* An upstream that says more than can be told apart costs no more memory than that. */
Test(handover, a_flood_is_bounded)
{
	struct scene scene;
	char text[16];

	begin(&scene, 2, PUSH_SOURCE_POOL);
	drain(&scene);
	for (int i = 0; i < 100000; i++) {
		int len = snprintf(text, sizeof(text), "%d", i % 60000);

		cr_assert(
			pool_push_counts(scene.old, span_of(text, (size_t)len), scene.rig.now_us));
	}
	cr_assert_leq(scene.old->handover->waiting.count, 16384);
	end(&scene);
}
