/* broker/tool/tree.h: JSON text as a tree, where a message is looked into for people's sake. */
#ifndef WSB_BROKER_TOOL_TREE_H
#define WSB_BROKER_TOOL_TREE_H

#include <jansson.h>
#include "common/span.h"

/* Integers beyond 64 bit become reals. NULL: not JSON, or no memory. The caller owns the reference.
 */
json_t *tree_of(struct span text);

#endif
