#include <criterion/criterion.h>
#include "proto/envelope.h"
#include "tests/unit/proto/exact.h"

static const uint64_t samples[] = {
	1,
	2,
	9,
	10,
	127,
	128,
	255,
	256,
	65535,
	65536,
	4294967295,
	4294967296,
	999999999999999,
	UINT64_C(281474976710655),
	UINT64_C(281474976710656),
	(UINT64_C(1) << 53) - 1,
	UINT64_C(1) << 53,
};

Test(own_id, reads_back_what_it_writes)
{
	for (int form = ID_INTEGER; form <= ID_UUID; form++) {
		for (int encoding = ENCODING_JSON; encoding <= ENCODING_MSGPACK; encoding++) {
			for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
				char out[OWN_ID_MAX];
				const size_t len = own_id_write(form, encoding, samples[i], out);
				const struct span token = exact_copy(span_of(out, len));
				uint64_t id = 0;

				cr_assert(len <= OWN_ID_MAX);
				cr_assert(own_id_read(form, encoding, token, &id));
				cr_assert_eq(id, samples[i]);
				exact_free(token);
			}
		}
	}
}

static void check_written(enum id_form form, enum encoding encoding, uint64_t id,
			  const char *wanted)
{
	char out[OWN_ID_MAX];

	cr_assert(span_is(span_of(out, own_id_write(form, encoding, id, out)), wanted));
}

Test(own_id, has_the_form_that_is_asked_for)
{
	check_written(ID_INTEGER, ENCODING_JSON, 42, "42");
	check_written(ID_STRING, ENCODING_JSON, 42, "\"42\"");
	check_written(ID_UUID, ENCODING_JSON, 42, "\"00000000-0000-4000-8000-00000000002a\"");
	check_written(ID_INTEGER, ENCODING_MSGPACK, 42, "\x2a");
	check_written(ID_INTEGER, ENCODING_MSGPACK, 200, "\xcc\xc8");
	check_written(ID_INTEGER, ENCODING_MSGPACK, 0x1234, "\xcd\x12\x34");
	check_written(ID_INTEGER, ENCODING_MSGPACK, 0x12345678, "\xce\x12\x34\x56\x78");
	check_written(ID_STRING, ENCODING_MSGPACK, 42,
		      "\xa2"
		      "42");
	check_written(ID_UUID, ENCODING_MSGPACK, 42,
		      "\xd9\x24"
		      "00000000-0000-4000-8000-00000000002a");
}

static bool reads(enum id_form form, enum encoding encoding, const char *token)
{
	uint64_t id = 77;
	const bool read = own_id_read(form, encoding, span_text(token), &id);

	cr_assert(read || id == 77);
	return read;
}

Test(own_id, anything_else_is_not_ours)
{
	static const char *const not_integers[] = {
		"0",
		"-1",
		"01",
		"1.0",
		"1e0",
		"\"1\"",
		"null",
		"9007199254740993",
		"99999999999999999999",
	};
	static const char *const not_strings[] = {
		"1", "\"\"", "\"0\"", "\"01\"", "\" 1\"", "\"1x\"", "\"\\u0031\"", "\"-1\"", "null",
	};
	static const char *const not_uuids[] = {
		"\"1\"",
		"\"00000000-0000-4000-8000-000000000000\"",
		"\"00000000-0000-4000-8000-00000000002A\"",
		"\"00000000-0000-4000-8001-00000000002a\"",
		"\"00000000-0000-4000-8000-00000000002a0\"",
		"\"ffffffff-0000-4000-8000-00000000002a\"",
		"\"00000021-0000-4000-8000-000000000000\"",
	};

	for (size_t i = 0; i < sizeof(not_integers) / sizeof(not_integers[0]); i++)
		cr_assert(!reads(ID_INTEGER, ENCODING_JSON, not_integers[i]), "%s",
			  not_integers[i]);
	for (size_t i = 0; i < sizeof(not_strings) / sizeof(not_strings[0]); i++)
		cr_assert(!reads(ID_STRING, ENCODING_JSON, not_strings[i]), "%s", not_strings[i]);
	for (size_t i = 0; i < sizeof(not_uuids) / sizeof(not_uuids[0]); i++)
		cr_assert(!reads(ID_UUID, ENCODING_JSON, not_uuids[i]), "%s", not_uuids[i]);
	cr_assert(!own_id_read(ID_INTEGER, ENCODING_JSON, span_of(NULL, 0), &(uint64_t){0}));
}

Test(own_id, messagepack_may_be_wider_but_not_another_type)
{
	uint64_t id;

	cr_assert(own_id_read(ID_INTEGER, ENCODING_MSGPACK, span_of("\xcf\0\0\0\0\0\0\0\x07", 9),
			      &id));
	cr_assert_eq(id, 7);
	cr_assert(own_id_read(ID_INTEGER, ENCODING_MSGPACK, span_of("\xd3\0\0\0\0\0\0\0\x08", 9),
			      &id));
	cr_assert_eq(id, 8);
	cr_assert(own_id_read(ID_STRING, ENCODING_MSGPACK,
			      span_of("\xda\0\1"
				      "9",
				      4),
			      &id));
	cr_assert_eq(id, 9);
	cr_assert(!reads(ID_INTEGER, ENCODING_MSGPACK, "\xff"));
	cr_assert(!reads(ID_INTEGER, ENCODING_MSGPACK,
			 "\xa1"
			 "1"));
	cr_assert(!reads(ID_INTEGER, ENCODING_MSGPACK, "\xc0"));
	cr_assert(!reads(ID_STRING, ENCODING_MSGPACK, "\x01"));
	cr_assert(!own_id_read(ID_INTEGER, ENCODING_MSGPACK, span_of("\xcb\x40\x08\0\0\0\0\0\0", 9),
			       &id));
}
