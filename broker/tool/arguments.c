#include "broker/tool/arguments.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "broker/tool/outstanding.h"
#include "broker/tool/workload.h"
#include "common/nearest.h"
#include "common/strbuf.h"
#include "common/units.h"

enum kind { KIND_TEXT, KIND_COUNT, KIND_REAL, KIND_DURATION, KIND_FLAG, KIND_OUTPUT };

#define FOR_CALL  (1U << TOOL_CALL)
#define FOR_BENCH (1U << TOOL_BENCH)
#define FOR_BOTH  (FOR_CALL | FOR_BENCH)

struct option {
	const char *name;
	const char *value; /* what its value is called; NULL for a flag */
	const char *fallback;
	const char *help;
	size_t offset;
	double min;
	double max;
	enum kind kind;
	unsigned commands;
};

#define AT(member) offsetof(struct tool_arguments, member)

static const struct option options[] = {
	{"--url", "URL", "ws://127.0.0.1:7080/", "the broker's data endpoint", AT(url), 0, 0,
	 KIND_TEXT, FOR_BOTH},
	{"--token-file", "FILE", NULL, "holds the token to show (or WSBROKER_TOKEN)",
	 AT(token_file), 0, 0, KIND_TEXT, FOR_BOTH},
	{"--token", "TOKEN", NULL, "the token itself, for all to see in the list of processes",
	 AT(token), 0, 0, KIND_TEXT, FOR_BOTH},
	{"--ca", "FILE", NULL, "trust these authorities (wss://)", AT(ca), 0, 0, KIND_TEXT,
	 FOR_BOTH},
	{"--insecure", NULL, NULL, "trust any certificate (wss://)", AT(insecure), 0, 0, KIND_FLAG,
	 FOR_BOTH},
	{"--timeout", "TIME", "10s", "to connect, and for each answer", AT(timeout_us), 1000, 3.6e9,
	 KIND_DURATION, FOR_BOTH},
	{"-o", "table|json", NULL, "form of the output", AT(json), 0, 0, KIND_OUTPUT, FOR_BOTH},
	{"--help", NULL, NULL, "this text", AT(help), 0, 0, KIND_FLAG, FOR_BOTH},

	{"--count", "N", "1", "send the request so many times", AT(call.count), 1, 1e9, KIND_COUNT,
	 FOR_CALL},
	{"--parallel", "N", "1", "so many of them at a time", AT(call.parallel), 1, 10000,
	 KIND_COUNT, FOR_CALL},
	{"--explain", NULL, NULL, "show why the call went as it did", AT(call.explain), 0, 0,
	 KIND_FLAG, FOR_CALL},

	{"--method", "NAME", "wsbroker.ping", "method to call", AT(bench.method), 0, 0, KIND_TEXT,
	 FOR_BENCH},
	{"--params", "JSON", NULL, "its params; {key} is replaced by a number", AT(bench.params), 0,
	 0, KIND_TEXT, FOR_BENCH},
	{"--expect", "JSON", NULL, "what each result must contain; {key} as above",
	 AT(bench.expect), 0, 0, KIND_TEXT, FOR_BENCH},
	{"--connections", "N", "10", "clients", AT(bench.connections), 1, 100000, KIND_COUNT,
	 FOR_BENCH},
	{"--depth", "N", "1", "requests that each keeps open (closed loop)", AT(bench.depth), 1,
	 10000, KIND_COUNT, FOR_BENCH},
	{"--rate", "N", "0",
	 "requests per second over all, on schedule whatever the answers do "
	 "(open loop); 0: closed loop",
	 AT(bench.rate), 0, 1e7, KIND_REAL, FOR_BENCH},
	{"--keys", "N", "1000", "{key} runs from 1 to N", AT(bench.keys), 1, 1e15, KIND_COUNT,
	 FOR_BENCH},
	{"--zipf", "S", "0", "exponent of the keys' popularity; 0: all alike", AT(bench.zipf), 0,
	 10, KIND_REAL, FOR_BENCH},
	{"--seed", "N", "1", "of the keys' order", AT(bench.seed), 0, 1e18, KIND_COUNT, FOR_BENCH},
	{"--warm-up", "TIME", "1s", "not counted", AT(bench.warm_up_us), 0, 3.6e9, KIND_DURATION,
	 FOR_BENCH},
	{"--duration", "TIME", "10s", "counted", AT(bench.duration_us), 1000, 8.64e10,
	 KIND_DURATION, FOR_BENCH},
};

#define OPTION_COUNT (sizeof(options) / sizeof(options[0]))

static bool read_number(const char *text, double *out)
{
	char *end;

	errno = 0;
	*out = strtod(text, &end);
	return end != text && *end == '\0' && errno == 0;
}

static enum wsb_err bad_value(const struct option *option, const char *text, const char *wanted,
			      char *why, size_t why_size)
{
	snprintf(why, why_size, "%s needs %s, not \"%s\"", option->name, wanted, text);
	return WSB_EINVAL;
}

static enum wsb_err store_number(const struct option *option, const char *text, void *member,
				 char *why, size_t why_size)
{
	double number;
	char wanted[80];

	snprintf(wanted, sizeof(wanted), "a number from %.0f to %.0f", option->min, option->max);
	if (!read_number(text, &number) || !(number >= option->min) || number > option->max)
		return bad_value(option, text, wanted, why, why_size);
	if (option->kind == KIND_REAL)
		*(double *)member = number;
	else if (number != (double)(uint64_t)number)
		return bad_value(option, text, "a whole number", why, why_size);
	else
		*(uint64_t *)member = (uint64_t)number;
	return WSB_OK;
}

static enum wsb_err store_duration(const struct option *option, const char *text, void *member,
				   char *why, size_t why_size)
{
	uint64_t us;

	if (units_duration_us(span_text(text), &us) || (double)us < option->min ||
	    (double)us > option->max)
		return bad_value(option, text, "a time such as 250ms, 5s or 1m", why, why_size);
	*(uint64_t *)member = us;
	return WSB_OK;
}

static enum wsb_err store(const struct option *option, const char *text, struct tool_arguments *out,
			  char *why, size_t why_size)
{
	void *member = (char *)out + option->offset;

	switch (option->kind) {
	case KIND_TEXT:
		*(const char **)member = text;
		return WSB_OK;
	case KIND_FLAG:
		*(bool *)member = true;
		return WSB_OK;
	case KIND_COUNT:
	case KIND_REAL:
		return store_number(option, text, member, why, why_size);
	case KIND_DURATION:
		return store_duration(option, text, member, why, why_size);
	case KIND_OUTPUT:
		if (strcmp(text, "json") != 0 && strcmp(text, "table") != 0)
			return bad_value(option, text, "table or json", why, why_size);
		*(bool *)member = strcmp(text, "json") == 0;
		return WSB_OK;
	}
	return WSB_EINVAL;
}

static const struct option *find_option(enum tool_command command, const char *text, size_t len)
{
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		if ((options[i].commands & (1U << command)) && strlen(options[i].name) == len &&
		    memcmp(options[i].name, text, len) == 0)
			return &options[i];
	}
	return NULL;
}

static enum wsb_err set_defaults(enum tool_command command, struct tool_arguments *out, char *why,
				 size_t why_size)
{
	*out = (struct tool_arguments){0};
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		if (options[i].fallback && (options[i].commands & (1U << command)) &&
		    store(&options[i], options[i].fallback, out, why, why_size))
			return WSB_EINVAL;
	}
	return WSB_OK;
}

static enum wsb_err refuse_option(enum tool_command command, struct span name, char *why,
				  size_t why_size)
{
	const size_t dashes = strspn(name.at, "-");
	struct nearest nearest;
	struct strbuf text;

	nearest_init(&nearest, span_of(name.at + dashes, name.len - dashes));
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		if (options[i].commands & (1U << command))
			nearest_offer_as(&nearest,
					 span_text(options[i].name + strspn(options[i].name, "-")),
					 span_text(options[i].name));
	}
	strbuf_init(&text);
	strbuf_printf(&text, "there is no option %.*s", (int)name.len, name.at);
	nearest_suggest(&nearest, &text);
	snprintf(why, why_size, "%s", strbuf_span(&text).at);
	strbuf_fini(&text);
	return WSB_EINVAL;
}

/* One option at argv[*at], perhaps with its value in the next place, which is then passed over. */
static enum wsb_err read_option(enum tool_command command, int argc, char *const *argv, int *at,
				struct tool_arguments *out, char *why, size_t why_size)
{
	const char *text = argv[*at];
	const char *equals = strchr(text, '=');
	size_t len = equals ? (size_t)(equals - text) : strlen(text);
	const struct option *option = strcmp(text, "-h") == 0 ? find_option(command, "--help", 6)
							      : find_option(command, text, len);

	if (!option)
		return refuse_option(command, span_of(text, len), why, why_size);
	if (option->kind == KIND_FLAG && equals) {
		snprintf(why, why_size, "%s takes no value", option->name);
		return WSB_EINVAL;
	}
	if (option->kind == KIND_FLAG)
		return store(option, NULL, out, why, why_size);
	if (equals)
		return store(option, equals + 1, out, why, why_size);
	if (*at + 1 >= argc) {
		snprintf(why, why_size, "%s needs a value", option->name);
		return WSB_EINVAL;
	}
	return store(option, argv[++*at], out, why, why_size);
}

static enum wsb_err check_json(const char *name, struct span text, char *why, size_t why_size)
{
	const size_t flags = JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL;
	json_error_t error;
	json_t *tree = json_loadb(text.at, text.len, flags, &error);

	if (!tree) {
		snprintf(why, why_size, "%s is not JSON: %s (at character %d)", name, error.text,
			 error.position);
		return WSB_EINVAL;
	}
	json_decref(tree);
	return WSB_OK;
}

/* With any number for {key} it must be JSON: 1 will do. */
static enum wsb_err check_template(const char *name, const char *text, char *why, size_t why_size)
{
	struct strbuf expanded;
	enum wsb_err err;

	if (!text)
		return WSB_OK;
	strbuf_init(&expanded);
	template_expand(span_text(text), 1, &expanded);
	err = check_json(name, strbuf_span(&expanded), why, why_size);
	strbuf_fini(&expanded);
	return err;
}

static enum wsb_err check_call(const struct call_arguments *call, char *why, size_t why_size)
{
	if (!call->method) {
		snprintf(why, why_size, "which method shall be called?");
		return WSB_EINVAL;
	}
	return call->params ? check_json("PARAMS", span_text(call->params), why, why_size) : WSB_OK;
}

static enum wsb_err check_bench(const struct bench_arguments *bench, char *why, size_t why_size)
{
	enum wsb_err err = check_template("--params", bench->params, why, why_size);

	if (!err)
		err = check_template("--expect", bench->expect, why, why_size);
	if (!err && bench->connections * bench->depth > OUTSTANDING_MAX) {
		snprintf(why, why_size, "--connections times --depth may be %u at most",
			 OUTSTANDING_MAX);
		err = WSB_EINVAL;
	}
	return err;
}

/* It becomes a line of the request's head. */
static enum wsb_err check_token(const char *token, char *why, size_t why_size)
{
	for (; token && *token; token++) {
		if (!isgraph((unsigned char)*token)) {
			snprintf(why, why_size, "a token has no blanks and no control characters");
			return WSB_EINVAL;
		}
	}
	return WSB_OK;
}

static enum wsb_err check(enum tool_command command, const struct tool_arguments *arguments,
			  char *why, size_t why_size)
{
	enum wsb_err err = check_token(arguments->token, why, why_size);

	if (err)
		return err;
	return command == TOOL_CALL ? check_call(&arguments->call, why, why_size)
				    : check_bench(&arguments->bench, why, why_size);
}

bool arguments_takes_next(const char *word)
{
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		if (strcmp(word, options[i].name) == 0)
			return options[i].kind != KIND_FLAG;
	}
	return false;
}

enum wsb_err arguments_read(enum tool_command command, int argc, char *const *argv,
			    struct tool_arguments *out, char *why, size_t why_size)
{
	const char **places[] = {&out->call.method, &out->call.params};
	size_t place_count = command == TOOL_CALL ? 2 : 0;
	size_t placed = 0;

	if (set_defaults(command, out, why, why_size))
		return WSB_EINVAL;
	for (int at = 1; at < argc; at++) {
		/* A negative number or a JSON text that begins with - is no option. */
		if (argv[at][0] == '-' && argv[at][1] != '\0' &&
		    (argv[at][1] < '0' || argv[at][1] > '9')) {
			if (read_option(command, argc, argv, &at, out, why, why_size))
				return WSB_EINVAL;
		} else if (placed < place_count) {
			*places[placed++] = argv[at];
		} else {
			snprintf(why, why_size, "\"%s\" is one word too many", argv[at]);
			return WSB_EINVAL;
		}
	}
	return out->help ? WSB_OK : check(command, out, why, why_size);
}

void arguments_help(enum tool_command command, FILE *out)
{
	if (command == TOOL_CALL)
		fputs("Usage: wsbroker call METHOD [PARAMS] [OPTIONS]\n\n"
		      "Sends a JSON-RPC request to the data endpoint and prints its result.\n\n",
		      out);
	else
		fputs("Usage: wsbroker bench [OPTIONS]\n\n"
		      "Sends requests and measures: rate, latencies, errors, wrong answers.\n\n",
		      out);
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option *option = &options[i];
		char left[48];

		if (!(option->commands & (1U << command)))
			continue;
		snprintf(left, sizeof(left), "%s %s", option->name,
			 option->value ? option->value : "");
		fprintf(out, "  %-22s %s", left, option->help);
		if (option->fallback)
			fprintf(out, " [%s]", option->fallback);
		fputc('\n', out);
	}
}
