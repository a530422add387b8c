#include "broker/route/decimal.h"

#include <inttypes.h>
#include <string.h>
#include "proto/token.h"

/* Exponents beyond this many digits belong to no number that anybody means. */
#define EXPONENT_DIGITS_MAX 15

static bool exponent_read(const char *at, const char *end, int64_t *exponent)
{
	bool negative = at != end && *at == '-';
	int64_t value = 0;
	size_t digits = 0;

	if (at != end && (*at == '-' || *at == '+'))
		at++;
	for (; at != end; at++) {
		if (value > 0 || *at != '0')
			digits++;
		if (digits > EXPONENT_DIGITS_MAX)
			return false;
		value = value * 10 + (*at - '0');
	}
	*exponent = negative ? -value : value;
	return true;
}

/* Digits are kept as they stand; what their zeros are worth goes into the exponent. */
static bool split(struct span token, struct decimal *out)
{
	const char *at = token.at, *end = token.at + token.len;
	bool fraction = false;

	*out = (struct decimal){.negative = token.len > 0 && *at == '-'};
	at += out->negative;
	for (const char *e = at; e != end; e++) {
		if ((*e | 0x20) != 'e')
			continue;
		if (!exponent_read(e + 1, end, &out->exponent))
			return false;
		end = e;
		break;
	}
	while (at != end && (*at == '0' || *at == '.')) {
		fraction |= *at == '.';
		out->exponent -= fraction && *at == '0';
		at++;
	}
	out->digits = at;
	for (const char *digit = at; digit != end; digit++) {
		if (*digit == '.') {
			fraction = true;
			continue;
		}
		out->exponent -= fraction;
		out->count++;
	}
	while (end != at && (end[-1] == '0' || end[-1] == '.')) {
		out->exponent += end[-1] == '0';
		out->count -= end[-1] == '0';
		end--;
	}
	out->end = end;
	return true;
}

bool decimal_read(enum encoding encoding, struct span token, char scratch[NUMBER_TEXT_MAX],
		  struct decimal *out)
{
	if (encoding != ENCODING_JSON) {
		struct number number;

		if (!token_number(encoding, token, &number))
			return false;
		token = span_of(scratch, number_write(&number, scratch));
	}
	if (!split(token, out))
		return false;
	if (out->count == 0) {
		out->negative = false;
		out->exponent = 0;
	}
	return true;
}

void decimal_digits(const struct decimal *decimal, struct strbuf *out)
{
	for (const char *at = decimal->digits; at < decimal->end;) {
		const char *point = memchr(at, '.', (size_t)(decimal->end - at));
		const char *stop = point ? point : decimal->end;

		strbuf_add(out, span_of(at, (size_t)(stop - at)));
		at = point ? point + 1 : decimal->end;
	}
}

static void add_zeros(struct strbuf *out, int64_t count)
{
	for (; count > 0; count--)
		strbuf_text(out, "0");
}

/* point: where it belongs, counted in digits from the first one. */
static void add_fraction(const struct decimal *decimal, int64_t point, struct strbuf *out)
{
	size_t at;

	if (point <= 0) {
		strbuf_text(out, "0.");
		add_zeros(out, -point);
		decimal_digits(decimal, out);
		return;
	}
	at = out->len + (size_t)point;
	decimal_digits(decimal, out);
	strbuf_text(out, ".");
	if (out->failed)
		return;
	memmove(out->text + at + 1, out->text + at, out->len - at - 1);
	out->text[at] = '.';
}

void decimal_text(const struct decimal *decimal, struct strbuf *out)
{
	int64_t point = (int64_t)decimal->count + decimal->exponent;

	if (decimal->negative)
		strbuf_text(out, "-");
	if (decimal->count == 0) {
		strbuf_text(out, "0");
	} else if (decimal->exponent >= 0 && point <= DECIMAL_PLAIN_MAX) {
		decimal_digits(decimal, out);
		add_zeros(out, decimal->exponent);
	} else if (decimal->exponent < 0 && decimal->exponent >= -DECIMAL_PLAIN_MAX &&
		   point <= DECIMAL_PLAIN_MAX) {
		add_fraction(decimal, point, out);
	} else {
		decimal_digits(decimal, out);
		if (decimal->exponent != 0)
			strbuf_printf(out, "e%" PRId64, decimal->exponent);
	}
}
