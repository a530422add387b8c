#include <criterion/criterion.h>
#include "proto/partial.h"

static bool matches(const char *expected, const char *actual)
{
	json_t *one = message_tree(ENCODING_JSON, span_text(expected));
	json_t *other = message_tree(ENCODING_JSON, span_text(actual));
	bool result;

	cr_assert(one && other);
	result = partial_match(one, other);
	json_decref(other);
	json_decref(one);
	return result;
}

Test(partial, objects_need_only_what_is_asked_for)
{
	cr_assert(matches("{}", "{\"a\":1}"));
	cr_assert(matches("{\"a\":1}", "{\"b\":2,\"a\":1}"));
	cr_assert(matches("{\"a\":{\"b\":1}}", "{\"a\":{\"c\":2,\"b\":1}}"));
	cr_assert(!matches("{\"a\":1}", "{}"));
	cr_assert(!matches("{\"a\":1}", "{\"a\":2}"));
	cr_assert(!matches("{\"a\":{}}", "{\"a\":1}"));
	cr_assert(!matches("{\"a\":null}", "{}"));
	cr_assert(matches("{\"a\":null}", "{\"a\":null}"));
}

Test(partial, arrays_match_position_by_position)
{
	cr_assert(matches("[1,{}]", "[1,{\"a\":1}]"));
	cr_assert(!matches("[1]", "[1,2]"));
	cr_assert(!matches("[1,2]", "[2,1]"));
	cr_assert(matches("[]", "[]"));
	cr_assert(!matches("[]", "{}"));
}

Test(partial, scalars_are_equal_by_value)
{
	cr_assert(matches("1", "1.0"));
	cr_assert(matches("1.0", "1"));
	cr_assert(matches("1e2", "100"));
	cr_assert(!matches("9007199254740993", "9007199254740992.0"));
	cr_assert(!matches("9223372036854775807", "9223372036854775808.0"));
	cr_assert(!matches("1", "\"1\""));
	cr_assert(!matches("true", "1"));
	cr_assert(!matches("true", "false"));
	cr_assert(matches("\"a\\u0000b\"", "\"a\\u0000b\""));
	cr_assert(!matches("\"a\\u0000b\"", "\"a\\u0000c\""));
	cr_assert(matches("\"\\u0061\"", "\"a\""));
}

Test(partial, trees_come_from_either_encoding)
{
	json_t *tree = message_tree(ENCODING_MSGPACK, span_of("\x81\xa1"
							      "a\x92\x01\xc0",
							      6));
	json_t *wanted = message_tree(ENCODING_JSON, span_text("{\"a\":[1,null]}"));

	cr_assert(tree && json_equal(tree, wanted));
	json_decref(wanted);
	json_decref(tree);
	cr_assert_null(message_tree(ENCODING_JSON, span_text("{")));
	cr_assert_null(message_tree(ENCODING_JSON, span_text("18446744073709551616")));
	cr_assert_null(message_tree(ENCODING_JSON, span_of(NULL, 0)));
	cr_assert_null(message_tree(ENCODING_MSGPACK, span_of("\xc4\0", 2)));
	cr_assert_null(message_tree(ENCODING_MSGPACK, span_of("\x91", 1)));
}
