#include "common/base64url.h"

#include <criterion/criterion.h>
#include <string.h>

Test(base64url, decodes_what_has_one_spelling)
{
	static const struct {
		const char *text, *bytes;
	} rows[] = {
		/* RFC 4648, section 10, without padding. */
		{"", ""},
		{"Zg", "f"},
		{"Zm8", "fo"},
		{"Zm9v", "foo"},
		{"Zm9vYg", "foob"},
		{"Zm9vYmE", "fooba"},
		{"Zm9vYmFy", "foobar"},
		{"-_-_", "\xfb\xff\xbf"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t out[16];
		size_t len = 99;

		cr_assert_leq(strlen(rows[i].bytes), BASE64URL_BYTES(strlen(rows[i].text)));
		cr_assert_eq(base64url_decode(span_text(rows[i].text), out, &len), WSB_OK, "%s",
			     rows[i].text);
		cr_expect_eq(len, strlen(rows[i].bytes), "%s", rows[i].text);
		cr_expect_arr_eq(out, rows[i].bytes, len, "%s", rows[i].text);
	}
}

Test(base64url, refuses_everything_else)
{
	static const char *const rows[] = {
		"Z",	       /* no length of anything */
		"Zm9vY",       /* nor is this */
		"Zh",	       /* bits that are not zero */
		"Zm9",	       /* likewise */
		"Zg==",	       /* padding */
		"Zm9v\n",      /* white space */
		" Zm9v",       /* likewise */
		"+/+/",	       /* base64, but not for URLs */
		"Zm.v",	       /* a point */
		"Zm9\xc3\xa4", /* no ASCII */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t out[16];
		size_t len = 99;

		cr_expect_eq(base64url_decode(span_text(rows[i]), out, &len), WSB_EPARSE, "%s",
			     rows[i]);
		cr_expect_eq(len, 99, "untouched");
	}
}
