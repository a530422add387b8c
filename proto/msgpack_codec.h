/* proto/msgpack_codec.h: the places of an envelope in a MessagePack value. */
#ifndef WSB_PROTO_MSGPACK_CODEC_H
#define WSB_PROTO_MSGPACK_CODEC_H

#include "common/err.h"
#include "common/span.h"
#include "proto/place.h"

/* Validates all bytes and notes every place of the tree in one pass. WSB_EPARSE. */
enum wsb_err msgpack_find(const struct place_tree *tree, struct span text,
			  struct places_found *found) WSB_CHECKED;

/* The head of a map of `pairs` members; returns its length. */
size_t msgpack_map_head(uint32_t pairs, char out[5]);

#endif
