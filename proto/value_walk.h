/* proto/value_walk.h: the members of one validated array or object, in either encoding. */
#ifndef WSB_PROTO_VALUE_WALK_H
#define WSB_PROTO_VALUE_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include "common/span.h"
#include "proto/codec.h"
#include "proto/json_scan.h"

struct value_walk {
	enum encoding encoding;
	bool object; /* its members have names */
	struct json_scan scan;
	const char *at;
	const char *end;
	size_t left; /* MessagePack: members still to come */
};

/* False: the token is neither an array nor an object. */
bool value_walk_begin(struct value_walk *walk, enum encoding encoding, struct span token);

/* The next member; name (of an object's, may be NULL) and value are tokens. False: that was all. */
bool value_walk_next(struct value_walk *walk, struct span *name, struct span *value);

/* A whole message as the token that it is: JSON may have white space around it. */
struct span value_trim(enum encoding encoding, struct span text);

#endif
