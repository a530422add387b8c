/* Every row of the option table: its default, the ends of its range, a wrong type. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "broker/control/options.h"
#include "common/units.h"
#include "rig.h"

static struct rig rig;

static void set_up(void)
{
	rig_init(&rig);
}

static void tear_down(void)
{
	rig_fini(&rig);
}

TestSuite(options, .init = set_up, .fini = tear_down);

/* What stands around the options of a scope, and how deep they stand. */
static const struct {
	const char *before;
	size_t indent;
} scopes[OPTION_SCOPES] = {
	[SCOPE_CONFIG] = {RIG_MINIMAL, 0},
	[SCOPE_LISTENER] = {RIG_MINIMAL "listen:\n  -\n", 4},
	[SCOPE_POOL] = {RIG_MINIMAL, 4},
	[SCOPE_ENDPOINT] = {RIG_MINIMAL, 8},
	[SCOPE_GREETING] = {RIG_MINIMAL "    on_connect:\n      - send: '{}'\n", 8},
	[SCOPE_ROUTE] = {RIG_MINIMAL "routes:\n  - method: a\n", 4},
	[SCOPE_PUSH] = {RIG_MINIMAL "push:\n  - method: a\n", 4},
};

/* Where the value stands in what write_yaml has written. */
struct place_of_value {
	size_t line;
	size_t column;
};

static size_t count_lines(const struct strbuf *text)
{
	size_t lines = 1;

	for (size_t i = 0; i < text->len; i++)
		lines += text->text[i] == '\n' ? 1 : 0;
	return lines;
}

/* A whole configuration in which this option has this value, a key to a line. */
static struct place_of_value write_yaml(const struct option *option, const char *value,
					struct strbuf *out)
{
	size_t indent = scopes[option->scope].indent;
	const char *path = option->path;
	struct place_of_value place;

	strbuf_clear(out);
	strbuf_text(out, scopes[option->scope].before);
	for (;;) {
		size_t len = strcspn(path, ".");

		strbuf_printf(out, "%*s%.*s:", (int)indent, "", (int)len, path);
		place.column = indent + len + 3;
		if (!path[len])
			break;
		strbuf_text(out, "\n");
		path += len + 1;
		indent += 2;
	}
	place.line = count_lines(out);
	strbuf_printf(out, " %s\n", value);
	/* It is what makes the others of its section mean something. */
	if (strncmp(option->path, "subscribe.", 10) == 0 &&
	    strcmp(option->path, "subscribe.unsubscribe") != 0)
		strbuf_printf(out, "%*sunsubscribe: b\n", (int)indent, "");
	if (option->scope != SCOPE_ENDPOINT &&
	    (strcmp(option->path, "mode") == 0 || strcmp(option->path, "merge") == 0))
		strbuf_printf(out, "%*sinvalidate: [a]\n", (int)indent, "");
	return place;
}

static const void *base_of(const struct config *config, enum option_scope scope)
{
	switch (scope) {
	case SCOPE_CONFIG:
		return config;
	case SCOPE_LISTENER:
		return &config->listeners[0];
	case SCOPE_POOL:
		return &config->pools[0];
	case SCOPE_ENDPOINT:
		return &config->pools[0].endpoints[0];
	case SCOPE_GREETING:
		return &config->pools[0].on_connect[0];
	case SCOPE_PUSH:
		return &config->push[0];
	default:
		return &config->routes[0];
	}
}

static uint64_t number_at(const struct option *option, const struct config *config)
{
	const char *at = (const char *)base_of(config, option->scope) + option->offset;

	switch (option->size) {
	case 1:
		return *(const uint8_t *)at;
	case 2:
		return *(const uint16_t *)at;
	case 4:
		return *(const uint32_t *)at;
	default:
		return *(const uint64_t *)at;
	}
}

static bool is_number(const struct option *option)
{
	return option->type == OPTION_NUMBER || option->type == OPTION_DURATION ||
	       option->type == OPTION_SIZE;
}

static void print_number(const struct option *option, uint64_t number, char text[64])
{
	const char *unit = option->type == OPTION_DURATION ? "us" : "";

	snprintf(text, 64, "%llu%s", (unsigned long long)number, unit);
}

/* attempt_timeout must not be longer than its route's timeout. */
static bool needs_more(const struct option *option)
{
	return strcmp(option->path, "attempt_timeout") == 0;
}

static void expect_number(const struct option *option, uint64_t number, struct strbuf *yaml)
{
	char text[64];

	print_number(option, number, text);
	write_yaml(option, text, yaml);
	if (needs_more(option))
		strbuf_text(yaml, "    timeout: 24h\n");
	cr_expect_eq(number_at(option, rig_good(&rig, yaml->text)), number, "%s", option->path);
}

static void expect_out_of_range(const struct option *option, uint64_t number, struct strbuf *yaml)
{
	struct place_of_value place;
	char range[OPTION_RANGE_MAX];
	char begin[256];
	char text[64];

	print_number(option, number, text);
	place = write_yaml(option, text, yaml);
	option_range(option, range);
	snprintf(begin, sizeof(begin), "%zu:%zu: must be %s, got \"%s\"", place.line, place.column,
		 range, text);
	rig_bad_somewhere(&rig, yaml->text, begin);
}

Test(options, numbers_reach_from_the_one_end_of_their_range_to_the_other)
{
	struct strbuf yaml;

	strbuf_init(&yaml);
	for (size_t i = 0; i < option_count; i++) {
		const struct option *option = &options[i];

		if (!is_number(option))
			continue;
		expect_number(option, option->min, &yaml);
		expect_number(option, option->max, &yaml);
		expect_out_of_range(option, option->max + 1, &yaml);
		if (option->zero)
			expect_number(option, 0, &yaml);
		if (option->min > 1 || (option->min == 1 && !option->zero))
			expect_out_of_range(option, option->min - 1, &yaml);
	}
	strbuf_fini(&yaml);
}

Test(options, a_wrong_type_says_what_is_expected_and_where)
{
	struct strbuf yaml;

	strbuf_init(&yaml);
	for (size_t i = 0; i < option_count; i++) {
		const struct option *option = &options[i];
		struct place_of_value place;
		char begin[256];

		if (!is_number(option) && option->type != OPTION_SHARE &&
		    option->type != OPTION_FLAG)
			continue;
		place = write_yaml(option, "abc", &yaml);
		snprintf(begin, sizeof(begin), "%zu:%zu: expected %s, got \"abc\"", place.line,
			 place.column, option_expected(option));
		rig_bad_somewhere(&rig, yaml.text, begin);
	}
	strbuf_fini(&yaml);
}

Test(options, no_option_takes_a_list_of_lists)
{
	struct strbuf yaml;

	strbuf_init(&yaml);
	for (size_t i = 0; i < option_count; i++) {
		struct place_of_value place;
		char begin[64];

		/* Given already, or read as something else. */
		if (options[i].required || options[i].type == OPTION_LIST ||
		    options[i].type == OPTION_VALUE || strcmp(options[i].path, "send") == 0)
			continue;
		place = write_yaml(&options[i], "[[]]", &yaml);
		snprintf(begin, sizeof(begin), "%zu:%zu: expected ", place.line,
			 place.column + (options[i].type == OPTION_TEXTS ||
							 options[i].type == OPTION_SHARING ||
							 options[i].type == OPTION_REDIS
						 ? 1
						 : 0));
		rig_bad_somewhere(&rig, yaml.text, begin);
	}
	strbuf_fini(&yaml);
}

Test(options, choices_take_each_of_their_words_and_suggest_the_nearest)
{
	struct strbuf yaml;

	strbuf_init(&yaml);
	for (size_t i = 0; i < option_count; i++) {
		const struct option *option = &options[i];
		struct place_of_value place;
		char misspelt[64];
		char suggestion[96];

		if (option->type != OPTION_CHOICE || option->size == 0 ||
		    strncmp(option->path, "envelope", 8) == 0)
			continue;
		for (size_t word = 0; option->choices[word]; word++) {
			write_yaml(option, option->choices[word], &yaml);
			cr_expect_eq(number_at(option, rig_good(&rig, yaml.text)), word, "%s: %s",
				     option->path, option->choices[word]);
		}
		snprintf(misspelt, sizeof(misspelt), "%sx", option->choices[0]);
		place = write_yaml(option, misspelt, &yaml);
		cr_assert_eq(rig_load(&rig, yaml.text), WSB_EINVAL);
		snprintf(suggestion, sizeof(suggestion), "%zu:%zu: expected ", place.line,
			 place.column);
		cr_expect_eq(strncmp(rig.errors.text, suggestion, strlen(suggestion)), 0, "%s",
			     rig.errors.text);
		snprintf(suggestion, sizeof(suggestion), "(did you mean “%s”?)",
			 option->choices[0]);
		cr_expect_not_null(strstr(rig.errors.text, suggestion), "%s", rig.errors.text);
	}
	strbuf_fini(&yaml);
}

Test(options, defaults_are_those_of_the_table)
{
	const struct config *config = rig_good(&rig, RIG_MINIMAL "    on_connect: [{send: 1}]\n"
								 "push: [{method: a}]\n");

	for (size_t i = 0; i < option_count; i++) {
		const struct option *option = &options[i];
		uint64_t expected = 0;

		if (!option->fallback || !is_number(option))
			continue;
		if (option->type == OPTION_DURATION)
			cr_assert_eq(units_duration_us(span_text(option->fallback), &expected), 0);
		else
			cr_assert_eq(units_bytes(span_text(option->fallback), &expected), 0);
		cr_expect_eq(number_at(option, config), expected, "%s", option->path);
	}
}

Test(options, paths_differ_and_every_row_has_a_help)
{
	for (size_t i = 0; i < option_count; i++) {
		cr_expect(options[i].help && options[i].help[0], "%s", options[i].path);
		cr_expect(!(options[i].required && options[i].fallback), "%s", options[i].path);
		for (size_t j = 0; j < i; j++)
			cr_expect(options[i].scope != options[j].scope ||
					  strcmp(options[i].path, options[j].path) != 0,
				  "%s stands there twice", options[i].path);
	}
}
