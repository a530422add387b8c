/* proto/number.h: numbers between text, 64-bit integers and doubles, exactly or not at all. */
#ifndef WSB_PROTO_NUMBER_H
#define WSB_PROTO_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/span.h"

struct number {
	enum number_kind {
		NUMBER_INT,
		NUMBER_UINT, /* above INT64_MAX only */
		NUMBER_REAL, /* finite */
	} kind;
	union {
		int64_t signed_value;
		uint64_t unsigned_value;
		double real;
	};
};

/* Reads a validated JSON number. One without fraction and exponent is an integer (but -0 a real);
 * any other must be what the nearest double is when printed with as many digits. False: neither
 * 64-bit integers nor doubles hold it. */
bool number_read(struct span token, struct number *out);

struct number number_of_uint(uint64_t value);

/* By value: 1 and 1.0 are equal. */
bool number_equal(const struct number *a, const struct number *b);

#define NUMBER_TEXT_MAX 40
/* Writes the shortest JSON number that reads back as this (a real one keeps a fraction or an
 * exponent); returns its length. */
size_t number_write(const struct number *number, char out[NUMBER_TEXT_MAX]);

#define NUMBER_DECIMAL_MAX 20
/* Plain digits; returns how many. */
size_t number_write_decimal(uint64_t value, char out[NUMBER_DECIMAL_MAX]);

#endif
