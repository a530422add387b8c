#include "broker/console/arguments.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/clock.h"
#include "common/escape.h"
#include "common/nearest.h"
#include "common/units.h"

#define WATCH_MIN_US (100 * US_PER_MS)
#define DAY_US	     (UINT64_C(86400) * US_PER_S)

struct option {
	const char *name;
	const char *alias; /* NULL: none */
	unsigned int bit;
	const char *value; /* what it takes, for the help; NULL: a flag */
	/* Sets the member; NULL for a flag, of which the bit says all. */
	enum wsb_err (*read)(const struct option *option, const char *text, struct arguments *out,
			     char *why);
	size_t offset; /* of the member, where read is one for several */
	const char *help;
};

static enum wsb_err refuse(char *why, const char *sentence)
{
	snprintf(why, ARGUMENTS_WHY_MAX, "%s", sentence);
	return WSB_EINVAL;
}

static enum wsb_err refuse_value(const struct option *option, const char *what, char *why)
{
	snprintf(why, ARGUMENTS_WHY_MAX, "%s %s", option->name, what);
	return WSB_EINVAL;
}

/* Something of the system, in whatever bytes: a file, a command. */
static enum wsb_err read_text(const struct option *option, const char *text, struct arguments *out,
			      char *why)
{
	if (!text[0])
		return refuse_value(option, "needs a value", why);
	memcpy((char *)out + option->offset, &text, sizeof(text));
	return WSB_OK;
}

/* What the broker is told is JSON or a part of a URL. A reason may be empty. */
static enum wsb_err read_words(const struct option *option, const char *text, struct arguments *out,
			       char *why)
{
	if (!text[0] && option->bit != OPTION_REASON)
		return refuse_value(option, "needs a value", why);
	if (!utf8_is_valid(span_text(text)))
		return refuse_value(option, "must be UTF-8", why);
	memcpy((char *)out + option->offset, &text, sizeof(text));
	return WSB_OK;
}

static enum wsb_err read_match(const struct option *option, const char *text, struct arguments *out,
			       char *why)
{
	if (strcmp(text, "any") != 0 && strcmp(text, "all") != 0)
		return refuse_value(option, "must be any or all", why);
	return read_words(option, text, out, why);
}

/* "host", "host:port", "[::1]:port". */
static bool is_authority(const char *text, size_t len)
{
	const char *end = text + len;
	const char *port = memrchr(text, ':', len);
	unsigned long number;
	char *stop;

	if (len > 0 && end[-1] == ']')
		port = NULL;
	if (!port)
		return len > 0;
	errno = 0;
	number = strtoul(port + 1, &stop, 10);
	return port > text && stop == end && errno == 0 && port[1] >= '0' && port[1] <= '9' &&
	       number >= 1 && number <= UINT16_MAX;
}

static enum wsb_err read_admin(const struct option *option, const char *text, struct arguments *out,
			       char *why)
{
	const char *authority = strstr(text, "://");
	size_t len;

	(void)option;
	out->admin = text;
	if (strncmp(text, "unix:", 5) == 0 && text[5])
		return WSB_OK;
	if (strncmp(text, "http://", 7) != 0 && strncmp(text, "https://", 8) != 0)
		return refuse(why, "the admin address must begin with http://, https:// or unix:");
	authority += strlen("://");
	len = strcspn(authority, "/?#");
	/* It is printed when nobody answers there. */
	if (memchr(authority, '@', len))
		return refuse(why, "the admin address cannot hold credentials");
	if (!is_authority(authority, len))
		return refuse(why, "the admin address needs a host, and a port from 1 to 65535");
	return WSB_OK;
}

static enum wsb_err read_output(const struct option *option, const char *text,
				struct arguments *out, char *why)
{
	(void)option;
	out->json = strcmp(text, "json") == 0;
	if (out->json || strcmp(text, "table") == 0)
		return WSB_OK;
	return refuse(why, "-o must be table or json");
}

/* A bare number is in seconds. */
static enum wsb_err read_time(const char *text, uint64_t *us)
{
	bool bare = text[0] != '\0' && strspn(text, "0123456789.") == strlen(text);
	char with_unit[32];

	if (strlen(text) >= sizeof(with_unit) - 1)
		return WSB_EINVAL;
	snprintf(with_unit, sizeof(with_unit), "%s%s", text, bare ? "s" : "");
	return units_duration_us(span_text(with_unit), us);
}

static enum wsb_err read_watch(const struct option *option, const char *text, struct arguments *out,
			       char *why)
{
	(void)option;
	if (read_time(text, &out->watch_us) != WSB_OK || out->watch_us < WATCH_MIN_US ||
	    out->watch_us > DAY_US)
		return refuse(why, "--watch takes 0.1 to 86400 seconds");
	return WSB_OK;
}

static enum wsb_err read_duration(const struct option *option, const char *text,
				  struct arguments *out, char *why)
{
	uint64_t us = 0;

	if (read_time(text, &us) != WSB_OK || us == 0 || us > DAY_US)
		return refuse_value(option, "takes a duration such as 30s, up to a day", why);
	memcpy((char *)out + option->offset, &us, sizeof(us));
	return WSB_OK;
}

static enum wsb_err read_number(const struct option *option, const char *text,
				struct arguments *out, char *why)
{
	char *end;
	unsigned long long number;
	uint64_t value;

	errno = 0;
	number = strtoull(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end || errno || number > UINT32_MAX)
		return refuse_value(option, "takes a whole number", why);
	value = number;
	memcpy((char *)out + option->offset, &value, sizeof(value));
	return WSB_OK;
}

/* For the commands that change something on all brokers "all=5s" is the same as "5s". */
static enum wsb_err read_wait(const struct option *option, const char *text, struct arguments *out,
			      char *why)
{
	return read_duration(option, strncmp(text, "all=", 4) == 0 ? text + 4 : text, out, why);
}

static enum wsb_err read_list(const struct option *option, const char *text, struct arguments *out,
			      char *why)
{
	struct argument_list *list = (struct argument_list *)((char *)out + option->offset);

	if (!text[0])
		return refuse_value(option, "needs a value", why);
	if (!utf8_is_valid(span_text(text)))
		return refuse_value(option, "must be UTF-8", why);
	if (list->count == ARGUMENTS_LIST_MAX) {
		snprintf(why, ARGUMENTS_WHY_MAX, "%s may be given %d times", option->name,
			 ARGUMENTS_LIST_MAX);
		return WSB_EINVAL;
	}
	list->at[list->count++] = text;
	return WSB_OK;
}

#define IN(member) offsetof(struct arguments, member)

static const struct option options[] = {
	{"--admin", NULL, OPTION_ADMIN, "URL|unix:PATH", read_admin, 0,
	 "the broker's admin API (or WSBROKER_ADMIN; default " ARGUMENTS_ADMIN ")"},
	{"--token-file", NULL, OPTION_TOKEN_FILE, "FILE", read_text, IN(token_file),
	 "holds the token to show (or WSBROKER_TOKEN)"},
	{"-o", "--output", OPTION_OUTPUT, "table|json", read_output, 0,
	 "for people or for programs"},
	{"--watch", NULL, OPTION_WATCH, "SECONDS", read_watch, 0,
	 "again and again, until interrupted"},
	{"--wait", NULL, OPTION_WAIT, "DURATION", read_wait, IN(wait_us),
	 "wait until it is done; exit code 5 when it is not by then"},
	{"--reason", NULL, OPTION_REASON, "TEXT", read_words, IN(reason),
	 "why, for the event history"},
	{"--force", NULL, OPTION_FORCE, NULL, NULL, 0, "even if no healthy endpoint is left"},
	{"--timeout", NULL, OPTION_TIMEOUT, "DURATION", read_duration, IN(timeout_us),
	 "how long it may take (default 60s)"},
	{"--since", NULL, OPTION_SINCE, "TIME", read_words, IN(since),
	 "not before: 10m (ago), 2026-11-22T07:12:00Z; watch: also a position, or start"},
	{"--until", NULL, OPTION_UNTIL, "TIME", read_words, IN(until), "not after"},
	{"--pool", NULL, OPTION_POOL, "NAME", read_words, IN(pool), "of this pool only"},
	{"--type", NULL, OPTION_TYPE, "GLOB", read_words, IN(type),
	 "of these types only: endpoint.*"},
	{"--all", NULL, OPTION_ALL, NULL, NULL, 0,
	 "invalidate: everything; events: also the steps of each connection (-o json has them)"},
	{"--follow", "-f", OPTION_FOLLOW, NULL, NULL, 0, "go on with what happens from now on"},
	{"--sort", NULL, OPTION_SORT, "COLUMN", read_words, IN(sort),
	 "by this column; -COLUMN: the largest first"},
	{"--slow", NULL, OPTION_SLOW, NULL, NULL, 0, "only those that took longer than log.slow"},
	{"--failed", NULL, OPTION_FAILED, NULL, NULL, 0, "only those that failed"},
	{"--name", NULL, OPTION_NAME, "NAME", read_words, IN(name),
	 "its name (default: host:port)"},
	{"--weight", NULL, OPTION_WEIGHT, "N", read_number, IN(weight), "its weight (default 1)"},
	{"--tag", NULL, OPTION_TAG, "GLOB", read_list, IN(tags),
	 "what carries this tag: property:42, city:*; may be given several times"},
	{"--key", NULL, OPTION_KEY, "NAME", read_list, IN(keys), "this entry; several times"},
	{"--method", NULL, OPTION_METHOD, "GLOB", read_list, IN(methods),
	 "the answers to this method; several times"},
	{"--match", NULL, OPTION_MATCH, "any|all", read_match, IN(match),
	 "what carries any of the tags (the default), or all of them"},
	{"--soft", NULL, OPTION_SOFT, NULL, NULL, 0,
	 "entries may still be served as stale while they are refreshed"},
	{"--cursor", NULL, OPTION_CURSOR, "FILE", read_text, IN(cursor),
	 "keeps the position, and where it is kept already, goes on from there"},
	{"--exec", NULL, OPTION_EXEC, "CMD", read_text, IN(exec),
	 "gets each event on its standard input, one after another; again until it ends with 0"},
	{"--fail-on-resync", NULL, OPTION_FAIL_ON_RESYNC, NULL, NULL, 0,
	 "end with 6 once events may have been missed"},
	{"--tier", NULL, OPTION_TIER, "N", read_number, IN(tier), "its tier (default 1)"},
};

#define OPTION_COUNT (sizeof(options) / sizeof(options[0]))

bool arguments_option(unsigned int bits, size_t index, struct argument_option *out)
{
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		if (!(options[i].bit & bits) || index-- > 0)
			continue;
		*out = (struct argument_option){options[i].name, options[i].value, options[i].help};
		return true;
	}
	return false;
}

/* Whether argument is this name: "--name", "--name=value" or "-ovalue"; *value is NULL when the
 * next argument is it. */
static bool is_called(const char *name, const char *argument, const char **value)
{
	size_t len = strlen(name);
	bool is_long = name[1] == '-';

	if (strncmp(argument, name, len) != 0)
		return false;
	*value = NULL;
	if (argument[len] == '\0')
		return true;
	*value = argument + len + (is_long ? 1 : 0);
	return !is_long || argument[len] == '=';
}

static const struct option *find_option(const char *argument, const char **value)
{
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		if (is_called(options[i].name, argument, value) ||
		    (options[i].alias && is_called(options[i].alias, argument, value)))
			return &options[i];
	}
	return NULL;
}

static enum wsb_err add_word(const char *word, struct arguments *out, char *why)
{
	if (!out->command) {
		out->command = word;
		return WSB_OK;
	}
	if (out->operand_count == ARGUMENTS_OPERAND_MAX)
		return refuse(why, "too many arguments");
	out->operands[out->operand_count++] = word;
	return WSB_OK;
}

/* Which of them the command takes is not known yet. */
static enum wsb_err refuse_option(const char *argument, char *why)
{
	const char *name = argument + strspn(argument, "-");
	struct nearest nearest;
	struct strbuf text;

	nearest_init(&nearest, span_of(name, strcspn(name, "=")));
	for (size_t i = 0; i < OPTION_COUNT; i++)
		nearest_offer_as(&nearest,
				 span_text(options[i].name + strspn(options[i].name, "-")),
				 span_text(options[i].name));
	strbuf_init(&text);
	strbuf_printf(&text, "unknown option %.64s", argument);
	nearest_suggest(&nearest, &text);
	snprintf(why, ARGUMENTS_WHY_MAX, "%s", strbuf_span(&text).at);
	strbuf_fini(&text);
	return WSB_EINVAL;
}

/* argv[*at] is an option; moves *at on when the next argument is its value. */
static enum wsb_err read_option(int argc, char *const *argv, int *at, struct arguments *out,
				char *why)
{
	const char *argument = argv[*at];
	const struct option *option;
	const char *value = NULL;

	if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0) {
		out->help = true;
		return WSB_OK;
	}
	option = find_option(argument, &value);
	if (!option)
		return refuse_option(argument, why);
	out->given |= option->bit;
	if (!option->value && value)
		return refuse_value(option, "takes no value", why);
	if (!option->value)
		return WSB_OK;
	if (!value && *at + 1 == argc)
		return refuse_value(option, "needs a value", why);
	return option->read(option, value ? value : argv[++*at], out, why);
}

/* A number below nothing is a word: what asked for it will say that it cannot be. */
static bool is_option(const char *argument)
{
	return argument[0] == '-' && argument[1] && !(argument[1] >= '0' && argument[1] <= '9');
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
		else if (!options_end && is_option(argv[at]))
			err = read_option(argc, argv, &at, out, why);
		else
			err = add_word(argv[at], out, why);
		if (err != WSB_OK)
			return err;
	}
	if (out->admin)
		return WSB_OK;
	return read_admin(NULL, admin && admin[0] ? admin : ARGUMENTS_ADMIN, out, why);
}
