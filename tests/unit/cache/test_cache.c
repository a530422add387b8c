/* What the store keeps, for how long, and within what bounds. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include "broker/cache/state.h"
#include "common/rng.h"
#include "tests/unit/cache/desk.h"

#define MIB (UINT64_C(1) << 20)

/* 10 s fresh, 5 s more stale, 20 s in all after the ttl where the upstream fails. */
Test(cache, an_answer_grows_old_in_steps)
{
	static const struct {
		uint64_t after_ms;
		enum cache_state state;
		const char *reason;
	} cases[] = {
		{0, CACHE_FRESH, "fresh"},	  {9999, CACHE_FRESH, "fresh"},
		{10000, CACHE_STALE, "expired"},  {14999, CACHE_STALE, "expired"},
		{15000, CACHE_GRACE, "expired"},  {29999, CACHE_GRACE, "expired"},
		{30000, CACHE_ABSENT, "expired"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (int upkeep = 0; upkeep < 2; upkeep++) {
			struct desk desk = desk_open();
			struct cache_hit hit;

			cr_assert_eq(desk_store(&desk, "a", "m", "t"), CACHE_STORED);
			desk_pass_ms(&desk, cases[i].after_ms);
			if (upkeep)
				cache_upkeep(desk.cache, desk.now_us);
			hit = desk_look(&desk, "a");
			cr_assert_eq(hit.state, cases[i].state, "after %lu ms",
				     (unsigned long)cases[i].after_ms);
			cr_assert_str_eq(hit.reason, cases[i].reason);
			if (hit.state != CACHE_ABSENT) {
				cr_assert(span_is(hit.value.bytes, "value"));
				cr_assert_eq(hit.age_us, cases[i].after_ms * 1000);
			}
			desk_close(&desk);
		}
	}
}

Test(cache, an_answer_comes_back_as_it_was)
{
	struct desk desk = desk_open();
	struct cache_fill fill = desk_fill(&desk, "a", "m", "t");
	struct cache_hit hit;

	fill.value = (struct cache_value){span_of("\0x", 2), ENCODING_MSGPACK, 1};
	fill.prefetched = true;
	cr_assert_eq(cache_store(desk.cache, &fill, desk.now_us), CACHE_STORED);
	cache_look(desk.cache, fill.key, ENCODING_JSON, false, desk.now_us, &hit);
	cr_assert_not(hit.prefetched);
	cr_assert_eq(hit.hits, 0);
	hit = desk_look(&desk, "a");
	cr_assert(span_equal(hit.value.bytes, span_of("\0x", 2)));
	cr_assert_eq(hit.value.encoding, ENCODING_MSGPACK);
	cr_assert_eq(hit.value.id_at, 1);
	cr_assert(hit.prefetched);
	cr_assert_eq(hit.hits, 1);
	hit = desk_look(&desk, "a");
	cr_assert_not(hit.prefetched);
	cr_assert_eq(hit.hits, 2);
	cr_assert_eq(hit.ttl_us, 10000000);
	/* An empty answer, and one that says where an id belongs at its end. */
	fill = desk_fill(&desk, "a", "", "");
	fill.value = (struct cache_value){span_of("", 0), ENCODING_JSON, 0};
	cr_assert_eq(cache_store(desk.cache, &fill, desk.now_us), CACHE_STORED);
	hit = desk_look(&desk, "a");
	cr_assert_eq(hit.value.bytes.len, 0);
	cr_assert_eq(hit.value.id_at, 0);
	cr_assert_eq(hit.hits, 1);
	desk_close(&desk);
}

Test(cache, refuses_what_is_too_much)
{
	struct desk desk = desk_open();
	struct cache_fill fill = desk_fill(&desk, "a", "m", "t");
	char *large = calloc(1, 2 * MIB);
	struct span tags[300];
	char texts[300][300];

	fill.value.bytes = span_of(large, MIB + 1);
	cr_assert_eq(cache_store(desk.cache, &fill, desk.now_us), CACHE_TOO_LARGE);
	fill.value.bytes.len = MIB;
	cr_assert_eq(cache_store(desk.cache, &fill, desk.now_us), CACHE_STORED);
	fill.value.bytes.len = 1;
	fill.tags = tags;
	for (size_t i = 0; i < 300; i++) {
		snprintf(texts[i], sizeof(texts[i]), "%0256zu", i);
		tags[i] = span_text(texts[i]);
	}
	fill.tag_count = 256;
	cr_assert_eq(cache_store(desk.cache, &fill, desk.now_us), CACHE_STORED);
	fill.tag_count = 257;
	cr_assert_eq(cache_store(desk.cache, &fill, desk.now_us), CACHE_TOO_MANY_TAGS);
	tags[256] = tags[0];
	cr_assert_eq(cache_store(desk.cache, &fill, desk.now_us), CACHE_STORED, "twice is once");
	memset(texts[0], 'x', 257);
	tags[0] = span_of(texts[0], 257);
	cr_assert_eq(cache_store(desk.cache, &fill, desk.now_us), CACHE_TAG_TOO_LONG);
	fill = desk_fill(&desk, "a", "m", "");
	fill.key = span_of(texts[0], 258);
	texts[0][0] = CACHE_KEY_TEXT;
	cr_assert_eq(cache_store(desk.cache, &fill, desk.now_us), CACHE_TOO_LARGE, "a name");
	cr_assert_eq(desk_stats(&desk).verdicts[CACHE_TOO_LARGE], 2);
	free(large);
	desk_close(&desk);
}

static void come_and_go(struct desk *desk)
{
	for (int i = 0; i < 3; i++) {
		char key[16];

		snprintf(key, sizeof(key), "%d", i);
		cr_assert_eq(desk_store(desk, key, "m", "t1 t2 t1 t3"), CACHE_STORED);
	}
	cr_assert_eq(desk_stats(desk).tags, 4);
	desk_pass_ms(desk, 31000);
	desk_upkeep(desk, 3);
	cr_assert_eq(desk_stats(desk).entries, 0);
	cr_assert_eq(desk_stats(desk).tags, 0);
	cr_assert_eq(desk_stats(desk).payload_bytes, 0);
	cr_assert_eq(desk_stats(desk).key_bytes, 0);
	cr_assert_eq(desk_stats(desk).tag_bytes, 0);
}

Test(cache, forgets_tags_with_their_last_entry)
{
	struct desk desk = desk_open();
	uint64_t bytes;

	come_and_go(&desk);
	bytes = desk_stats(&desk).bytes;
	come_and_go(&desk);
	cr_assert_eq(desk_stats(&desk).expirations, 6);
	cr_assert_eq(desk_stats(&desk).bytes, bytes);
	desk_close(&desk);
}

/* Whatever is thrown at it: other sizes from one time to the next, with tags, and the largest. */
static void flood(enum cache_policy_kind policy)
{
	struct cache_settings settings = desk_settings();
	struct desk desk;
	struct rng rng;
	char *bytes = calloc(1, 8 * MIB);
	uint32_t stored = 0;

	settings.policy = policy;
	settings.max_entry_bytes = UINT64_C(64) * MIB;
	desk = desk_open_with(settings);
	rng_init(&rng, 3);
	for (uint64_t i = 0; i < 60000; i++) {
		uint64_t phase = i / 10000 % 3;
		size_t len = (size_t)rng_below(&rng, phase == 0 ? 20 : phase == 1 ? 400 : 20000);
		struct cache_stats stats;

		if (i % 10000 == 9999)
			len = policy == CACHE_GDSF ? 7 * MIB : MIB / 2;
		stored += desk_store_in_the_end(&desk, i, len, bytes);
		stats = desk_stats(&desk);
		cr_assert_leq(stats.bytes, stats.memory_bytes);
		cr_assert_eq(stats.bytes, stats.payload_bytes + stats.key_bytes + stats.tag_bytes +
						  stats.overhead_bytes);
		if (i % 100 == 0)
			desk_upkeep(&desk, 1);
	}
	cr_assert_eq(stored, 60000, "%u", stored);
	cr_assert_gt(desk_stats(&desk).evictions, 10000);
	cr_assert_eq(desk_store_bytes(&desk, 1, 8 * MIB, bytes),
		     policy == CACHE_GDSF ? CACHE_NO_ROOM : CACHE_TOO_LARGE);
	free(bytes);
	desk_close(&desk);
}

Test(cache, never_passes_its_bound)
{
	flood(CACHE_GDSF);
	flood(CACHE_S3FIFO);
}

Test(cache, what_has_expired_leaves_before_what_has_not)
{
	static const enum cache_policy_kind policies[] = {CACHE_GDSF, CACHE_S3FIFO};

	for (size_t p = 0; p < 2; p++) {
		struct cache_settings settings = desk_settings();
		struct desk desk;
		char bytes[4000] = "";

		settings.policy = policies[p];
		desk = desk_open_with(settings);
		for (uint64_t i = 0; i < 800; i++) {
			char key[16];
			struct cache_fill fill;

			snprintf(key, sizeof(key), "short%lu", (unsigned long)i);
			fill = desk_fill(&desk, key, "m", "");
			fill.ttl_us = i % 2 ? 100000 : 1000000000;
			fill.stale_while_revalidate_us = fill.stale_if_error_us = 0;
			fill.value.bytes = span_of(bytes, sizeof(bytes));
			cr_assert_eq(cache_store(desk.cache, &fill, desk.now_us), CACHE_STORED);
			desk_look(&desk, key);
		}
		desk_pass_ms(&desk, 200);
		for (uint64_t i = 0; i < 1500; i++)
			cr_assert_eq(desk_store_bytes(&desk, i, sizeof(bytes), bytes),
				     CACHE_STORED);
		cr_assert_gt(desk_stats(&desk).expirations, 300);
		cr_assert_eq(desk_stats(&desk).evictions, 0);
		desk_close(&desk);
	}
}

Test(cache, long_answers_are_compressed_when_it_saves)
{
	static const struct {
		size_t len;
		bool is_random;
		bool is_compressed;
	} cases[] = {
		{2048, false, false}, {2049, false, true},	  {100000, false, true},
		{2049, true, false},  {1024 * 1024, true, false}, {1024 * 1024, false, true},
	};
	struct cache_settings settings = desk_settings();
	struct rng rng;
	char *bytes = malloc(MIB);

	settings.compress_above = 2048;
	settings.memory_bytes = 16 * MIB;
	rng_init(&rng, 5);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct desk desk = desk_open_with(settings);
		struct cache_hit hit;

		for (size_t at = 0; at < MIB; at++)
			bytes[at] =
				cases[i].is_random ? (char)rng_next(&rng) : "{\"name\":1}"[at % 10];
		cr_assert_eq(desk_store_bytes(&desk, 1, cases[i].len, bytes), CACHE_STORED);
		cr_assert_eq(desk_stats(&desk).compressed, cases[i].is_compressed);
		cr_assert_eq(desk_stats(&desk).payload_plain_bytes, cases[i].len);
		if (cases[i].is_compressed)
			cr_assert_lt(desk_stats(&desk).payload_bytes, cases[i].len / 8 * 7);
		hit = desk_look(&desk, "k1");
		cr_assert(span_equal(hit.value.bytes, span_of(bytes, cases[i].len)));
		desk_close(&desk);
	}
	free(bytes);
}

struct both_case {
	size_t own, other; /* bytes */
	uint64_t compressed;
	enum cache_policy_kind policy;
	bool is_kept;
};

static struct cache_hit look_in(struct desk *desk, enum encoding wanted)
{
	struct cache_hit hit;

	cache_look(desk->cache, span_text("@k1"), wanted, false, desk->now_us, &hit);
	return hit;
}

static void expect_both(struct desk *desk, const struct both_case *each,
			const struct cache_value *other, struct span own)
{
	struct cache_stats stats = desk_stats(desk);
	struct cache_hit hit = look_in(desk, ENCODING_MSGPACK);

	cr_assert_eq(stats.entries, 1);
	cr_assert_eq(stats.compressed, each->compressed);
	cr_assert_eq(stats.payload_plain_bytes, own.len + (each->is_kept ? other->bytes.len : 0));
	cr_assert_eq(hit.value.encoding == ENCODING_MSGPACK, each->is_kept);
	if (each->is_kept) {
		cr_assert(span_equal(hit.value.bytes, other->bytes));
		cr_assert_eq(hit.value.id_at, other->id_at);
	}
	hit = look_in(desk, ENCODING_JSON);
	cr_assert_eq(hit.value.encoding, ENCODING_JSON);
	cr_assert(span_equal(hit.value.bytes, own));
}

/* An entry that is asked for in both encodings is kept in both, and is still one entry. */
Test(cache, keeps_both_forms_of_an_entry)
{
	static const struct both_case cases[] = {
		{100, 80, 0, CACHE_GDSF, true},
		{100, 80, 0, CACHE_S3FIFO, true},
		{2500, 1900, 1, CACHE_GDSF, true},
		{1900, 2500, 1, CACHE_S3FIFO, true},
		{5000, 6000, 1, CACHE_GDSF, true},
		{100, 0, 0, CACHE_GDSF, true},
		/* With s3-fifo an entry may take a tenth of the memory. */
		{1000000, 800000, 1, CACHE_S3FIFO, false},
		{1000000, 800000, 1, CACHE_GDSF, true},
	};
	struct cache_settings settings = desk_settings();
	char *bytes = malloc(MIB);

	for (size_t at = 0; at < MIB; at++)
		bytes[at] = "{\"name\":1}"[at % 10];
	settings.compress_above = 2048;
	settings.memory_bytes = 16 * MIB;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cache_value other = {span_of(bytes + 1, cases[i].other), ENCODING_MSGPACK,
					    9};
		struct desk desk;

		settings.policy = cases[i].policy;
		desk = desk_open_with(settings);
		cr_assert_eq(desk_store_bytes(&desk, 1, cases[i].own, bytes), CACHE_STORED);
		cache_keep_other(desk.cache, span_text("@k2"), &other, desk.now_us);
		for (int k = 0; k < 2; k++)
			cache_keep_other(desk.cache, span_text("@k1"), &other, desk.now_us);
		expect_both(&desk, &cases[i], &other, span_of(bytes, cases[i].own));
		/* What takes its place begins with one form; what invalidates it is about both. */
		cr_assert_eq(desk_store_bytes(&desk, 1, 50, bytes), CACHE_STORED);
		cr_assert_eq(look_in(&desk, ENCODING_MSGPACK).value.encoding, ENCODING_JSON);
		cr_assert_eq(desk_stats(&desk).payload_plain_bytes, 50);
		cache_keep_other(desk.cache, span_text("@k1"), &other, desk.now_us);
		cr_assert_eq(desk_invalidate(&desk, "key k1"), 1);
		cr_assert_eq(look_in(&desk, ENCODING_MSGPACK).state, CACHE_ABSENT);
		desk_close(&desk);
	}
	free(bytes);
}

/* What compresses a longer text than before takes more for itself. */
Test(cache, compression_takes_no_more_than_it_asks_for)
{
	static const size_t lens[] = {3000, 10000, 100000, 1000000};
	char *bytes = calloc(1, MIB);
	struct budget budget = {.limit = 0};
	struct squeeze squeeze;

	squeeze_init(&squeeze, &budget);
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		budget.limit = budget.used + squeeze_needs(&squeeze, lens[i]);
		cr_assert_not_null(squeeze_deflate(&squeeze, span_of(bytes, lens[i])).at);
		cr_assert_leq(budget.used, budget.limit, "%zu", lens[i]);
		cr_assert_eq(squeeze_needs(&squeeze, lens[i]), 0);
	}
	squeeze_fini(&squeeze);
	free(bytes);
}

/* A list as servers answer it: names that repeat, numbers and texts that do not. */
static size_t make_json(struct rng *rng, char *text, size_t least)
{
	static const char *const words[] = {"garden", "balcony", "lake",  "north", "quiet",
					    "bright", "station", "attic", "view",  "cellar"};
	size_t len = (size_t)snprintf(text, 64, "{\"jsonrpc\":\"2.0\",\"result\":[");

	while (len < least)
		len += (size_t)snprintf(
			text + len, 256,
			"{\"id\":%u,\"title\":\"%s %s\",\"price\":%u.%02u,\"tags\":[\"%s\",\"%s\"],"
			"\"at\":\"2026-11-%02uT%02u:%02u:00Z\",\"hash\":\"%08x\"},",
			(uint32_t)rng_below(rng, 1000000), words[rng_below(rng, 10)],
			words[rng_below(rng, 10)], (uint32_t)rng_below(rng, 5000),
			(uint32_t)rng_below(rng, 100), words[rng_below(rng, 10)],
			words[rng_below(rng, 10)], (uint32_t)rng_below(rng, 30),
			(uint32_t)rng_below(rng, 24), (uint32_t)rng_below(rng, 60),
			(uint32_t)rng_next(rng));
	return len;
}

Test(cache, compression_saves_two_fifths_of_json)
{
	struct cache_settings settings = desk_settings();
	char text[16 * 1024];
	struct desk desk;
	struct cache_stats stats;
	struct rng rng;

	settings.compress_above = 2047;
	settings.memory_bytes = 64 * MIB;
	desk = desk_open_with(settings);
	rng_init(&rng, 31);
	for (uint64_t i = 0; i < 500; i++) {
		size_t len = make_json(&rng, text, 2048 + i % 6 * 1000);

		cr_assert_eq(desk_store_bytes(&desk, i, len, text), CACHE_STORED);
	}
	stats = desk_stats(&desk);
	cr_log_info("%.1f %% saved",
		    100 - 100.0 * (double)stats.payload_bytes / (double)stats.payload_plain_bytes);
	cr_assert_leq(stats.payload_bytes, stats.payload_plain_bytes / 10 * 6);
	desk_close(&desk);
}

Test(cache, ttls_are_spread)
{
	struct desk desk = desk_open();
	uint64_t least = UINT64_MAX, most = 0;

	cache_set_jitter(desk.cache, 0.05);
	for (uint64_t i = 0; i < 200; i++) {
		uint64_t ttl;

		cr_assert_eq(desk_store(&desk, "a", "m", ""), CACHE_STORED);
		ttl = desk_look(&desk, "a").ttl_us;
		least = ttl < least ? ttl : least;
		most = ttl > most ? ttl : most;
	}
	cr_assert(least >= 9500000 && least < 9700000, "%lu", (unsigned long)least);
	cr_assert(most <= 10500000 && most > 10300000, "%lu", (unsigned long)most);
	desk_close(&desk);
}

static bool find_name(void *context, const struct cache_listed *listed)
{
	struct cache_listed *found = context;

	if (!span_is(listed->name, "b"))
		return true;
	cr_assert_eq(listed->tag_count, 2);
	cr_assert(span_is(listed->tags[0], "t1") || span_is(listed->tags[1], "t1"));
	*found = *listed;
	return false;
}

Test(cache, lists_what_it_holds)
{
	struct desk desk = desk_open();
	struct cache_listed found = {0};
	char buf[CACHE_DIGEST_TEXT];

	cr_assert_eq(desk_store(&desk, "a", "m", ""), CACHE_STORED);
	cr_assert_eq(desk_store(&desk, "b", "method", "t1 t2"), CACHE_STORED);
	desk_pass_ms(&desk, 12000);
	cr_assert_neq(cache_each(desk.cache, 0, desk.now_us, find_name, &found), 1);
	cr_assert(span_is(found.method, "method"));
	cr_assert_eq(found.state, CACHE_STALE);
	cr_assert_eq(found.bytes, 5);
	cr_assert_eq(found.age_us, 12000000);
	/* The digest that `xxhsum -H128` prints. */
	cr_assert(span_equal(cache_name(span_text("abc"), buf),
			     span_text("06b05ab6733a618578af5f94892f3950")));
	desk_close(&desk);
}

static bool take_any(void *context, const struct cache_listed *entry)
{
	*(struct cache_listed *)context = *entry;
	return true;
}

Test(cache, shows_the_entry_of_a_name)
{
	static const struct {
		const char *name;
		const char *method; /* NULL: there is none */
	} cases[] = {
		{"b", "method"},
		{"abc", NULL},
		{"", NULL},
		{"06b05ab6733a618578af5f94892f3950", "m"},
		{"06b05ab6733a618578af5f94892f395f", NULL},
		{"stale", NULL},
	};
	struct desk desk = desk_open();
	struct cache_fill fill;

	fill = desk_fill(&desk, "a", "m", "");
	fill.key = span_text("abc");
	cr_assert_eq(cache_store(desk.cache, &fill, desk.now_us), CACHE_STORED);
	cr_assert_eq(desk_store(&desk, "b", "method", "t1 t2"), CACHE_STORED);
	cr_assert_eq(desk_store(&desk, "stale", "method", "t3"), CACHE_STORED);
	cr_assert_eq(desk_invalidate(&desk, "tag t3"), 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cache_listed found = {0};

		cache_each_named(desk.cache, span_text(cases[i].name), desk.now_us, take_any,
				 &found);
		if (cases[i].method)
			cr_expect(span_is(found.method, cases[i].method), "%s", cases[i].name);
		else
			cr_expect_null(found.method.at, "%s", cases[i].name);
	}
	desk_close(&desk);
}

Test(cache, numbers_are_packed_downwards)
{
	struct rng rng;
	uint16_t last = 0;

	rng_init(&rng, 9);
	for (uint64_t number = 0; number < 70000; number++) {
		uint16_t packed = number_pack(number);

		cr_assert_geq(packed, last);
		cr_assert_leq(number_unpack(packed), number);
		cr_assert_geq(number_unpack(packed), number - number / 2048);
		last = packed;
	}
	for (int i = 0; i < 100000; i++) {
		uint64_t number = rng_next(&rng) >> (24 + rng_below(&rng, 40));

		cr_assert_leq(number_unpack(number_pack(number)), number);
		cr_assert_geq(number_unpack(number_pack(number)), number - number / 2048);
	}
	cr_assert_eq(number_pack(4095), 4095);
	cr_assert_eq(number_unpack(number_pack(UINT64_MAX)), UINT64_C(4095) << 30);
}
