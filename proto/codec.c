#include "proto/codec.h"

enum encoding encoding_of_frame(bool binary, struct span payload)
{
	if (!binary)
		return ENCODING_JSON;
	if (payload.len > 0 && (payload.at[0] == '{' || payload.at[0] == '['))
		return ENCODING_JSON;
	return ENCODING_MSGPACK;
}

const char *encoding_name(enum encoding encoding)
{
	return encoding == ENCODING_JSON ? "json" : "msgpack";
}
