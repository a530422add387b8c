#include <msgpack.h>
#include "proto/envelope.h"
#include "proto/msgpack_scan.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/message.h"

/* msgpack-c judges where both apply: it looks at no UTF-8, has its own limit of depth, and takes
 * memory for as many elements as a head declares, so it is not asked when there are not so many
 * bytes, which is an error anyway. */
struct shape {
	bool believable; /* no head declares more than there is */
	bool utf8;
};

static struct shape shape_of(struct span bytes)
{
	struct shape shape = {.believable = true, .utf8 = true};
	const char *const end = bytes.at + bytes.len;
	struct msgpack_head head;

	for (const char *at = bytes.at; msgpack_head_read(at, end, &head);) {
		at = head.body + head.body_len;
		if (head.count > (size_t)(end - at))
			shape.believable = false;
		if (head.kind == MSGPACK_STR && !msgpack_str_is_valid(&head))
			shape.utf8 = false;
	}
	return shape;
}

static void compare(struct span bytes, bool accepts)
{
	const struct shape shape = shape_of(bytes);
	msgpack_unpacked unpacked;
	size_t used = 0;
	msgpack_unpack_return result;

	if (!shape.believable) {
		must(!accepts);
		return;
	}
	msgpack_unpacked_init(&unpacked);
	result = msgpack_unpack_next(&unpacked, bytes.at, bytes.len, &used);
	msgpack_unpacked_destroy(&unpacked);
	if (result == MSGPACK_UNPACK_NOMEM_ERROR)
		return; /* too deep for it */
	if (result == MSGPACK_UNPACK_SUCCESS && used == bytes.len)
		must(accepts == shape.utf8);
	else
		must(!accepts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct envelope *envelope;
	const struct span bytes = span_of((const char *)data, size);
	struct message message;
	enum wsb_err err;
	char why[64];

	if (size == 0)
		return 0;
	if (!envelope)
		must(envelope_create(&envelope, NULL, why, sizeof(why)) == WSB_OK);
	err = envelope_scan(envelope, FROM_CLIENT, ENCODING_MSGPACK, bytes, &message);
	must(err == WSB_OK || err == WSB_EPARSE);
	must((msgpack_skip(bytes.at, bytes.at + size, 0) == bytes.at + size) == (err == WSB_OK));
	compare(bytes, err == WSB_OK);
	if (err == WSB_OK)
		message_check(envelope, FROM_CLIENT, &message);
	return 0;
}
