/* What an invalidation hits, what it leaves, and what comes too late to be stored. */
#include <criterion/criterion.h>
#include <stdio.h>
#include "broker/cache/state.h"
#include "tests/unit/cache/desk.h"

/* Entries: a (m1; x y), b (m1; x), c (m2; y z:1 z:2), d (m2, none), x* (none; x). */
static struct desk furnished(void)
{
	struct desk desk = desk_open();

	cr_assert_eq(desk_store(&desk, "a", "m1", "x y"), CACHE_STORED);
	cr_assert_eq(desk_store(&desk, "b", "m1", "x"), CACHE_STORED);
	cr_assert_eq(desk_store(&desk, "c", "m2", "y z:1 z:2"), CACHE_STORED);
	cr_assert_eq(desk_store(&desk, "d", "m2", ""), CACHE_STORED);
	cr_assert_eq(desk_store(&desk, "e", "", "x*"), CACHE_STORED);
	return desk;
}

static const struct {
	const char *what;
	const char *hits;
} hits[] = {
	{"tag x", "ab"},	 {"tag x x", "ab"},	  {"tag x y", "abc"},
	{"tag nobody", ""},	 {"tag z:*", "c"},	  {"tag z:1 z:2", "c"},
	{"tag x\\*", "e"},	 {"tag x*", "abe"},	  {"tag *", "abcde"},
	{"tag ?", "abc"},	 {"all-of x y", "a"},	  {"all-of x", "ab"},
	{"all-of y z:*", "c"},	 {"all-of x nobody", ""}, {"all-of ? z:?", "c"},
	{"all-of z:1 z:2", "c"}, {"all-of m1 y", "a"},	  {"all-of m1 x", "ab"},
	{"tag m1", "ab"},	 {"method m1", "ab"},	  {"method m?", "abcd"},
	{"method x", ""},	 {"method *", "abcd"},	  {"method m1 m2", "abcd"},
	{"key a", "a"},		 {"key a b q", "ab"},	  {"all", "abcde"},
};
#define HITS (sizeof(hits) / sizeof(hits[0]))

Test(invalidate, hits_what_it_names_and_nothing_else)
{
	for (size_t i = 0; i < HITS; i++) {
		struct desk desk = furnished();
		const char *names = "abcde";

		cr_assert_eq(desk_invalidate(&desk, hits[i].what), strlen(hits[i].hits), "%s",
			     hits[i].what);
		for (; *names; names++) {
			bool hit = strchr(hits[i].hits, *names);
			struct cache_hit look = desk_look(&desk, (char[]){*names, 0});

			cr_assert_eq(look.state, hit ? CACHE_ABSENT : CACHE_FRESH, "%s: %c",
				     hits[i].what, *names);
			if (hit)
				cr_assert_str_eq(look.reason, strcmp(hits[i].what, "all")
								      ? "invalidated"
								      : "flushed");
		}
		cr_assert_eq(desk_invalidate(&desk, hits[i].what), 0, "a second time");
		desk_close(&desk);
	}
}

Test(invalidate, soft_leaves_what_it_hits_stale_from_then_on)
{
	for (size_t i = 0; i < HITS; i++) {
		struct desk desk = furnished();
		char what[64];
		const char *names = "abcde";

		snprintf(what, sizeof(what), "soft %s", hits[i].what);
		desk_pass_ms(&desk, 1000);
		cr_assert_eq(desk_invalidate(&desk, what), strlen(hits[i].hits), "%s", what);
		desk_pass_ms(&desk, 4990);
		for (; *names; names++) {
			bool hit = strchr(hits[i].hits, *names);
			struct cache_hit look = desk_look(&desk, (char[]){*names, 0});

			cr_assert_eq(look.state, hit ? CACHE_STALE : CACHE_FRESH, "%s: %c", what,
				     *names);
			cr_assert_eq(look.soft, hit);
			cr_assert_str_eq(look.reason, hit ? "invalidated" : "fresh");
		}
		desk_pass_ms(&desk, 20);
		for (names = hits[i].hits; *names; names++)
			cr_assert_eq(desk_state(&desk, (char[]){*names, 0}), CACHE_GRACE);
		desk_close(&desk);
	}
}

/* A second soft one gives no more time; a hard one takes what is left. */
Test(invalidate, soft_twice_is_counted_from_the_first)
{
	struct desk desk = furnished();

	cr_assert_eq(desk_invalidate(&desk, "soft tag x"), 2);
	desk_pass_ms(&desk, 3000);
	cr_assert_eq(desk_invalidate(&desk, "soft tag x"), 2);
	desk_pass_ms(&desk, 2000);
	cr_assert_eq(desk_state(&desk, "a"), CACHE_GRACE);
	cr_assert_eq(desk_invalidate(&desk, "tag x"), 2);
	cr_assert_eq(desk_state(&desk, "a"), CACHE_ABSENT);
	desk_close(&desk);
}

/* The order of steps of each: L a load begins, S its answer is stored, the rest as it says. The key
 * is a, the method m1, the tags x and y, none of which the cache has heard of before. */
Test(invalidate, what_was_asked_before_is_not_stored_after)
{
	static const struct {
		const char *what;
		bool stored;
	} cases[] = {
		{"tag x", false},	   {"tag q", true},	  {"tag q*", true},
		{"tag x*", false},	   {"all-of x y", false}, {"all-of x q", true},
		{"all-of x ?", false},	   {"method m1", false},  {"method m*", false},
		{"method m2", true},	   {"tag m1", false},	  {"key a", false},
		{"key b", true},	   {"all", false},	  {"soft tag x", false},
		{"soft key a", false},	   {"soft all", false},	  {"soft tag x*", false},
		{"soft method m1", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (int before = 0; before < 2; before++) {
			struct desk desk = desk_open();
			uint64_t clock;
			struct cache_fill fill;

			/* A refresh finds its entry there, or where it was. */
			if (before)
				cr_assert_eq(desk_store(&desk, "a", "m1", "x y"), CACHE_STORED);
			clock = cache_clock(desk.cache);
			desk_invalidate(&desk, cases[i].what);
			desk_upkeep(&desk, 5);
			fill = desk_fill(&desk, "a", "m1", "x y");
			fill.clock = clock;
			cr_assert_eq(cache_store(desk.cache, &fill, desk.now_us),
				     cases[i].stored ? CACHE_STORED : CACHE_INVALIDATED_SINCE, "%s",
				     cases[i].what);
			/* Whoever asks afterwards gets the truth, and it is kept. */
			cr_assert_eq(desk_store(&desk, "a", "m1", "x y"), CACHE_STORED);
			cr_assert_eq(desk_state(&desk, "a"), CACHE_FRESH);
			desk_close(&desk);
		}
	}
}

/* The last carrier of a tag has gone, and with it the list; its clock has not. */
Test(invalidate, tags_without_entries_are_remembered_for_as_long_as_a_load_runs)
{
	for (int late = 0; late < 2; late++) {
		struct desk desk = desk_open();
		uint64_t clock = cache_clock(desk.cache);
		struct cache_fill fill;

		cache_set_longest_load(desk.cache, 5000000);
		cr_assert_eq(desk_invalidate(&desk, "tag x"), 0);
		cr_assert_eq(desk_invalidate(&desk, "key a"), 0);
		cr_assert_eq(desk_invalidate(&desk, "tag y*"), 0);
		cr_assert_geq(desk_stats(&desk).remembered, 3);
		desk_pass_ms(&desk, late ? 5100 : 4900);
		desk_upkeep(&desk, 2);
		if (late)
			cr_assert_eq(desk_stats(&desk).remembered, 0);
		else
			cr_assert_geq(desk_stats(&desk).remembered, 3);
		/* A load that runs longer than any should is not believed at all. */
		fill = desk_fill(&desk, "other", "m", late ? "t" : "x");
		fill.clock = clock;
		cr_assert_eq(cache_store(desk.cache, &fill, desk.now_us), CACHE_INVALIDATED_SINCE);
		desk_close(&desk);
	}
}

/* More invalidations than may be remembered: what is forgotten is held against every load. */
Test(invalidate, what_cannot_be_remembered_is_held_against_all_loads)
{
	static const char *const forms[] = {"tag t%d", "key k%d", "tag q%d*"};

	for (size_t form = 0; form < 3; form++) {
		struct desk desk = desk_open();
		struct cache_fill fill;

		for (int i = 0; i < 20000; i++) {
			char what[32];

			snprintf(what, sizeof(what), forms[form], i);
			desk_invalidate(&desk, what);
			if (i % 100 == 0)
				desk_upkeep(&desk, 1);
			cr_assert_leq(desk_stats(&desk).bytes, desk_stats(&desk).memory_bytes);
		}
		desk_upkeep(&desk, 10);
		cr_assert_lt(desk_stats(&desk).remembered, 15000);
		for (int i = 0; i < 20000; i += 999) {
			char key[16], tag[16];

			snprintf(key, sizeof(key), "k%d", i);
			snprintf(tag, sizeof(tag), form == 2 ? "q%dz" : "t%d", i);
			fill = desk_fill(&desk, key, "m", tag);
			fill.clock = 0;
			cr_assert_eq(cache_store(desk.cache, &fill, desk.now_us),
				     CACHE_INVALIDATED_SINCE);
		}
		cr_assert_eq(desk_store(&desk, "a", "m", "t1 q1z"), CACHE_STORED);
		desk_close(&desk);
	}
}

/* Patterns that join hit more than either, never less. */
Test(invalidate, patterns_beyond_the_most_still_hit_what_they_name)
{
	struct desk desk = desk_open();

	for (int i = 0; i < 600; i++) {
		char key[16], tag[16];

		snprintf(key, sizeof(key), "k%d", i);
		snprintf(tag, sizeof(tag), "tag:%d:x", i);
		cr_assert_eq(desk_store(&desk, key, "m", tag), CACHE_STORED);
	}
	cr_assert_eq(desk_store(&desk, "other", "m", "quite:different"), CACHE_STORED);
	for (int i = 0; i < 500; i++) {
		char what[32];

		snprintf(what, sizeof(what), "tag tag:%d:*", i);
		desk.cache->tag_walk = 0; /* all of it is left to the check on reading */
		desk_invalidate(&desk, what);
	}
	cr_assert_leq(desk.cache->patterns.count, PATTERNS_MAX);
	for (int i = 0; i < 500; i++) {
		char key[16];

		snprintf(key, sizeof(key), "k%d", i);
		cr_assert_eq(desk_state(&desk, key), CACHE_ABSENT, "%s", key);
	}
	cr_assert_eq(desk_state(&desk, "other"), CACHE_FRESH);
	desk_upkeep(&desk, 40);
	cr_assert_eq(desk.cache->sweep.met, cache_clock(desk.cache));
	desk_close(&desk);
}

/* Far more carriers than one turn may walk. */
Test(invalidate, wide_ones_are_in_force_at_once_and_freed_in_slices)
{
	static const char *const whats[] = {"tag wide", "method m", "all",
					    "tag w*",	"method ?", "all-of wide m"};

	for (size_t i = 0; i < sizeof(whats) / sizeof(whats[0]); i++) {
		struct desk desk = desk_open();
		const uint32_t count = 12000;
		struct cache_stats stats;
		size_t hit;
		char key[16];

		for (uint32_t n = 0; n < count; n++) {
			snprintf(key, sizeof(key), "k%u", n);
			cr_assert_eq(desk_store(&desk, key, "m", n % 2 ? "wide" : "wide even"),
				     CACHE_STORED);
		}
		cr_assert_eq(desk_store(&desk, "new", "m", "t"), CACHE_STORED);
		hit = desk_invalidate(&desk, whats[i]);
		if (i < 5)
			cr_assert(hit == count || hit == count + 1, "%s: %zu", whats[i], hit);
		for (uint32_t n = 0; n < count; n += 97) {
			snprintf(key, sizeof(key), "k%u", n);
			cr_assert_eq(desk_state(&desk, key), CACHE_ABSENT, "%s", whats[i]);
		}
		if (i < 5)
			cr_assert_eq(desk_invalidate(&desk, whats[i]), 0, "%s", whats[i]);
		desk_upkeep(&desk, 40);
		stats = desk_stats(&desk);
		cr_assert_leq(stats.entries, 1);
		cr_assert_leq(stats.payload_bytes, 5, "%s: %lu", whats[i],
			      (unsigned long)stats.payload_bytes);
		cr_assert_eq(desk.cache->entries.count, stats.entries);
		desk_close(&desk);
	}
}

Test(invalidate, an_entry_with_many_tags_among_others_of_its_kind)
{
	struct desk desk = desk_open();
	char tags[256 * 8] = "";
	size_t len = 0;

	for (int i = 0; i < 256; i++)
		len += (size_t)snprintf(tags + len, sizeof(tags) - len, "t%d ", i);
	for (int i = 0; i < 300; i++) {
		char key[16];

		snprintf(key, sizeof(key), "k%d", i);
		cr_assert_eq(desk_store(&desk, key, "m", tags), CACHE_STORED);
	}
	cr_assert_eq(desk_invalidate(&desk, "key k150"), 1);
	cr_assert_eq(desk_invalidate(&desk, "key k0 k299"), 2);
	cr_assert_eq(desk_invalidate(&desk, "tag t0 t255 t17"), 297);
	cr_assert_eq(desk.cache->entries.count, 0);
	desk_close(&desk);
}
