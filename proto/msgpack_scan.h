/* proto/msgpack_scan.h: validates MessagePack and finds where its values end; builds nothing.
 * Lengths that the bytes declare are believed only as far as there are bytes. */
#ifndef WSB_PROTO_MSGPACK_SCAN_H
#define WSB_PROTO_MSGPACK_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum msgpack_kind {
	MSGPACK_NIL,
	MSGPACK_BOOL,
	MSGPACK_UINT, /* written as unsigned, or a positive fixint */
	MSGPACK_INT,
	MSGPACK_FLOAT,
	MSGPACK_STR,
	MSGPACK_BIN,
	MSGPACK_EXT,
	MSGPACK_ARRAY,
	MSGPACK_MAP,
};

/* The beginning of one value. */
struct msgpack_head {
	enum msgpack_kind kind;
	uint32_t count; /* elements of an array, pairs of a map */
	const char
		*body; /* what follows the head: the bytes of a number, str, bin or ext; elements */
	size_t body_len; /* 0 for arrays and maps */
};

/* False: no bytes at all, 0xc1, or a head or body that goes beyond end. */
bool msgpack_head_read(const char *at, const char *end, struct msgpack_head *head);

/* The value of a head of kind MSGPACK_UINT, MSGPACK_INT or MSGPACK_FLOAT; first is its first byte.
 */
uint64_t msgpack_uint(const char *at, const struct msgpack_head *head);
int64_t msgpack_int(const char *at, const struct msgpack_head *head);
double msgpack_float(const struct msgpack_head *head);

/* Whether a str is UTF-8. */
bool msgpack_str_is_valid(const struct msgpack_head *head);

/* Behind the value that begins at `at`, or NULL when it is not well-formed. depth: containers
 * already open around it. */
const char *msgpack_skip(const char *at, const char *end, unsigned depth);

#endif
