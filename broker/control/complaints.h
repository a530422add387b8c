/* broker/control/complaints.h: what is wrong with a configuration: all of it, in the order of the
 * file. */
#ifndef WSB_BROKER_CONTROL_COMPLAINTS_H
#define WSB_BROKER_CONTROL_COMPLAINTS_H

#include <stdbool.h>
#include <stddef.h>
#include "broker/control/arena.h"
#include "common/strbuf.h"

/* A hostile file may hold a million mistakes; nobody reads more than these. */
#define COMPLAINTS_MAX 100

/* Counted from 1. line 0: nowhere in a file. */
struct place {
	size_t line;
	size_t column;
};

struct complaint {
	struct place place;
	size_t order; /* keeps the complaints of one place as they came */
	const char *text;
};

struct complaints {
	struct arena *arena; /* borrowed; the texts live there */
	size_t count;	     /* also of those beyond the maximum */
	struct complaint list[COMPLAINTS_MAX];
};

void complaints_init(struct complaints *complaints, struct arena *arena);

/* One sentence without its place and without a newline; values from outside must be escaped. */
void complain(struct complaints *complaints, struct place place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Appends one line each, sorted by place: "FILE:LINE:COL: text", or the text alone where there is
 * no place. */
void complaints_write(struct complaints *complaints, const char *file, struct strbuf *out);

/* Whether one of them lies between two places, the first included. */
bool complaints_within(const struct complaints *complaints, struct place from, struct place to);

/* Appends "text" as an error may show it: quoted, escaped, and cut after about 40 bytes. */
void complaints_quote(struct strbuf *out, struct span text);

#endif
