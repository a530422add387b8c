#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include "broker/route/route.h"
#include "common/glob.h"
#include "common/rng.h"

#define RULES_MAX 12
#define ROUNDS	  200000

static struct route_table *table_of(const struct route_settings *settings, size_t count)
{
	struct route_table *table;

	cr_assert_eq(route_table_create(&table, settings, count, 99), WSB_OK);
	return table;
}

Test(route, the_first_match_wins)
{
	const struct route_settings settings[] = {
		{.method = "property.get"},
		{.method = "property.*"},
		{.method = "?"},
		{.method = "*", .action = ROUTE_DENY},
	};
	struct route_table *table = table_of(settings, 4);

	/* Twice: the second time it is remembered. */
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(route_find(table, span_text("property.get")), &settings[0]);
		cr_assert_eq(route_find(table, span_text("property.getAll")), &settings[1]);
		cr_assert_eq(route_find(table, span_text("property.")), &settings[1]);
		cr_assert_eq(route_find(table, span_text("x")), &settings[2]);
		cr_assert_eq(route_find(table, span_text("")), &settings[3]);
		cr_assert_eq(route_find(table, span_text(NULL)), &settings[3]);
		cr_assert_eq(route_find(table, span_text("Property.get")), &settings[3]);
	}
	route_table_destroy(table);
}

Test(route, without_a_match_there_is_none)
{
	const struct route_settings settings[] = {{.method = "eth_*"}};
	struct route_table *table = table_of(settings, 1);
	struct route_table *empty = table_of(NULL, 0);

	for (int i = 0; i < 2; i++) {
		cr_assert_null(route_find(table, span_text("net_version")));
		cr_assert_null(route_find(empty, span_text("eth_call")));
		cr_assert_eq(route_find(table, span_text("eth_call")), &settings[0]);
	}
	route_table_destroy(table);
	route_table_destroy(empty);
	route_table_destroy(NULL);
}

Test(route, methods_with_any_bytes_are_told_apart)
{
	const struct route_settings settings[] = {
		{.method = "a"}, {.method = "a*"}, {.method = "*"}};
	struct route_table *table = table_of(settings, 3);

	for (int i = 0; i < 2; i++) {
		cr_assert_eq(route_find(table, span_of("a\0b", 3)), &settings[1]);
		cr_assert_eq(route_find(table, span_of("a", 1)), &settings[0]);
		cr_assert_eq(route_find(table, span_of("a\0", 2)), &settings[1]);
		cr_assert_eq(route_find(table, span_of("\0a", 2)), &settings[2]);
		cr_assert_eq(route_find(table, span_of("\xff\xfe", 2)), &settings[2]);
	}
	route_table_destroy(table);
}

/* Around the length that is remembered, two methods that differ in their last byte alone. */
Test(route, long_methods_are_matched_in_full)
{
	struct route_settings settings[2] = {{.method = NULL}, {.method = "*"}};
	char pattern[300];
	char other[300];

	for (size_t len = 80; len < 130; len++) {
		struct route_table *table;

		memset(pattern, 'm', len);
		memcpy(other, pattern, len);
		pattern[len] = other[len] = '\0';
		other[len - 1] = 'n';
		settings[0].method = pattern;
		table = table_of(settings, 2);
		for (int i = 0; i < 3; i++) {
			cr_assert_eq(route_find(table, span_text(pattern)), &settings[0]);
			cr_assert_eq(route_find(table, span_text(other)), &settings[1]);
		}
		route_table_destroy(table);
	}
}

/* The classic that makes naive matchers take for ever. */
Test(route, hostile_globs_and_methods_end_soon, .timeout = 10)
{
	const struct route_settings settings[] = {
		{.method = "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b"},
		{.method = "**********?**********?**********\\"},
		{.method = "\\*"},
	};
	struct route_table *table = table_of(settings, 3);
	size_t len = 1 << 18;
	char *method = malloc(len);

	memset(method, 'a', len);
	cr_assert_null(route_find(table, span_of(method, len)));
	method[len - 1] = 'b';
	cr_assert_eq(route_find(table, span_of(method, len)), &settings[0]);
	cr_assert_eq(route_find(table, span_text("*")), &settings[2]);
	cr_assert_null(route_find(table, span_text("x")));
	free(method);
	route_table_destroy(table);
}

static const struct route_settings *naive(const struct route_settings *settings, size_t count,
					  struct span method)
{
	for (size_t i = 0; i < count; i++)
		if (glob_match(span_text(settings[i].method), method))
			return &settings[i];
	return NULL;
}

static void random_text(struct rng *rng, const char *letters, size_t len, char *text)
{
	for (size_t i = 0; i < len; i++)
		text[i] = letters[rng_below(rng, strlen(letters))];
	text[len] = '\0';
}

/* Few busy methods among many strangers, so that the memory is hit, missed and overwritten. */
Test(route, remembering_changes_no_answer)
{
	struct route_settings settings[RULES_MAX];
	char patterns[RULES_MAX][16];
	struct route_table *table;
	struct rng rng;

	rng_init(&rng, 2026);
	for (size_t i = 0; i < RULES_MAX; i++) {
		random_text(&rng, "ab.*?", 1 + rng_below(&rng, 6), patterns[i]);
		settings[i] = (struct route_settings){.method = patterns[i]};
	}
	table = table_of(settings, RULES_MAX);
	for (int round = 0; round < ROUNDS; round++) {
		char method[128];
		size_t len = rng_below(&rng, 2) ? rng_below(&rng, 4) : rng_below(&rng, 14);

		random_text(&rng, "ab.", len, method);
		if (rng_below(&rng, 50) == 0)
			random_text(&rng, "ab.", 127, method);
		cr_assert_eq(route_find(table, span_text(method)),
			     naive(settings, RULES_MAX, span_text(method)), "%s", method);
	}
	route_table_destroy(table);
}
