/* broker/console/screen.h: lines of a terminal, laid out and painted without flicker. Pure. */
#ifndef WSB_BROKER_CONSOLE_SCREEN_H
#define WSB_BROKER_CONSOLE_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include "common/strbuf.h"

#define SCREEN_ROWS_MAX 400

enum screen_style {
	SCREEN_PLAIN,
	SCREEN_TITLE, /* reversed */
	SCREEN_HEAD,  /* of a table */
	SCREEN_GOOD,
	SCREEN_WARNING,
	SCREEN_BAD,
	SCREEN_DIM,
	SCREEN_STYLES,
};

struct screen_line {
	struct strbuf text;
	enum screen_style style;
};

struct screen {
	bool colourless; /* only bold and inverse, as NO_COLOR asks for; false unless it is set */
	size_t rows;
	size_t columns;
	size_t used;
	struct screen_line lines[SCREEN_ROWS_MAX];
};

void screen_init(struct screen *screen);
void screen_fini(struct screen *screen);

/* Empties it; rows and columns are those of the terminal. */
void screen_begin(struct screen *screen, size_t rows, size_t columns);

/* The next line, cut where the terminal ends; one that has no place is left out. Whatever could
 * steer the terminal is escaped. */
void screen_add(struct screen *screen, enum screen_style style, const char *text);

/* How many lines still have a place. */
size_t screen_left(const struct screen *screen);

/* Appends what makes a terminal that shows `shown` show `screen`; shown: of the same size, NULL:
 * the terminal shows something else. */
void screen_paint(const struct screen *screen, const struct screen *shown, struct strbuf *out);

#endif
