#include "proto/reply.h"

#include <jansson.h>
#include <stdio.h>
#include "common/units.h"
#include "proto/partial.h"

static bool cache_read(const json_t *value, struct request_options *options)
{
	static const char *const names[] = {
		[CACHE_USE] = "use",
		[CACHE_BYPASS] = "bypass",
		[CACHE_REFRESH] = "refresh",
		[CACHE_ONLY] = "only",
	};

	for (size_t i = 0; json_is_string(value) && i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(json_string_value(value), names[i]) == 0) {
			options->cache = (enum cache_wish)i;
			return true;
		}
	}
	return false;
}

static bool timeout_read(const json_t *value, struct request_options *options)
{
	const struct span text = span_of(json_string_value(value), json_string_length(value));

	/* 0 would mean what leaving it out means, and is rather a mistake. */
	return json_is_string(value) && units_duration_us(text, &options->timeout_us) == WSB_OK &&
	       options->timeout_us > 0;
}

static bool explain_read(const json_t *value, struct request_options *options)
{
	options->explain = json_is_true(value);
	return json_is_boolean(value);
}

static const struct option {
	const char *name;
	bool (*read)(const json_t *value, struct request_options *options);
	const char *wanted;
} known[] = {
	{"cache", cache_read, "\"use\", \"bypass\", \"refresh\" or \"only\""},
	{"timeout", timeout_read, "a duration above zero like \"2s\""},
	{"explain", explain_read, "true or false"},
};

static const struct option *option_find(const char *name)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(known[i].name, name) == 0)
			return &known[i];
	}
	return NULL;
}

static enum wsb_err members_read(json_t *object, struct request_options *options, char *why,
				 size_t why_size)
{
	const char *name;
	json_t *value;

	json_object_foreach(object, name, value)
	{
		const struct option *const option = option_find(name);

		if (!option) {
			snprintf(why, why_size, "wsbroker: unknown member %.40s", name);
			return WSB_EINVAL;
		}
		if (!option->read(value, options)) {
			snprintf(why, why_size, "wsbroker.%s must be %s", name, option->wanted);
			return WSB_EINVAL;
		}
	}
	return WSB_OK;
}

enum wsb_err request_options_read(enum encoding encoding, struct span value,
				  struct request_options *out, char *why, size_t why_size)
{
	struct request_options options = {.cache = CACHE_USE};
	json_t *const tree = message_tree(encoding, value);
	enum wsb_err err = WSB_EINVAL;

	if (json_is_object(tree))
		err = members_read(tree, &options, why, why_size);
	else
		snprintf(why, why_size, "wsbroker must be an object");
	json_decref(tree);
	if (err == WSB_OK)
		*out = options;
	return err;
}
