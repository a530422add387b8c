#include <criterion/criterion.h>
#include "broker/console/human.h"

Test(human, durations)
{
	static const struct {
		double seconds;
		const char *text;
	} table[] = {
		{-1, "-"},
		{0, "0 s"},
		{1e-6, "1 us"},
		{85.4e-6, "85 us"},
		{999.4e-6, "999 us"},
		{999.6e-6, "1.00 ms"},
		{1.234e-3, "1.23 ms"},
		{0.0123, "12.3 ms"},
		{0.999, "999 ms"},
		{0.9996, "1.00 s"},
		{5, "5.00 s"},
		{59.94, "59.9 s"},
		{99.9, "99.9 s"},
		{100, "1m40s"},
		{245, "4m05s"},
		{3599.9, "59m59s"},
		{3600, "1h00m"},
		{11520, "3h12m"},
		{187200, "2d04h"},
		{3e8, "3472d05h"},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char text[HUMAN_TEXT_MAX];

		human_duration(table[i].seconds, text);
		cr_expect_str_eq(text, table[i].text);
	}
}

Test(human, bytes)
{
	static const struct {
		double bytes;
		const char *text;
	} table[] = {
		{0, "0 B"},	    {1023, "1023 B"},	      {1024, "1.00 KiB"},
		{1536, "1.50 KiB"}, {12345, "12.1 KiB"},      {1048576, "1.00 MiB"},
		{123e6, "117 MiB"}, {1073741824, "1.00 GiB"}, {1e13, "9.09 TiB"},
		{1e16, "9095 TiB"},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char text[HUMAN_TEXT_MAX];

		human_bytes(table[i].bytes, text);
		cr_expect_str_eq(text, table[i].text);
	}
}
