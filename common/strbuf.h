/* common/strbuf.h: text built piece by piece, off the hot path.
 * Once memory runs out the buffer stays failed and every further call does nothing,
 * so that a builder checks once, at the end. */
#ifndef WSB_COMMON_STRBUF_H
#define WSB_COMMON_STRBUF_H

#include <stdbool.h>
#include <stddef.h>
#include "common/span.h"

struct strbuf {
	char *text; /* terminated whenever not NULL */
	size_t len;
	size_t capacity;
	bool failed;
};

void strbuf_init(struct strbuf *buf); /* allocates nothing */
void strbuf_fini(struct strbuf *buf);
void strbuf_clear(struct strbuf *buf); /* keeps the memory; ends a failure */

void strbuf_add(struct strbuf *buf, struct span bytes);
void strbuf_text(struct strbuf *buf, const char *text);
void strbuf_printf(struct strbuf *buf, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* A JSON string token, quotes included; bytes that are not UTF-8 become U+FFFD. */
void strbuf_json(struct strbuf *buf, struct span text);
/* The text for people to see: what could steer a terminal or end the line is escaped, quotes and
 * backslashes stay. */
void strbuf_plain(struct strbuf *buf, struct span text);

struct span strbuf_span(const struct strbuf *buf); /* empty, never absent */

#endif
