/* proto/json_codec.h: the places of an envelope in a JSON text. */
#ifndef WSB_PROTO_JSON_CODEC_H
#define WSB_PROTO_JSON_CODEC_H

#include <stddef.h>
#include "common/err.h"
#include "common/span.h"
#include "proto/place.h"

/* Validates the whole text and notes every place of the tree in one pass. WSB_EPARSE. */
enum wsb_err json_find(const struct place_tree *tree, struct span text,
		       struct places_found *found) WSB_CHECKED;

/* The content of a string token that has been validated before, escapes resolved: a part of the
 * token where it has none, else written into buf; absent when it does not fit into size bytes. */
struct span json_string_read(struct span token, char *buf, size_t size);

#endif
