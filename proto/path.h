/* proto/path.h: where in a message a value stands: params.id, result.items[*].city, or a JSON
 * pointer into the whole message (/payload/id). Compiled once; walked over either encoding. */
#ifndef WSB_PROTO_PATH_H
#define WSB_PROTO_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/err.h"
#include "common/span.h"
#include "proto/envelope.h"

#define PATH_STEPS_MAX 8
#define PATH_NAME_MAX  64

enum path_root { PATH_MESSAGE, PATH_PARAMS, PATH_RESULT, PATH_ERROR };

enum path_kind {
	PATH_NAME,
	PATH_INDEX,
	PATH_EACH,   /* every element of an array */
	PATH_EITHER, /* of a pointer: a position in an array, a name in an object */
};

struct path_step {
	enum path_kind kind;
	uint32_t index;
	uint8_t len;
	char name[PATH_NAME_MAX];
};

struct path {
	enum path_root root;
	size_t count;
	struct path_step steps[PATH_STEPS_MAX];
};

/* WSB_EINVAL: *why (constant text) says what is wrong; *out is meaningless then. */
enum wsb_err path_compile(struct path *out, struct span text, const char **why) WSB_CHECKED;

/* Calls visit with each value that stands there, as a token in the message's encoding, until it
 * returns false. The message must have been scanned without flaws. Of members with equal names the
 * first is taken. */
typedef bool (*path_visit)(void *context, struct span token);
void path_walk(const struct path *path, const struct message *message, path_visit visit,
	       void *context);

/* The first of them; absent when there is none. */
struct span path_first(const struct path *path, const struct message *message);

/* The value of the member with this name; absent when the token is no object or has none. */
struct span member_find(enum encoding encoding, struct span token, struct span name);

#endif
