#include "broker/control/value_scalar.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "broker/control/address.h"
#include "broker/control/config.h"
#include "broker/control/jwks_file.h"
#include "broker/control/token_file.h"
#include "common/units.h"

#define NAME_MAX_BYTES 64

static void *member(const struct option *option, void *base)
{
	return (char *)base + option->offset;
}

/* Members are as wide as their structs want them. */
static void store_number(const struct option *option, void *base, uint64_t number)
{
	void *at = member(option, base);

	switch (option->size) {
	case 0:
		break;
	case sizeof(bool):
		*(bool *)at = number != 0;
		break;
	case sizeof(uint16_t):
		*(uint16_t *)at = (uint16_t)number;
		break;
	case sizeof(uint32_t):
		*(uint32_t *)at = (uint32_t)number;
		break;
	case sizeof(uint64_t):
		*(uint64_t *)at = number;
		break;
	default:
		assert(false && "an option's member has an odd size");
	}
}

static void store_text(const struct option *option, void *base, const char *text)
{
	if (option->size > 0)
		*(const char **)member(option, base) = text;
}

static enum wsb_err out_of_range(const struct option *option, char why[VALUE_WHY_MAX])
{
	char range[OPTION_RANGE_MAX];

	option_range(option, range);
	snprintf(why, VALUE_WHY_MAX, "must be %s", range);
	return WSB_EINVAL;
}

static enum wsb_err ranged(const struct option *option, void *base, uint64_t number,
			   char why[VALUE_WHY_MAX])
{
	if ((number < option->min || number > option->max) && !(option->zero && number == 0))
		return out_of_range(option, why);
	store_number(option, base, number);
	return WSB_OK;
}

static enum wsb_err read_number(const struct option *option, struct span text, void *base,
				char why[VALUE_WHY_MAX])
{
	uint64_t number = 0;
	size_t at = text.len > 0 && text.at[0] == '-' ? 1 : 0;
	bool negative = at > 0;

	if (at == text.len)
		return WSB_EINVAL;
	for (; at < text.len; at++) {
		if (!isdigit((unsigned char)text.at[at]))
			return WSB_EINVAL;
		if (number <= UINT64_MAX / 10 - 1)
			number = number * 10 + (uint64_t)(text.at[at] - '0');
	}
	if (negative && number > 0)
		return out_of_range(option, why);
	return ranged(option, base, number, why);
}

static enum wsb_err read_share(const struct option *option, struct span text, void *base,
			       char why[VALUE_WHY_MAX])
{
	char *end;
	double share;

	/* Only what JSON would take too: strtod also reads hexadecimal, "inf" and "nan". */
	if (text.len == 0 || strspn(text.at, "0123456789.eE+-") != text.len)
		return WSB_EINVAL;
	share = strtod(text.at, &end);
	if (*end || !isfinite(share))
		return WSB_EINVAL;
	if (share < (double)option->min || share > (double)option->max)
		return out_of_range(option, why);
	*(double *)member(option, base) = share;
	return WSB_OK;
}

static enum wsb_err read_quantity(const struct option *option, struct span text, void *base,
				  char why[VALUE_WHY_MAX])
{
	uint64_t quantity = 0;
	enum wsb_err err = option->type == OPTION_SIZE ? units_bytes(text, &quantity)
						       : units_duration_us(text, &quantity);

	if (err == WSB_ELIMIT)
		return out_of_range(option, why);
	if (err != WSB_OK)
		return WSB_EINVAL;
	return ranged(option, base, quantity, why);
}

static enum wsb_err read_flag(const struct option *option, struct span text, void *base)
{
	bool flag = span_is(text, "true");

	if (!flag && !span_is(text, "false"))
		return WSB_EINVAL;
	if (option->type == OPTION_FLAG)
		store_number(option, base, flag ? 1 : 0);
	else if (flag)
		store_number(option, base, option->min);
	return WSB_OK;
}

static enum wsb_err read_choice(const struct option *option, struct span text, void *base,
				char why[VALUE_WHY_MAX])
{
	size_t len;

	for (size_t i = 0; option->choices[i]; i++) {
		if (!span_is(text, option->choices[i]))
			continue;
		if (option->type == OPTION_SHARING)
			*(struct cache_scope_setting *)member(option, base) =
				(struct cache_scope_setting){.kind = (enum cache_scope)i};
		else
			store_number(option, base, i);
		return WSB_OK;
	}
	len = (size_t)snprintf(why, VALUE_WHY_MAX, "expected %s", option->choices[0]);
	for (size_t i = 1; option->choices[i]; i++)
		len += (size_t)snprintf(why + len, VALUE_WHY_MAX - len, "%s%s",
					option->choices[i + 1] ? ", " : " or ", option->choices[i]);
	if (option->type == OPTION_SHARING)
		snprintf(why + len, VALUE_WHY_MAX - len, ", or a list of JSON pointers");
	return WSB_EINVAL;
}

static bool is_made_of(struct span text, const char *punctuation)
{
	for (size_t i = 0; i < text.len; i++) {
		if (!isalnum((unsigned char)text.at[i]) && !strchr(punctuation, text.at[i]))
			return false;
	}
	return true;
}

static enum wsb_err read_text(const struct option *option, struct span text, void *base,
			      char why[VALUE_WHY_MAX])
{
	if (text.len > option->max) {
		snprintf(why, VALUE_WHY_MAX, "longer than %llu bytes",
			 (unsigned long long)option->max);
		return WSB_EINVAL;
	}
	if (text.len == 0 && option->required) {
		snprintf(why, VALUE_WHY_MAX, "cannot be empty");
		return WSB_EINVAL;
	}
	store_text(option, base, text.len > 0 ? text.at : NULL);
	return WSB_OK;
}

bool value_is_name(struct span text)
{
	return text.len > 0 && text.len <= NAME_MAX_BYTES && is_made_of(text, "._-:[]");
}

static enum wsb_err read_name(const struct option *option, struct span text, void *base)
{
	if (!value_is_name(text))
		return WSB_EINVAL;
	store_text(option, base, text.at);
	return WSB_OK;
}

static enum wsb_err read_token(const struct option *option, struct span text, void *base)
{
	if (text.len > NAME_MAX_BYTES || !is_made_of(text, "._-"))
		return WSB_EINVAL;
	store_text(option, base, text.len > 0 ? text.at : NULL);
	return WSB_OK;
}

static enum wsb_err read_url_path(const struct option *option, struct span text, void *base)
{
	if (text.len == 0 || text.at[0] != '/' || strpbrk(text.at, "?# "))
		return WSB_EINVAL;
	store_text(option, base, text.at);
	return WSB_OK;
}

static enum wsb_err find_path(struct document *document, struct span text, const char **path)
{
	if (text.len == 0)
		return WSB_EINVAL;
	*path = document_path(document, text);
	return *path ? WSB_OK : WSB_ENOMEM;
}

static enum wsb_err read_file(struct document *document, const struct option *option,
			      struct span text, void *base, char why[VALUE_WHY_MAX])
{
	const char *path;
	enum wsb_err err = find_path(document, text, &path);

	if (err)
		return err;
	/* What it holds is another's business; that it is there is told with the place. */
	if (access(path, R_OK) != 0) {
		snprintf(why, VALUE_WHY_MAX, "expected a readable file (%s)", strerror(errno));
		return WSB_EINVAL;
	}
	store_text(option, base, path);
	return WSB_OK;
}

static enum wsb_err read_path(struct document *document, const struct option *option,
			      struct span text, void *base)
{
	const char *path = text.len > 0 ? document_path(document, text) : NULL;

	if (text.len > 0 && !path)
		return WSB_ENOMEM;
	store_text(option, base, path);
	return WSB_OK;
}

bool pointer_is_valid(struct span text)
{
	size_t steps = 0;

	if (text.len == 0 || text.at[0] != '/')
		return false;
	for (size_t i = 0; i < text.len; i++) {
		steps += text.at[i] == '/' ? 1 : 0;
		if (text.at[i] == '~' &&
		    (i + 1 == text.len || (text.at[i + 1] != '0' && text.at[i + 1] != '1')))
			return false;
	}
	return steps <= 3;
}

static enum wsb_err read_pointer(const struct option *option, struct span text, void *base)
{
	if (!pointer_is_valid(text))
		return WSB_EINVAL;
	store_text(option, base, text.at);
	return WSB_OK;
}

static enum wsb_err read_json(const struct option *option, struct span text, void *base,
			      char why[VALUE_WHY_MAX])
{
	json_error_t error;
	json_t *tree = json_loadb(text.at, text.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);

	/* Jansson's own words quote the text, which may hold a secret: only the place is told. */
	if (!tree) {
		snprintf(why, VALUE_WHY_MAX, "not valid JSON at its line %d, column %d", error.line,
			 error.column);
		return WSB_EINVAL;
	}
	json_decref(tree);
	store_text(option, base, text.at);
	return WSB_OK;
}

/* A Unix socket's path begins, like every other one, at the folder of the file. */
static enum wsb_err read_address(struct document *document, const struct option *option,
				 struct span text, void *base, char why[VALUE_WHY_MAX])
{
	const char *sentence = "";
	struct address address;
	enum wsb_err err = address_parse(document->arena, text, &address, &sentence);

	if (err == WSB_OK && address.kind == ADDRESS_UNIX) {
		address.path = document_path(document, span_text(address.path));
		if (!address.path)
			return WSB_ENOMEM;
		if (strlen(address.path) > UNIX_PATH_BYTES_MAX) {
			sentence = "the path with the file's folder is too long for a Unix socket";
			err = WSB_EINVAL;
		}
	}
	if (err == WSB_EINVAL)
		snprintf(why, VALUE_WHY_MAX, "%s", sentence);
	else if (err == WSB_OK)
		*(struct address *)member(option, base) = address;
	return err;
}

static enum wsb_err read_url(struct document *document, struct span text, void *base,
			     char why[VALUE_WHY_MAX])
{
	struct endpoint_settings *endpoint = base;
	struct endpoint_settings parsed = *endpoint;
	const char *sentence = "";
	enum wsb_err err = endpoint_url_parse(document->arena, text, &parsed, &sentence);

	if (err == WSB_OK)
		*endpoint = parsed;
	else
		snprintf(why, VALUE_WHY_MAX, "%s", sentence);
	return err;
}

/* A file that is read at once: tokens, or keys. */
static enum wsb_err read_secrets(struct document *document, const struct option *option,
				 struct span text, struct place place, void *base,
				 char why[VALUE_WHY_MAX])
{
	const char *path;
	enum wsb_err err = find_path(document, text, &path);

	if (err)
		return err;
	if (option->type == OPTION_KEYS)
		return jwks_file_load(document, path, place, member(option, base), why,
				      VALUE_WHY_MAX);
	return token_file_load(document, path, place, member(option, base), why, VALUE_WHY_MAX);
}

enum wsb_err value_scalar(struct document *document, const struct option *option, struct span text,
			  struct place place, void *base, char why[VALUE_WHY_MAX])
{
	why[0] = '\0';
	switch (option->type) {
	case OPTION_FLAG:
	case OPTION_ACTION:
		return read_flag(option, text, base);
	case OPTION_NUMBER:
		return read_number(option, text, base, why);
	case OPTION_SHARE:
		return read_share(option, text, base, why);
	case OPTION_DURATION:
	case OPTION_SIZE:
		return read_quantity(option, text, base, why);
	case OPTION_CHOICE:
	case OPTION_SHARING:
		return read_choice(option, text, base, why);
	case OPTION_TEXT:
		return read_text(option, text, base, why);
	case OPTION_NAME:
		return read_name(option, text, base);
	case OPTION_TOKEN:
		return read_token(option, text, base);
	case OPTION_FILE:
		return read_file(document, option, text, base, why);
	case OPTION_PATH:
		return read_path(document, option, text, base);
	case OPTION_URL_PATH:
		return read_url_path(option, text, base);
	case OPTION_POINTER:
		return read_pointer(option, text, base);
	case OPTION_JSON:
		return read_json(option, text, base, why);
	case OPTION_ADDRESS:
		return read_address(document, option, text, base, why);
	case OPTION_URL:
		return read_url(document, text, base, why);
	case OPTION_TOKENS:
	case OPTION_KEYS:
		return read_secrets(document, option, text, place, base, why);
	default:
		assert(false && "an option of this type is no scalar");
		return WSB_EINVAL;
	}
}
