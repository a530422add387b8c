#include <criterion/criterion.h>
#include "common/rng.h"
#include "common/units.h"

static uint64_t duration(const char *text)
{
	uint64_t us = UINT64_MAX;

	cr_assert_eq(units_duration_us(span_text(text), &us), WSB_OK, "%s", text);
	return us;
}

static uint64_t bytes(const char *text)
{
	uint64_t value = UINT64_MAX;

	cr_assert_eq(units_bytes(span_text(text), &value), WSB_OK, "%s", text);
	return value;
}

Test(units, reads_durations)
{
	cr_assert_eq(duration("0"), 0);
	cr_assert_eq(duration("0s"), 0);
	cr_assert_eq(duration("5us"), 5);
	cr_assert_eq(duration("250ms"), 250000);
	cr_assert_eq(duration("5s"), 5000000);
	cr_assert_eq(duration("1.5s"), 1500000);
	cr_assert_eq(duration("0.000001s"), 1);
	cr_assert_eq(duration("2m"), 120000000);
	cr_assert_eq(duration("1h"), UINT64_C(3600000000));
	cr_assert_eq(duration("0.5d"), UINT64_C(43200000000));
	cr_assert_eq(duration("36525d"), UINT64_C(3155760000000000));
}

Test(units, reads_sizes)
{
	cr_assert_eq(bytes("0"), 0);
	cr_assert_eq(bytes("100"), 100);
	cr_assert_eq(bytes("100B"), 100);
	cr_assert_eq(bytes("64KiB"), 65536);
	cr_assert_eq(bytes("1MiB"), 1048576);
	cr_assert_eq(bytes("1.5GiB"), UINT64_C(1610612736));
	cr_assert_eq(bytes("2TiB"), UINT64_C(2199023255552));
	cr_assert_eq(bytes("4611686018427387904"), UINT64_C(1) << 62);
}

Test(units, refuses_the_rest)
{
	static const char *const durations[] = {
		"",	"s",   "5",   "1",   "5 s",  " 5s",  "5s ",   "-5s",	    "+5s", "5S",
		"5sec", ".5s", "5.s", "1.s", "1e3s", "0x1s", "1.5us", "0.0000001s", "1,5s"};
	static const char *const sizes[] = {"", "KiB", "1KB", "1kib", "-1", "1.5", "1.5B", "1 KiB"};
	uint64_t out = 77;

	for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++)
		cr_assert_eq(units_duration_us(span_text(durations[i]), &out), WSB_EINVAL, "%s",
			     durations[i]);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		cr_assert_eq(units_bytes(span_text(sizes[i]), &out), WSB_EINVAL, "%s", sizes[i]);
	cr_assert_eq(out, 77);
}

Test(units, refuses_what_is_too_much)
{
	uint64_t out = 77;

	cr_assert_eq(units_duration_us(span_text("36525.1d"), &out), WSB_ELIMIT);
	cr_assert_eq(units_duration_us(span_text("99999999999999999999s"), &out), WSB_ELIMIT);
	cr_assert_eq(units_bytes(span_text("4611686018427387905"), &out), WSB_ELIMIT);
	cr_assert_eq(units_bytes(span_text("18446744073709551616"), &out), WSB_ELIMIT);
	cr_assert_eq(units_bytes(span_text("99999999TiB"), &out), WSB_ELIMIT);
	cr_assert_eq(out, 77);
}

static void check_duration(uint64_t us, const char *wanted)
{
	char text[UNITS_TEXT_MAX];

	units_duration_text(us, text);
	cr_assert_str_eq(text, wanted);
}

static void check_bytes(uint64_t value, const char *wanted)
{
	char text[UNITS_TEXT_MAX];

	units_bytes_text(value, text);
	cr_assert_str_eq(text, wanted);
}

Test(units, writes_the_shortest)
{
	check_duration(0, "0");
	check_duration(1, "1us");
	check_duration(250000, "250ms");
	check_duration(1500000, "1.5s");
	check_duration(90000000, "90s");
	check_duration(60000000, "1m");
	check_duration(UINT64_C(86400000000), "1d");
	check_duration(1234567, "1234567us");
	check_duration(12345670, "12.34567s");
	check_bytes(0, "0");
	check_bytes(1000, "1000");
	check_bytes(1024, "1KiB");
	check_bytes(1536, "1536");
	check_bytes(65536, "64KiB");
	check_bytes(UINT64_C(1) << 62, "4194304TiB");
}

Test(units, what_is_written_reads_back)
{
	struct rng rng;

	rng_init(&rng, 3);
	for (int i = 0; i < 20000; i++) {
		const uint64_t value = rng_next(&rng) >> (13 + rng_below(&rng, 50));
		char text[UNITS_TEXT_MAX];

		units_bytes_text(value, text);
		cr_assert_eq(bytes(text), value);
		if (value > UINT64_C(3155760000000000))
			continue;
		units_duration_text(value, text);
		cr_assert_eq(duration(text), value);
	}
}
