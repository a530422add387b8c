#include "proto/path.h"

#include <string.h>
#include "proto/token.h"
#include "proto/value_walk.h"

static const struct {
	const char *name;
	enum path_root root;
} roots[] = {{"params", PATH_PARAMS}, {"result", PATH_RESULT}, {"error", PATH_ERROR}};

static bool digits_read(struct span text, uint32_t *index)
{
	*index = 0;
	if (text.len == 0 || text.len > 9 || (text.len > 1 && text.at[0] == '0'))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return false;
		*index = *index * 10 + (uint32_t)(text.at[i] - '0');
	}
	return true;
}

static struct path_step *step_add(struct path *path, enum path_kind kind, const char **why)
{
	struct path_step *step = &path->steps[path->count];

	if (path->count == PATH_STEPS_MAX) {
		*why = "a path has at most 8 steps";
		return NULL;
	}
	path->count++;
	step->kind = kind;
	step->len = 0;
	step->index = 0;
	return step;
}

/* One step of a pointer, where ~1 is a slash and ~0 a tilde. */
static bool pointer_step(struct path_step *step, struct span text, const char **why)
{
	for (size_t i = 0; i < text.len; i++) {
		char byte = text.at[i];

		if (byte == '~') {
			if (++i == text.len || (text.at[i] != '0' && text.at[i] != '1')) {
				*why = "~ must be written ~0 and / in a name ~1";
				return false;
			}
			byte = text.at[i] == '0' ? '~' : '/';
		}
		if (step->len == PATH_NAME_MAX) {
			*why = "a name is longer than 64 bytes";
			return false;
		}
		step->name[step->len++] = byte;
	}
	if (!digits_read(text, &step->index))
		step->kind = PATH_NAME;
	return true;
}

static bool pointer_compile(struct path *path, struct span text, const char **why)
{
	while (text.len > 0) {
		const char *slash = memchr(text.at + 1, '/', text.len - 1);
		size_t len = slash ? (size_t)(slash - text.at) : text.len;
		struct path_step *step = step_add(path, PATH_EITHER, why);

		if (!step || !pointer_step(step, span_of(text.at + 1, len - 1), why))
			return false;
		text = span_of(text.at + len, text.len - len);
	}
	return true;
}

/* [n] or [*] at the beginning of text; the bytes it takes, 0: neither. */
static size_t bracket_compile(struct path *path, struct span text, const char **why)
{
	const char *end = memchr(text.at, ']', text.len);
	struct span inner = end ? span_of(text.at + 1, (size_t)(end - text.at) - 1) : text;
	struct path_step *step;
	uint32_t index = 0;

	if (!end || !(span_is(inner, "*") || digits_read(inner, &index))) {
		*why = "in brackets stands a position or *";
		return 0;
	}
	step = step_add(path, span_is(inner, "*") ? PATH_EACH : PATH_INDEX, why);
	if (!step)
		return 0;
	step->index = index;
	return inner.len + 2;
}

static size_t name_compile(struct path *path, struct span text, const char **why)
{
	size_t len = 1;
	struct path_step *step;

	while (len < text.len && text.at[len] != '.' && text.at[len] != '[')
		len++;
	if (len == 1 || len - 1 > PATH_NAME_MAX) {
		*why = "a name has 1 to 64 bytes";
		return 0;
	}
	step = step_add(path, PATH_NAME, why);
	if (!step)
		return 0;
	memcpy(step->name, text.at + 1, len - 1);
	step->len = (uint8_t)(len - 1);
	return len;
}

static bool dotted_compile(struct path *path, struct span text, const char **why)
{
	while (text.len > 0) {
		size_t len;

		*why = "behind params, result or error stands .name, [0] or [*]";
		if (text.at[0] != '.' && text.at[0] != '[')
			return false;
		len = text.at[0] == '.' ? name_compile(path, text, why)
					: bracket_compile(path, text, why);
		if (len == 0)
			return false;
		text = span_of(text.at + len, text.len - len);
	}
	return true;
}

enum wsb_err path_compile(struct path *out, struct span text, const char **why)
{
	out->count = 0;
	out->root = PATH_MESSAGE;
	*why = "a path begins with params, result, error or /";
	if (text.len > 0 && text.at[0] == '/')
		return pointer_compile(out, text, why) ? WSB_OK : WSB_EINVAL;
	for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
		size_t len = strlen(roots[i].name);

		if (!span_begins(text, roots[i].name))
			continue;
		out->root = roots[i].root;
		return dotted_compile(out, span_of(text.at + len, text.len - len), why)
			       ? WSB_OK
			       : WSB_EINVAL;
	}
	return WSB_EINVAL;
}

struct span member_find(enum encoding encoding, struct span token, struct span name)
{
	struct value_walk walk;
	struct span key, value;

	if (!value_walk_begin(&walk, encoding, token) || !walk.object)
		return span_of(NULL, 0);
	while (value_walk_next(&walk, &key, &value)) {
		char text[PATH_NAME_MAX];
		struct span known;

		if (token_kind(encoding, key) != TOKEN_STRING)
			continue;
		known = token_string(encoding, key, text, sizeof(text));
		if (known.at && span_equal(known, name))
			return value;
	}
	return span_of(NULL, 0);
}

struct walker {
	const struct path *path;
	enum encoding encoding;
	path_visit visit;
	void *context;
};

static bool walk_from(const struct walker *walker, size_t at, struct span token);

static bool walk_elements(const struct walker *walker, const struct path_step *step, size_t at,
			  struct span token)
{
	struct value_walk walk;
	struct span value;
	uint32_t index = 0;

	if (!value_walk_begin(&walk, walker->encoding, token) || walk.object)
		return true;
	while (value_walk_next(&walk, NULL, &value)) {
		if (step->kind != PATH_EACH && index++ != step->index)
			continue;
		if (!walk_from(walker, at + 1, value))
			return false;
		if (step->kind != PATH_EACH)
			return true;
	}
	return true;
}

/* False: the visitor has seen enough. Recursion goes as deep as the path. */
static bool walk_from(const struct walker *walker, size_t at, struct span token)
{
	const struct path_step *step = &walker->path->steps[at];
	struct span value;

	if (at == walker->path->count)
		return walker->visit(walker->context, token);
	if (step->kind == PATH_EACH || step->kind == PATH_INDEX ||
	    (step->kind == PATH_EITHER && token_kind(walker->encoding, token) == TOKEN_ARRAY))
		return walk_elements(walker, step, at, token);
	value = member_find(walker->encoding, token, span_of(step->name, step->len));
	return value.at ? walk_from(walker, at + 1, value) : true;
}

static struct span root_of(const struct path *path, const struct message *message)
{
	switch (path->root) {
	case PATH_PARAMS:
		return message->params;
	case PATH_RESULT:
		return message->result;
	case PATH_ERROR:
		return message->error;
	default:
		return value_trim(message->encoding, message->text);
	}
}

void path_walk(const struct path *path, const struct message *message, path_visit visit,
	       void *context)
{
	const struct walker walker = {path, message->encoding, visit, context};
	struct span root = root_of(path, message);

	if (root.at)
		walk_from(&walker, 0, root);
}

static bool take_first(void *context, struct span token)
{
	*(struct span *)context = token;
	return false;
}

struct span path_first(const struct path *path, const struct message *message)
{
	struct span first = {.at = NULL};

	path_walk(path, message, take_first, &first);
	return first;
}
