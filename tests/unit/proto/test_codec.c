#include <criterion/criterion.h>
#include "proto/codec.h"

Test(codec, frames_tell_their_encoding)
{
	cr_assert_eq(encoding_of_frame(false, span_text("{}")), ENCODING_JSON);
	cr_assert_eq(encoding_of_frame(false, span_text("\x80")), ENCODING_JSON);
	cr_assert_eq(encoding_of_frame(true, span_text("\x80")), ENCODING_MSGPACK);
	cr_assert_eq(encoding_of_frame(true, span_text("{}")), ENCODING_JSON);
	cr_assert_eq(encoding_of_frame(true, span_text("[]")), ENCODING_JSON);
	cr_assert_eq(encoding_of_frame(true, span_text(" {}")), ENCODING_MSGPACK);
	cr_assert_eq(encoding_of_frame(true, span_of(NULL, 0)), ENCODING_MSGPACK);
}

Test(codec, encodings_have_names)
{
	cr_assert_str_eq(encoding_name(ENCODING_JSON), "json");
	cr_assert_str_eq(encoding_name(ENCODING_MSGPACK), "msgpack");
}
