#include "proto/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Longer ones than this are nobody's double: the exact value of the smallest has 751 digits. */
#define REAL_TOKEN_MAX 1024

static bool is_integer(struct span token)
{
	for (size_t i = 0; i < token.len; i++) {
		if (token.at[i] == '.' || (token.at[i] | 0x20) == 'e')
			return false;
	}
	return !(token.len == 2 && token.at[0] == '-' && token.at[1] == '0');
}

static bool integer_read(struct span token, struct number *out)
{
	const bool negative = token.at[0] == '-';
	uint64_t value = 0;

	for (size_t i = negative; i < token.len; i++) {
		if (__builtin_mul_overflow(value, 10U, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(token.at[i] - '0'), &value))
			return false;
	}
	if (!negative) {
		*out = number_of_uint(value);
		return true;
	}
	if (value > (uint64_t)INT64_MAX + 1)
		return false;
	*out = (struct number){.kind = NUMBER_INT, .signed_value = (int64_t)-value};
	return true;
}

/* The significant digits of a number's text, up to its exponent, without zeros at either end. */
static size_t significant(const char *text, char digits[REAL_TOKEN_MAX])
{
	size_t count = 0;

	for (; *text != '\0' && (*text | 0x20) != 'e'; text++) {
		if (*text >= '0' && *text <= '9' && (count > 0 || *text != '0'))
			digits[count++] = *text;
	}
	while (count > 0 && digits[count - 1] == '0')
		count--;
	return count;
}

static bool real_read(struct span token, struct number *out)
{
	char text[REAL_TOKEN_MAX], printed[REAL_TOKEN_MAX + 16];
	char asked[REAL_TOKEN_MAX], held[REAL_TOKEN_MAX + 16];
	size_t count;
	double real;

	if (token.len >= sizeof(text))
		return false;
	memcpy(text, token.at, token.len);
	text[token.len] = '\0';
	real = strtod(text, NULL);
	if (!isfinite(real))
		return false;
	count = significant(text, asked);
	if (count > 0) {
		snprintf(printed, sizeof(printed), "%.*e", (int)count - 1, real);
		if (significant(printed, held) != count || memcmp(asked, held, count) != 0)
			return false;
	}
	*out = (struct number){.kind = NUMBER_REAL, .real = real};
	return true;
}

bool number_read(struct span token, struct number *out)
{
	return is_integer(token) ? integer_read(token, out) : real_read(token, out);
}

struct number number_of_uint(uint64_t value)
{
	if (value > INT64_MAX)
		return (struct number){.kind = NUMBER_UINT, .unsigned_value = value};
	return (struct number){.kind = NUMBER_INT, .signed_value = (int64_t)value};
}

static bool real_equal(double real, const struct number *integer)
{
	if (real != trunc(real))
		return false;
	/* The bounds are powers of two, which doubles hold; inside them the casts are exact. */
	if (integer->kind == NUMBER_INT)
		return real >= -0x1p63 && real < 0x1p63 && (int64_t)real == integer->signed_value;
	return real >= 0x1p63 && real < 0x1p64 && (uint64_t)real == integer->unsigned_value;
}

bool number_equal(const struct number *a, const struct number *b)
{
	if (a->kind != b->kind) {
		if (a->kind == NUMBER_REAL)
			return real_equal(a->real, b);
		return b->kind == NUMBER_REAL && real_equal(b->real, a);
	}
	switch (a->kind) {
	case NUMBER_INT:
		return a->signed_value == b->signed_value;
	case NUMBER_UINT:
		return a->unsigned_value == b->unsigned_value;
	default:
		return a->real == b->real;
	}
}

#define NORMAL_MIN 0x1p-1022 /* below it doubles have fewer digits */

static size_t real_write(double real, char out[NUMBER_TEXT_MAX])
{
	/* Every decimal of up to 15 digits survives a double and comes out of it with its zeros
	 * trimmed, so that there is the place to begin; only subnormal ones may need fewer. */
	int digits = fabs(real) < NORMAL_MIN ? 1 : 15;
	int len = 0;

	for (; digits <= 17; digits++) {
		len = snprintf(out, NUMBER_TEXT_MAX, "%.*g", digits, real);
		if (strtod(out, NULL) == real)
			break;
	}
	if (!strpbrk(out, ".e"))
		len += snprintf(out + len, NUMBER_TEXT_MAX - (size_t)len, ".0");
	return (size_t)len;
}

static size_t decimal_len(uint64_t value)
{
	size_t len = 1;

	for (; value >= 10000; value /= 10000)
		len += 4;
	return len + (value >= 10) + (value >= 100) + (value >= 1000);
}

/* Two digits at a time: each division waits for the one before. */
size_t number_write_decimal(uint64_t value, char out[NUMBER_DECIMAL_MAX])
{
	static const char pairs[] = "00010203040506070809"
				    "10111213141516171819"
				    "20212223242526272829"
				    "30313233343536373839"
				    "40414243444546474849"
				    "50515253545556575859"
				    "60616263646566676869"
				    "70717273747576777879"
				    "80818283848586878889"
				    "90919293949596979899";
	const size_t len = decimal_len(value);
	char *at = out + len;

	for (; value >= 100; value /= 100) {
		at -= 2;
		memcpy(at, pairs + 2 * (value % 100), 2);
	}
	if (value >= 10)
		memcpy(out, pairs + 2 * value, 2);
	else
		*out = (char)('0' + value);
	return len;
}

static size_t int_write(int64_t value, char out[NUMBER_TEXT_MAX])
{
	if (value >= 0)
		return number_write_decimal((uint64_t)value, out);
	out[0] = '-';
	return 1 + number_write_decimal(-(uint64_t)value, out + 1);
}

size_t number_write(const struct number *number, char out[NUMBER_TEXT_MAX])
{
	switch (number->kind) {
	case NUMBER_INT:
		return int_write(number->signed_value, out);
	case NUMBER_UINT:
		return number_write_decimal(number->unsigned_value, out);
	default:
		return real_write(number->real, out);
	}
}
