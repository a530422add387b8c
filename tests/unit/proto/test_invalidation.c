#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include "proto/event.h"
#include "proto/invalidation_read.h"

static json_t *tree_of(const char *text)
{
	json_t *tree = json_loads(text, JSON_DECODE_ANY, NULL);

	cr_assert(tree, "%s", text);
	return tree;
}

Test(invalidation, reads_what_each_source_writes)
{
	json_t *tree = tree_of("{\"tags\":[\"property:42\",\"city:*\"],\"match\":\"all\","
			       "\"keys\":\"front\",\"methods\":[\"property.get\"],"
			       "\"mode\":\"soft\",\"all\":false}");
	char why[INVALIDATION_WHY_MAX];
	struct invalidation_held held;

	cr_assert_eq(invalidation_read(tree, &held, why), WSB_OK, "%s", why);
	cr_assert_eq(held.what.tag_count, 2);
	cr_assert(span_is(held.what.tags[0], "property:42") &&
		  span_is(held.what.tags[1], "city:*"));
	cr_assert(held.what.key_count == 1 && span_is(held.what.keys[0], "front"));
	cr_assert(held.what.method_count == 1 && span_is(held.what.methods[0], "property.get"));
	cr_assert(held.what.match == MATCH_ALL && held.what.mode == INVALIDATE_SOFT &&
		  !held.what.all);
	invalidation_held_fini(&held);
	json_decref(tree);
}

Test(invalidation, takes_one_text_for_a_list_and_all_alone)
{
	static const struct {
		const char *text;
		size_t tags;
		bool all;
	} cases[] = {
		{"{\"tags\":\"a\"}", 1, false},
		{"{\"all\":true}", 0, true},
		{"{\"all\":true,\"tags\":[]}", 0, true},
		{"{\"tags\":[\"a\"],\"keys\":[]}", 1, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *tree = tree_of(cases[i].text);
		char why[INVALIDATION_WHY_MAX];
		struct invalidation_held held;

		cr_assert_eq(invalidation_read(tree, &held, why), WSB_OK, "%s", cases[i].text);
		cr_assert_eq(held.what.tag_count, cases[i].tags, "%s", cases[i].text);
		cr_assert_eq(held.what.all, cases[i].all, "%s", cases[i].text);
		cr_assert(held.what.mode == INVALIDATE_HARD && held.what.match == MATCH_ANY);
		invalidation_held_fini(&held);
		json_decref(tree);
	}
}

static void check_refused(const char *text, const char *reason)
{
	char why[INVALIDATION_WHY_MAX] = "";
	json_t *tree = tree_of(text);
	struct invalidation_held held;

	cr_assert_eq(invalidation_read(tree, &held, why), WSB_EINVAL, "%s", text);
	cr_assert(strstr(why, reason), "%s: %s", text, why);
	cr_assert_null(held.spans);
	json_decref(tree);
}

Test(invalidation, refuses_the_rest_with_the_reason)
{
	check_refused("[]", "must be an object");
	check_refused("null", "must be an object");
	check_refused("{}", "nothing to invalidate");
	check_refused("{\"tags\":[]}", "nothing to invalidate");
	check_refused("{\"all\":false}", "nothing to invalidate");
	check_refused("{\"all\":1}", "all must be");
	check_refused("{\"all\":true,\"tags\":[\"a\"]}", "all stands alone");
	check_refused("{\"tag\":\"a\"}", "unknown member tag");
	check_refused("{\"tags\":1}", "tags must be a text or an array");
	check_refused("{\"tags\":[1]}", "tags must be a text or an array");
	check_refused("{\"tags\":[[\"a\"]]}", "tags must be a text or an array");
	check_refused("{\"tags\":{}}", "tags must be a text or an array");
	check_refused("{\"tags\":null}", "tags must be a text or an array");
	check_refused("{\"tags\":[\"\"]}", "a tag has 1 to 512 bytes, not 0");
	check_refused("{\"keys\":[\"\"]}", "a key has");
	check_refused("{\"methods\":\"\"}", "a method has");
	check_refused("{\"tags\":\"a\",\"mode\":\"gentle\"}", "mode must be \"hard\" or \"soft\"");
	check_refused("{\"tags\":\"a\",\"mode\":null}", "mode must be");
	check_refused("{\"tags\":\"a\",\"match\":2}", "match must be \"any\" or \"all\"");
}

/* {"tags":[...]} with count tags of len bytes. */
static json_t *many(size_t count, size_t len, const char *match)
{
	json_t *tags = json_array();
	char *text = malloc(len + 1);

	memset(text, 'x', len);
	text[len] = '\0';
	for (size_t i = 0; i < count; i++) {
		snprintf(text, len, "%zu", i);
		text[strlen(text)] = 'x';
		json_array_append_new(tags, json_string(text));
	}
	free(text);
	return json_pack("{s:o,s:s}", "tags", tags, "match", match);
}

Test(invalidation, refuses_names_that_are_too_long)
{
	json_t *tree = many(1, TAG_GLOB_BYTES_MAX + 1, "any");
	char why[INVALIDATION_WHY_MAX];
	struct invalidation_held held;

	cr_assert_eq(invalidation_read(tree, &held, why), WSB_EINVAL);
	cr_assert(strstr(why, "not 513"), "%s", why);
	json_decref(tree);
}

Test(invalidation, keeps_tags_together_of_which_all_must_be_there)
{
	char why[INVALIDATION_WHY_MAX];
	struct invalidation_held held;
	json_t *tree = many(EVENT_NAMES_MAX, 20, "all");

	cr_assert_eq(invalidation_read(tree, &held, why), WSB_OK, "%s", why);
	invalidation_held_fini(&held);
	json_decref(tree);
	tree = many(EVENT_NAMES_MAX + 1, 20, "all");
	cr_assert_eq(invalidation_read(tree, &held, why), WSB_EINVAL);
	json_decref(tree);
	tree = many(500, 200, "all");
	cr_assert_eq(invalidation_read(tree, &held, why), WSB_EINVAL);
	cr_assert(strstr(why, "fit into one event"), "%s", why);
	json_decref(tree);
}

/* Each piece fits, and together they are the whole in its order. */
static void check_parts(size_t count, size_t len, size_t parts_wanted)
{
	json_t *tree = many(count, len, "any");
	char why[INVALIDATION_WHY_MAX];
	struct invalidation_held held;
	struct invalidation_parts parts;
	struct invalidation part;
	size_t seen = 0;
	size_t pieces = 0;

	cr_assert_eq(invalidation_read(tree, &held, why), WSB_OK, "%s", why);
	parts = (struct invalidation_parts){.rest = held.what};
	while (invalidation_next_part(&parts, &part)) {
		struct event event = {.source = span_text("/wsbroker/a/b"),
				      .id = span_text("c"),
				      .position = {UINT64_MAX, UINT64_MAX},
				      .what = part,
				      .cause = span_text("call")};
		struct event_held read;
		struct strbuf text;

		strbuf_init(&text);
		for (size_t i = 0; i < part.tag_count; i++)
			cr_assert(span_equal(part.tags[i], held.what.tags[seen + i]));
		seen += part.tag_count;
		pieces++;
		cr_assert_eq(event_write(ENCODING_JSON, &event, &text), WSB_OK);
		cr_assert_leq(text.len, EVENT_BYTES_MAX);
		cr_assert_eq(event_read(ENCODING_JSON, strbuf_span(&text), &read), WSB_OK);
		cr_assert_eq(read.event.what.tag_count, part.tag_count);
		event_held_fini(&read);
		strbuf_fini(&text);
	}
	cr_assert_eq(seen, count);
	cr_assert_eq(pieces, parts_wanted, "%zu pieces", pieces);
	invalidation_held_fini(&held);
	json_decref(tree);
}

Test(invalidation, comes_in_pieces_that_fit_into_events)
{
	check_parts(1, 10, 1);
	check_parts(EVENT_NAMES_MAX, 10, 1);
	check_parts(EVENT_NAMES_MAX + 1, 10, 2);
	check_parts(20000, 10, 20);
	check_parts(1000, TAG_GLOB_BYTES_MAX, 9);
}

Test(invalidation, of_all_is_one_piece)
{
	struct invalidation_parts parts = {.rest = {.all = true}};
	struct invalidation part;

	cr_assert(invalidation_next_part(&parts, &part));
	cr_assert(part.all);
	cr_assert_not(invalidation_next_part(&parts, &part));
}
