#include "broker/console/arguments.h"

#include <stdio.h>
#include <string.h>
#include "common/clock.h"
#include "common/units.h"

#define WATCH_MIN_US (100 * US_PER_MS)
#define WATCH_MAX_US (UINT64_C(86400) * US_PER_S)

static enum wsb_err read_admin(const char *text, struct arguments *out, char *why)
{
	const char *authority = strstr(text, "://");

	if (strncmp(text, "unix:", 5) == 0 && text[5]) {
		out->admin = text;
		return WSB_OK;
	}
	if (strncmp(text, "http://", 7) != 0 && strncmp(text, "https://", 8) != 0) {
		snprintf(why, ARGUMENTS_WHY_MAX,
			 "the admin address must begin with http://, https:// or unix:");
		return WSB_EINVAL;
	}
	/* It is printed when nobody answers there. */
	if (memchr(authority + 3, '@', strcspn(authority + 3, "/?#"))) {
		snprintf(why, ARGUMENTS_WHY_MAX, "the admin address cannot hold credentials");
		return WSB_EINVAL;
	}
	out->admin = text;
	return WSB_OK;
}

static enum wsb_err read_output(const char *text, struct arguments *out, char *why)
{
	out->json = strcmp(text, "json") == 0;
	if (out->json || strcmp(text, "table") == 0)
		return WSB_OK;
	snprintf(why, ARGUMENTS_WHY_MAX, "-o must be table or json");
	return WSB_EINVAL;
}

/* A bare number is in seconds. */
static enum wsb_err read_watch(const char *text, struct arguments *out, char *why)
{
	bool bare = text[0] != '\0' && strspn(text, "0123456789.") == strlen(text);
	char with_unit[32];
	uint64_t us = 0;
	enum wsb_err err = WSB_EINVAL;

	if (strlen(text) < sizeof(with_unit) - 1) {
		snprintf(with_unit, sizeof(with_unit), "%s%s", text, bare ? "s" : "");
		err = units_duration_us(span_text(with_unit), &us);
	}
	if (err != WSB_OK || us < WATCH_MIN_US || us > WATCH_MAX_US) {
		snprintf(why, ARGUMENTS_WHY_MAX, "--watch takes 0.1 to 86400 seconds");
		return WSB_EINVAL;
	}
	out->watch_us = us;
	return WSB_OK;
}

struct option_reader {
	const char *name;
	enum wsb_err (*read)(const char *text, struct arguments *out, char *why);
};

static const struct option_reader readers[] = {
	{"--admin", read_admin},
	{"-o", read_output},
	{"--output", read_output},
	{"--watch", read_watch},
};

/* The reader of "--name", "--name=value" or "-ovalue"; *value is NULL when the next argument is it.
 */
static const struct option_reader *find_reader(const char *argument, const char **value)
{
	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
		size_t len = strlen(readers[i].name);
		bool is_long = readers[i].name[1] == '-';

		if (strncmp(argument, readers[i].name, len) != 0)
			continue;
		*value = NULL;
		if (argument[len] == '\0')
			return &readers[i];
		*value = argument + len + (is_long ? 1 : 0);
		if (!is_long || argument[len] == '=')
			return &readers[i];
	}
	return NULL;
}

static enum wsb_err add_word(const char *word, struct arguments *out, char *why)
{
	if (!out->command) {
		out->command = word;
		return WSB_OK;
	}
	if (out->operand_count == ARGUMENTS_OPERAND_MAX) {
		snprintf(why, ARGUMENTS_WHY_MAX, "too many arguments");
		return WSB_EINVAL;
	}
	out->operands[out->operand_count++] = word;
	return WSB_OK;
}

/* argv[*at] is an option; moves *at on when the next argument is its value. */
static enum wsb_err read_option(int argc, char *const *argv, int *at, struct arguments *out,
				char *why)
{
	const char *argument = argv[*at];
	const struct option_reader *reader;
	const char *value;

	if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0) {
		out->help = true;
		return WSB_OK;
	}
	reader = find_reader(argument, &value);
	if (!reader) {
		snprintf(why, ARGUMENTS_WHY_MAX, "unknown option %.64s", argument);
		return WSB_EINVAL;
	}
	if (!value && *at + 1 == argc) {
		snprintf(why, ARGUMENTS_WHY_MAX, "%s needs a value", reader->name);
		return WSB_EINVAL;
	}
	return reader->read(value ? value : argv[++*at], out, why);
}

enum wsb_err arguments_parse(int argc, char *const *argv, const char *admin, struct arguments *out,
			     char why[ARGUMENTS_WHY_MAX])
{
	bool options_end = false;

	*out = (struct arguments){0};
	for (int at = 1; at < argc; at++) {
		enum wsb_err err = WSB_OK;

		if (!options_end && strcmp(argv[at], "--") == 0)
			options_end = true;
		else if (!options_end && argv[at][0] == '-' && argv[at][1])
			err = read_option(argc, argv, &at, out, why);
		else
			err = add_word(argv[at], out, why);
		if (err != WSB_OK)
			return err;
	}
	if (out->admin)
		return WSB_OK;
	return read_admin(admin && admin[0] ? admin : ARGUMENTS_ADMIN, out, why);
}
