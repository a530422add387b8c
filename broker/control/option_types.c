/* What the types of options are called, and what they take. */
#include "broker/control/options.h"

#include <stdio.h>
#include "common/units.h"

static const struct {
	const char *name;
	const char *expected;
} types[OPTION_TYPES] = {
	[OPTION_FLAG] = {"true or false", "true or false"},
	[OPTION_NUMBER] = {"number", "a whole number"},
	[OPTION_SHARE] = {"share", "a number such as 0.2"},
	[OPTION_DURATION] = {"duration", "a duration such as 250ms"},
	[OPTION_SIZE] = {"size", "a size such as 64KiB"},
	[OPTION_CHOICE] = {"choice", "one of its words"},
	[OPTION_TEXT] = {"text", "a text"},
	[OPTION_NAME] = {"name", "a name (1 to 64 letters, digits, . _ - : [ ])"},
	[OPTION_TOKEN] = {"word", "a word of letters, digits and . _ -"},
	[OPTION_FILE] = {"file", "a path"},
	[OPTION_PATH] = {"file", "a path"},
	[OPTION_URL_PATH] = {"path", "a path that begins with /, without a query"},
	[OPTION_POINTER] = {"JSON pointer", "a JSON pointer of at most 3 steps, such as /payload"},
	[OPTION_JSON] = {"JSON text", "a JSON text"},
	[OPTION_ADDRESS] = {"address",
			    "an address such as 127.0.0.1:7080, [::1]:7080, unix:broker.sock or "
			    "fd:data"},
	[OPTION_URL] = {"URL", "a URL such as ws://127.0.0.1:9101/"},
	[OPTION_TOKENS] = {"file", "the path of a token file"},
	[OPTION_KEYS] = {"file", "the path of a JSON Web Key Set"},
	[OPTION_POOL] = {"name of a pool", "the name of a pool"},
	[OPTION_ACTION] = {"true", "true or false"},
	[OPTION_OBJECT] = {"object", "a mapping"},
	[OPTION_VALUE] = {"value", "a value"},
	[OPTION_ERROR] = {"JSON pointer or mapping",
			  "a JSON pointer, or a mapping of one to its value"},
	[OPTION_SHARING] = {"word or list of JSON pointers",
			    "client, shared or a list of JSON pointers"},
	[OPTION_TEXTS] = {"list of texts", "a list of texts"},
	[OPTION_HEADERS] = {"mapping", "a mapping of header names to texts"},
	[OPTION_REDIS] = {"URL or list of URLs",
			  "a URL such as redis://127.0.0.1:6379/0, or a list of them"},
	[OPTION_LIST] = {"list", "a list"},
};

const char *option_expected(const struct option *option)
{
	return types[option->type].expected;
}

bool option_is_scalar(const struct option *option)
{
	switch (option->type) {
	case OPTION_LIST:
	case OPTION_TEXTS:
	case OPTION_HEADERS:
	case OPTION_REDIS:
	case OPTION_OBJECT:
	case OPTION_VALUE:
	case OPTION_ERROR:
	case OPTION_SHARING:
	case OPTION_POOL:
	case OPTION_ACTION:
		return false;
	default:
		return option->size > 0;
	}
}

const char *option_type_name(enum option_type type)
{
	return types[type].name;
}

static void bound_text(const struct option *option, uint64_t bound, char text[UNITS_TEXT_MAX])
{
	if (option->type == OPTION_DURATION)
		units_duration_text(bound, text);
	else if (option->type == OPTION_SIZE)
		units_bytes_text(bound, text);
	else
		snprintf(text, UNITS_TEXT_MAX, "%llu", (unsigned long long)bound);
}

void option_range(const struct option *option, char text[OPTION_RANGE_MAX])
{
	char low[UNITS_TEXT_MAX];
	char high[UNITS_TEXT_MAX];

	text[0] = '\0';
	switch (option->type) {
	case OPTION_NUMBER:
	case OPTION_SHARE:
	case OPTION_DURATION:
	case OPTION_SIZE:
		bound_text(option, option->min, low);
		bound_text(option, option->max, high);
		snprintf(text, OPTION_RANGE_MAX, "%s%s to %s", option->zero ? "0 or " : "", low,
			 high);
		break;
	case OPTION_LIST:
	case OPTION_TEXTS:
	case OPTION_HEADERS:
		snprintf(text, OPTION_RANGE_MAX, "%llu to %llu entries",
			 (unsigned long long)option->min, (unsigned long long)option->max);
		break;
	default:
		break;
	}
}
