/* broker/control/json_node.h: a free-form value of the file as a jansson tree. */
#ifndef WSB_BROKER_CONTROL_JSON_NODE_H
#define WSB_BROKER_CONTROL_JSON_NODE_H

#include <jansson.h>
#include "broker/control/document.h"

/* Unquoted scalars are read as YAML 1.2's core schema reads them (null, true, 17, 1.5), quoted ones
 * are strings, and so is whatever came out of a variable. NULL, after a complaint: a key that is no
 * scalar or stands twice, a value nested too deep, or one of document_scalar's. */
json_t *json_of_node(struct document *document, yaml_node_t *node);

#endif
