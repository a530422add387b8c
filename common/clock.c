#include "common/clock.h"

#include <stdbool.h>
#include <time.h>

static uint64_t read_us(clockid_t id)
{
	struct timespec now = {0};

	/* Neither clock can fail on Linux with a valid pointer. */
	(void)clock_gettime(id, &now);
	return (uint64_t)now.tv_sec * US_PER_S + (uint64_t)now.tv_nsec / 1000;
}

uint64_t clock_monotonic_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}

uint64_t clock_wall_us(void)
{
	return read_us(CLOCK_REALTIME);
}

/* The last moment that RFC 3339 has a text for. */
#define LATEST_US ((UINT64_C(253402300800) * US_PER_S) - 1)

/* Writes count digits and what follows them; returns the place behind. */
static char *put_number(char *at, size_t count, uint64_t value, char behind)
{
	for (size_t i = count; i-- > 0; value /= 10)
		at[i] = (char)('0' + value % 10);
	at[count] = behind;
	return at + count + 1;
}

/* The inverse of days_of below, in the same calendar: an era is 400 years, which repeat. */
static char *put_date(char *at, uint64_t days)
{
	const uint64_t from_march = days + 719468;
	const uint64_t era = from_march / 146097;
	const uint64_t day_of_era = from_march % 146097;
	const uint64_t year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	const uint64_t day = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	const uint64_t month = (5 * day + 2) / 153;

	at = put_number(at, 4, era * 400 + year_of_era + (month >= 10), '-');
	at = put_number(at, 2, month < 10 ? month + 3 : month - 9, '-');
	return put_number(at, 2, day - (153 * month + 2) / 5 + 1, 'T');
}

void clock_text(uint64_t wall_us, char text[CLOCK_TEXT_MAX])
{
	const uint64_t us = wall_us < LATEST_US ? wall_us : LATEST_US;
	const uint64_t second = us / US_PER_S;
	char *at = put_date(text, second / 86400);

	at = put_number(at, 2, second / 3600 % 24, ':');
	at = put_number(at, 2, second / 60 % 60, ':');
	at = put_number(at, 2, second % 60, '.');
	at = put_number(at, 3, us / US_PER_MS % 1000, 'Z');
	*at = '\0';
}

/* Takes count digits off *text. False: there are fewer, or the value is out of range. */
static bool take_number(struct span *text, size_t count, unsigned int min, unsigned int max,
			unsigned int *out)
{
	unsigned int value = 0;

	if (text->len < count)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (text->at[i] < '0' || text->at[i] > '9')
			return false;
		value = value * 10 + (unsigned int)(text->at[i] - '0');
	}
	*text = span_of(text->at + count, text->len - count);
	*out = value;
	return value >= min && value <= max;
}

static bool take_char(struct span *text, char upper)
{
	bool letter = upper >= 'A' && upper <= 'Z';

	if (text->len == 0 || (text->at[0] != upper && (!letter || text->at[0] != (upper | 0x20))))
		return false;
	*text = span_of(text->at + 1, text->len - 1);
	return true;
}

/* Digits beyond the sixth say nothing. */
static bool take_fraction(struct span *text, uint64_t *us)
{
	uint64_t unit = US_PER_S / 10;
	size_t count = 0;

	while (count < text->len && text->at[count] >= '0' && text->at[count] <= '9') {
		*us += (uint64_t)(text->at[count] - '0') * unit;
		unit /= 10;
		count++;
	}
	*text = span_of(text->at + count, text->len - count);
	return count > 0;
}

static bool take_offset(struct span *text, int64_t *seconds)
{
	int64_t sign = 1;
	unsigned int hours;
	unsigned int minutes;

	*seconds = 0;
	if (take_char(text, 'Z'))
		return true;
	if (text->len > 0 && text->at[0] == '-')
		sign = -1;
	else if (text->len == 0 || text->at[0] != '+')
		return false;
	*text = span_of(text->at + 1, text->len - 1);
	if (!take_number(text, 2, 0, 23, &hours) || !take_char(text, ':') ||
	    !take_number(text, 2, 0, 59, &minutes))
		return false;
	*seconds = sign * (int64_t)(hours * 3600 + minutes * 60);
	return true;
}

/* Days since 1970-01-01 in the Gregorian calendar; the year is counted from March, so that the leap
 * day is its last. */
static int64_t days_of(unsigned int year, unsigned int month, unsigned int day)
{
	int64_t y = month <= 2 ? (int64_t)year - 1 : (int64_t)year;
	int64_t from_march = month <= 2 ? month + 9 : month - 3;

	return y * 365 + y / 4 - y / 100 + y / 400 + (153 * from_march + 2) / 5 + (int64_t)day - 1 -
	       719468;
}

static unsigned int days_in(unsigned int year, unsigned int month)
{
	static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
}

static bool take_date(struct span *text, int64_t *days)
{
	unsigned int year;
	unsigned int month;
	unsigned int day;

	if (!take_number(text, 4, 1970, 9999, &year) || !take_char(text, '-') ||
	    !take_number(text, 2, 1, 12, &month) || !take_char(text, '-') ||
	    !take_number(text, 2, 1, days_in(year, month), &day))
		return false;
	*days = days_of(year, month, day);
	return true;
}

enum wsb_err clock_read(struct span text, uint64_t *wall_us)
{
	unsigned int hour;
	unsigned int minute;
	unsigned int second;
	uint64_t fraction_us = 0;
	int64_t days;
	int64_t offset;
	int64_t total;

	if (!take_date(&text, &days) || !take_char(&text, 'T') ||
	    !take_number(&text, 2, 0, 23, &hour) || !take_char(&text, ':') ||
	    !take_number(&text, 2, 0, 59, &minute) || !take_char(&text, ':') ||
	    !take_number(&text, 2, 0, 60, &second))
		return WSB_EINVAL;
	if (take_char(&text, '.') && !take_fraction(&text, &fraction_us))
		return WSB_EINVAL;
	if (!take_offset(&text, &offset) || text.len > 0)
		return WSB_EINVAL;
	total = days * 86400 + (int64_t)(hour * 3600 + minute * 60 + second) - offset;
	if (total < 0)
		return WSB_EINVAL;
	*wall_us = (uint64_t)total * US_PER_S + fraction_us;
	return WSB_OK;
}
