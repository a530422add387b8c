#include "common/units.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

struct unit {
	const char *name;
	uint64_t scale;
};

static const struct unit durations[] = {
	{"us", 1},
	{"ms", 1000},
	{"s", 1000000},
	{"m", UINT64_C(60) * 1000000},
	{"h", UINT64_C(3600) * 1000000},
	{"d", UINT64_C(86400) * 1000000},
};

static const struct unit sizes[] = {
	{"", 1},
	{"B", 1},
	{"KiB", UINT64_C(1) << 10},
	{"MiB", UINT64_C(1) << 20},
	{"GiB", UINT64_C(1) << 30},
	{"TiB", UINT64_C(1) << 40},
};

#define DURATIONS	(sizeof(durations) / sizeof(durations[0]))
#define SIZES		(sizeof(sizes) / sizeof(sizes[0]))
#define DURATION_TOP	(UINT64_C(36525) * 864 * 100000000) /* a hundred years */
#define BYTES_TOP	(UINT64_C(1) << 62)
#define FRACTION_DIGITS 9

/* A decimal number, cut in two so that no rounding is needed. */
struct decimal {
	uint64_t whole;
	uint64_t fraction; /* of power */
	uint64_t power;	   /* 10 to the number of digits of the fraction */
	bool overflow;
};

static bool is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

/* Takes a number off the front of *text. */
static bool decimal_read(struct span *text, struct decimal *out)
{
	size_t at = 0, digits = 0;

	*out = (struct decimal){.power = 1};
	for (; at < text->len && is_digit(text->at[at]); at++) {
		if (__builtin_mul_overflow(out->whole, 10U, &out->whole) ||
		    __builtin_add_overflow(out->whole, (uint64_t)(text->at[at] - '0'), &out->whole))
			out->overflow = true;
	}
	if (at == 0)
		return false;
	if (at < text->len && text->at[at] == '.') {
		for (at++; at < text->len && is_digit(text->at[at]); at++, digits++) {
			if (digits == FRACTION_DIGITS)
				return false;
			out->fraction = out->fraction * 10 + (uint64_t)(text->at[at] - '0');
			out->power *= 10;
		}
		if (digits == 0)
			return false;
	}
	*text = span_of(text->at + at, text->len - at);
	return true;
}

static const struct unit *unit_find(const struct unit *units, size_t count, struct span name)
{
	for (size_t i = 0; i < count; i++) {
		if (span_is(name, units[i].name))
			return &units[i];
	}
	return NULL;
}

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
	while (b != 0) {
		const uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

static enum wsb_err scaled(const struct decimal *number, const struct unit *unit, uint64_t top,
			   uint64_t *out)
{
	/* Without common factors the fraction alone must hold what is divided by. */
	const uint64_t divisor = common_divisor(unit->scale, number->power);
	const uint64_t power = number->power / divisor;
	uint64_t whole, part;

	if (number->fraction % power != 0)
		return WSB_EINVAL;
	part = number->fraction / power * (unit->scale / divisor);
	if (number->overflow || __builtin_mul_overflow(number->whole, unit->scale, &whole) ||
	    whole > top || whole + part > top)
		return WSB_ELIMIT;
	*out = whole + part;
	return WSB_OK;
}

enum wsb_err units_duration_us(struct span text, uint64_t *out)
{
	const struct unit *unit;
	struct decimal number;

	if (!decimal_read(&text, &number))
		return WSB_EINVAL;
	unit = unit_find(durations, DURATIONS, text);
	if (text.len == 0 && number.whole == 0 && number.power == 1)
		unit = &durations[0];
	return unit ? scaled(&number, unit, DURATION_TOP, out) : WSB_EINVAL;
}

enum wsb_err units_bytes(struct span text, uint64_t *out)
{
	const struct unit *unit;
	struct decimal number;

	if (!decimal_read(&text, &number))
		return WSB_EINVAL;
	unit = unit_find(sizes, SIZES, text);
	return unit ? scaled(&number, unit, BYTES_TOP, out) : WSB_EINVAL;
}

/* The value in this unit, exactly; 0 when that takes too many digits. */
static int in_unit(uint64_t value, const struct unit *unit, char text[UNITS_TEXT_MAX])
{
	uint64_t rest = value % unit->scale;
	int len = snprintf(text, UNITS_TEXT_MAX, "%" PRIu64, value / unit->scale);

	if (rest != 0)
		text[len++] = '.';
	for (int digits = 0; rest != 0; digits++) {
		/* Scales are far below 2^60. */
		rest *= 10;
		if (digits == FRACTION_DIGITS)
			return 0;
		text[len++] = (char)('0' + rest / unit->scale);
		rest %= unit->scale;
	}
	return len + snprintf(text + len, UNITS_TEXT_MAX - (size_t)len, "%s", unit->name);
}

static void shortest(uint64_t value, const struct unit *units, size_t count,
		     char text[UNITS_TEXT_MAX])
{
	int best = UNITS_TEXT_MAX;
	bool best_whole = false;

	for (size_t i = 0; i < count; i++) {
		const bool whole = value % units[i].scale == 0;
		char candidate[UNITS_TEXT_MAX];
		const int len = in_unit(value, &units[i], candidate);

		/* Of two that are equally short the one without a fraction reads better, and then
		 * the one in the larger unit. */
		if (len == 0 || len > best || (len == best && best_whole && !whole))
			continue;
		best = len;
		best_whole = whole;
		memcpy(text, candidate, (size_t)len + 1);
	}
}

void units_duration_text(uint64_t us, char text[UNITS_TEXT_MAX])
{
	if (us == 0)
		memcpy(text, "0", 2);
	else
		shortest(us, durations, DURATIONS, text);
}

void units_bytes_text(uint64_t bytes, char text[UNITS_TEXT_MAX])
{
	if (bytes == 0)
		memcpy(text, "0", 2);
	else
		shortest(bytes, sizes, SIZES, text);
}
