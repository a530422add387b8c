#include "broker/console/human.h"

#include <stdio.h>

/* As many decimals as make three digits. */
static int decimals(double value)
{
	if (value < 10)
		return 2;
	return value < 100 ? 1 : 0;
}

static void pair(char text[HUMAN_TEXT_MAX], double seconds, double large, const char *unit,
		 double small, const char *small_unit)
{
	double count = (double)(unsigned long)(seconds / large);

	snprintf(text, HUMAN_TEXT_MAX, "%.0f%s%02lu%s", count, unit,
		 (unsigned long)((seconds - count * large) / small), small_unit);
}

void human_duration(double seconds, char text[HUMAN_TEXT_MAX])
{
	double us = seconds * 1e6;

	if (seconds < 0)
		snprintf(text, HUMAN_TEXT_MAX, "-");
	else if (us < 0.5)
		snprintf(text, HUMAN_TEXT_MAX, "0 s");
	else if (us < 999.5)
		snprintf(text, HUMAN_TEXT_MAX, "%.0f us", us);
	else if (us < 999.5e3)
		snprintf(text, HUMAN_TEXT_MAX, "%.*f ms", decimals(us / 1e3), us / 1e3);
	else if (seconds < 99.95)
		snprintf(text, HUMAN_TEXT_MAX, "%.*f s", decimals(seconds), seconds);
	else if (seconds < 3600)
		pair(text, seconds, 60, "m", 1, "s");
	else if (seconds < 86400)
		pair(text, seconds, 3600, "h", 60, "m");
	else
		pair(text, seconds, 86400, "d", 3600, "h");
}

void human_bytes(double bytes, char text[HUMAN_TEXT_MAX])
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
	size_t unit = 0;

	if (bytes < 1024) {
		snprintf(text, HUMAN_TEXT_MAX, "%.0f B", bytes);
		return;
	}
	for (bytes /= 1024; bytes >= 1024 && unit < 3; bytes /= 1024)
		unit++;
	snprintf(text, HUMAN_TEXT_MAX, "%.*f %s", decimals(bytes), bytes, units[unit]);
}
