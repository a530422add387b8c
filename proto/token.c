#include "proto/token.h"

#include <math.h>
#include "proto/json_codec.h"
#include "proto/msgpack_scan.h"

static enum token_kind json_kind(char first)
{
	switch (first) {
	case 'n':
		return TOKEN_NULL;
	case 'f':
		return TOKEN_FALSE;
	case 't':
		return TOKEN_TRUE;
	case '"':
		return TOKEN_STRING;
	case '[':
		return TOKEN_ARRAY;
	case '{':
		return TOKEN_OBJECT;
	default:
		return TOKEN_NUMBER;
	}
}

static struct msgpack_head head_of(struct span token)
{
	struct msgpack_head head = {.kind = MSGPACK_NIL};

	if (!msgpack_head_read(token.at, token.at + token.len, &head))
		return (struct msgpack_head){.kind = MSGPACK_NIL};
	return head;
}

static enum token_kind msgpack_token_kind(struct span token)
{
	switch (head_of(token).kind) {
	case MSGPACK_NIL:
		return TOKEN_NULL;
	case MSGPACK_BOOL:
		return token.at[0] == '\xc2' ? TOKEN_FALSE : TOKEN_TRUE;
	case MSGPACK_STR:
		return TOKEN_STRING;
	case MSGPACK_ARRAY:
		return TOKEN_ARRAY;
	case MSGPACK_MAP:
		return TOKEN_OBJECT;
	case MSGPACK_UINT:
	case MSGPACK_INT:
	case MSGPACK_FLOAT:
		return TOKEN_NUMBER;
	default:
		return TOKEN_OTHER;
	}
}

enum token_kind token_kind_other(enum encoding encoding, struct span token)
{
	return encoding == ENCODING_JSON ? json_kind(token.at[0]) : msgpack_token_kind(token);
}

struct span token_string(enum encoding encoding, struct span token, char *buf, size_t size)
{
	struct msgpack_head head;

	if (encoding == ENCODING_JSON)
		return json_string_read(token, buf, size);
	head = head_of(token);
	return span_of(head.body, head.body_len);
}

bool token_number(enum encoding encoding, struct span token, struct number *out)
{
	struct msgpack_head head;

	if (encoding == ENCODING_JSON)
		return number_read(token, out);
	head = head_of(token);
	switch (head.kind) {
	case MSGPACK_UINT:
		*out = number_of_uint(msgpack_uint(token.at, &head));
		return true;
	case MSGPACK_INT:
		*out = (struct number){.kind = NUMBER_INT,
				       .signed_value = msgpack_int(token.at, &head)};
		return true;
	default:
		*out = (struct number){.kind = NUMBER_REAL, .real = msgpack_float(&head)};
		return isfinite(out->real);
	}
}

#define COMPARED_MAX 256

bool token_equal(enum encoding encoding, struct span token, struct span json)
{
	const enum token_kind kind = token_kind(encoding, token);
	char one[COMPARED_MAX], other[COMPARED_MAX];
	struct span text, wanted;
	struct number a, b;

	if (kind != token_kind(ENCODING_JSON, json))
		return false;
	switch (kind) {
	case TOKEN_STRING:
		text = token_string(encoding, token, one, sizeof(one));
		wanted = json_string_read(json, other, sizeof(other));
		return text.at && wanted.at && span_equal(text, wanted);
	case TOKEN_NUMBER:
		if (encoding == ENCODING_JSON && span_equal(token, json))
			return true;
		return token_number(encoding, token, &a) && number_read(json, &b) &&
		       number_equal(&a, &b);
	default:
		return kind != TOKEN_ARRAY && kind != TOKEN_OBJECT;
	}
}
