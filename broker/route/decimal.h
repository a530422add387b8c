/* broker/route/decimal.h: a JSON number taken apart exactly, whatever its size: 1, 1.0 and 1e0 have
 * the same parts. */
#ifndef WSB_BROKER_ROUTE_DECIMAL_H
#define WSB_BROKER_ROUTE_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/span.h"
#include "common/strbuf.h"
#include "proto/codec.h"
#include "proto/number.h"

/* Digits without zeros at either end, and the power of ten behind them. Zero has none, no sign and
 * the power 0. */
struct decimal {
	bool negative;
	const char *digits; /* in the token, with a point among them */
	const char *end;
	int64_t exponent;
	size_t count; /* of digits */
};

/* A number token in either encoding; scratch is where one of MessagePack is written out, and must
 * live as long as *out. False: no number that anybody means (an exponent of more than 15 digits,
 * NaN, infinity). */
bool decimal_read(enum encoding encoding, struct span token, char scratch[NUMBER_TEXT_MAX],
		  struct decimal *out);

/* Appends the digits alone. */
void decimal_digits(const struct decimal *decimal, struct strbuf *out);

#define DECIMAL_PLAIN_MAX 40
/* Appends the number as people write it: 42, -0.5, 12345678901234567890123; beyond
 * DECIMAL_PLAIN_MAX digits as digits and a power of ten (15e-60). Equal numbers give equal texts.
 */
void decimal_text(const struct decimal *decimal, struct strbuf *out);

#endif
