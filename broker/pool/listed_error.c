#include "broker/pool/listed_error.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "proto/partial.h"

static bool is_listed(const struct ejection_settings *settings, const char *code)
{
	for (size_t i = 0; i < settings->error_count; i++)
		if (strcmp(settings->errors[i], code) == 0)
			return true;
	return false;
}

static bool code_is_listed(const struct ejection_settings *settings, const json_t *code)
{
	char number[32];

	if (json_is_string(code))
		return is_listed(settings, json_string_value(code));
	if (!json_is_integer(code))
		return false;
	snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(code));
	return is_listed(settings, number);
}

static bool part_is_listed(const struct ejection_settings *settings, enum encoding encoding,
			   struct span part)
{
	json_t *tree = part.at ? message_tree(encoding, part) : NULL;
	bool listed = code_is_listed(settings,
				     json_is_object(tree) ? json_object_get(tree, "code") : tree);

	json_decref(tree);
	return listed;
}

bool error_is_listed(const struct ejection_settings *settings, const struct message *message)
{
	if (settings->error_count == 0)
		return false;
	return part_is_listed(settings, message->encoding, message->error) ||
	       part_is_listed(settings, message->encoding, message->result);
}
