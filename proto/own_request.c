#include "proto/own_request.h"

#include <stdlib.h>
#include <string.h>

#define STEP_MAX 256

/* The next step of a pointer, unescaped; the pointer is moved behind it. */
static void next_step(const char **pointer, char step[STEP_MAX])
{
	const char *at = *pointer + 1;
	size_t len = 0;

	for (; *at && *at != '/'; at++) {
		char byte = *at;

		if (byte == '~' && (at[1] == '0' || at[1] == '1'))
			byte = *++at == '1' ? '/' : '~';
		if (len + 1 < STEP_MAX)
			step[len++] = byte;
	}
	step[len] = '\0';
	*pointer = at;
}

/* Whether the first step of this is a position in an array. */
static bool is_position(const char *steps)
{
	size_t len = strcspn(steps, "/");

	return len > 0 && strspn(steps, "0123456789") == len;
}

/* What stands at this step of the container; made anew, as a container for what follows, where
 * nothing does. NULL: no memory. */
static json_t *child_of(json_t *container, const char *step, const char *rest, json_t *value)
{
	bool last = *rest == '\0';
	bool array = !last && is_position(rest + 1);
	json_t *child = json_is_array(container)
				? json_array_get(container, (size_t)strtoul(step, NULL, 10))
				: json_object_get(container, step);
	int failed;

	if (!last && (json_is_object(child) || json_is_array(child)))
		return child;
	child = last ? json_incref(value) : array ? json_array() : json_object();
	if (json_is_array(container)) {
		size_t position = (size_t)strtoul(step, NULL, 10);

		while (json_array_size(container) <= position)
			if (json_array_append_new(container, json_null()))
				break;
		failed = json_array_set_new(container, position, child);
	} else {
		failed = json_object_set_new(container, step, child);
	}
	return failed ? NULL : child;
}

/* Puts the value where the pointer says, with what has to stand around it. */
static enum wsb_err put(json_t *root, const char *pointer, json_t *value)
{
	json_t *at = root;
	char step[STEP_MAX];

	if (!value)
		return WSB_ENOMEM;
	/* The pointer to the whole: its members are the message's own. */
	if (*pointer == '\0')
		return json_object_update_missing(root, value) ? WSB_EINVAL : WSB_OK;
	while (at && *pointer) {
		next_step(&pointer, step);
		at = child_of(at, step, pointer, value);
	}
	return at ? WSB_OK : WSB_ENOMEM;
}

static enum wsb_err put_new(json_t *root, const char *pointer, json_t *value)
{
	enum wsb_err err = put(root, pointer, value);

	json_decref(value);
	return err;
}

static json_t *id_value(enum id_form form, uint64_t id)
{
	char token[OWN_ID_MAX];
	size_t len = own_id_write(form, ENCODING_JSON, id, token);

	return json_loadb(token, len, JSON_DECODE_ANY, NULL);
}

static json_t *root_of(const struct envelope_settings *settings)
{
	if (!settings)
		return json_pack("{s:s}", "jsonrpc", "2.0");
	return is_position(settings->method + 1) ? json_array() : json_object();
}

static enum wsb_err write_tree(const json_t *root, struct strbuf *out)
{
	char *text = json_dumps(root, JSON_COMPACT);

	if (!text)
		return WSB_ENOMEM;
	strbuf_text(out, text);
	free(text);
	return out->failed ? WSB_ENOMEM : WSB_OK;
}

enum wsb_err own_request(const struct envelope_settings *settings, uint64_t id, const char *method,
			 const json_t *params, struct strbuf *out)
{
	const char *id_at = settings ? settings->id : "/id";
	const char *method_at = settings ? settings->method : "/method";
	const char *params_at = settings ? settings->params : "/params";
	json_t *root = root_of(settings);
	enum wsb_err err = root ? WSB_OK : WSB_ENOMEM;

	if (!err)
		err = put_new(root, id_at, id_value(settings ? settings->ids : ID_INTEGER, id));
	if (!err)
		err = put_new(root, method_at, json_string(method));
	if (!err && params && params_at)
		err = put_new(root, params_at, json_deep_copy(params));
	if (!err)
		err = write_tree(root, out);
	json_decref(root);
	return err;
}
