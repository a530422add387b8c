#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include "common/rng.h"
#include "proto/number.h"

static struct number number(const char *text)
{
	struct number result = {.kind = NUMBER_INT};

	cr_assert(number_read(span_text(text), &result), "%s", text);
	return result;
}

Test(number, kinds)
{
	cr_assert_eq(number("9223372036854775807").kind, NUMBER_INT);
	cr_assert_eq(number("-9223372036854775808").signed_value, INT64_MIN);
	cr_assert_eq(number("9223372036854775808").kind, NUMBER_UINT);
	cr_assert_eq(number("1.0").kind, NUMBER_REAL);
	cr_assert_eq(number("1e0").kind, NUMBER_REAL);
	cr_assert(signbit(number("-0").real));
	cr_assert_eq(number("0").kind, NUMBER_INT);
}

static bool equal(const char *a, const char *b)
{
	const struct number one = number(a), other = number(b);

	cr_assert_eq(number_equal(&one, &other), number_equal(&other, &one));
	return number_equal(&one, &other);
}

Test(number, equal_by_value)
{
	cr_assert(equal("1", "1.0"));
	cr_assert(equal("100", "1e2"));
	cr_assert(equal("0", "-0"));
	cr_assert(equal("9223372036854775808", "9223372036854775808.0"));
	cr_assert(equal("-9223372036854775808", "-9.223372036854775808e18"));
	cr_assert(!equal("9007199254740993", "9007199254740992.0"));
	cr_assert(!equal("9223372036854775807", "9223372036854775808.0"));
	cr_assert(!equal("18446744073709551615", "18446744073709551616.0"));
	cr_assert(!equal("18446744073709551615", "-1"));
	cr_assert(!equal("1", "1.5"));
	cr_assert(!equal("1", "1e300"));
}

Test(number, a_token_too_long_for_any_double_is_refused)
{
	static char text[4096];
	struct number result;

	memset(text, '1', sizeof(text) - 1);
	text[1] = '.';
	cr_assert(!number_read(span_text(text), &result));
	memset(text + 2, '0', sizeof(text) - 3);
	cr_assert(!number_read(span_text(text), &result));
	cr_assert(number_read(span_of(text, 1000), &result));
	cr_assert_eq(result.real, 1.0);
}

Test(number, doubles_of_any_bits_are_written_and_read_back)
{
	struct rng rng;

	rng_init(&rng, 7);
	for (int i = 0; i < 20000; i++) {
		const uint64_t bits = rng_next(&rng);
		struct number in = {.kind = NUMBER_REAL}, out;
		char text[NUMBER_TEXT_MAX];
		size_t len;

		memcpy(&in.real, &bits, sizeof(bits));
		if (!isfinite(in.real))
			continue;
		len = number_write(&in, text);
		cr_assert(number_read(span_of(text, len), &out));
		cr_assert_eq(out.kind, NUMBER_REAL);
		cr_assert(memcmp(&out.real, &in.real, sizeof(double)) == 0, "%.*s", (int)len, text);
	}
}
