/* proto/partial.h: does a value contain what a partial one asks for? Used by greetings and probes.
 */
#ifndef WSB_PROTO_PARTIAL_H
#define WSB_PROTO_PARTIAL_H

#include <jansson.h>
#include <stdbool.h>
#include "common/span.h"
#include "proto/codec.h"

/* Every member of an expected object must be in the actual one and match in turn; arrays match
 * position by position and in length; 1 and 1.0 are equal; everything else must be equal. */
bool partial_match(const json_t *expected, const json_t *actual);

/* The message as a jansson tree, from either encoding; NULL when it is not well-formed, cannot be
 * carried exactly or memory runs out. The caller owns the reference. */
json_t *message_tree(enum encoding encoding, struct span text);

#endif
