/* broker/io/http_text.h: the grammar that heads of HTTP/1.1 share (RFC 9110, section 5.6). */
#ifndef WSB_BROKER_IO_HTTP_TEXT_H
#define WSB_BROKER_IO_HTTP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include "common/span.h"

/* The head at the front of text, the blank line included; 0: it is not whole yet. *seen, 0 at
 * first, is kept between calls with more and more of the same text, so that none is searched twice.
 */
size_t http_head_len(struct span text, size_t *seen);

/* Takes the first line off *text, its end included; everything when it has none. */
struct span http_take_line(struct span *text);

/* A header line cut into name and value. False: it is none. */
bool http_split_header(struct span line, struct span *name, struct span *value);

bool http_is_token(struct span text);

bool http_equals(struct span text, const char *word); /* whatever the case */

/* Whether a comma-separated list holds the word, whatever the case. */
bool http_lists(struct span list, const char *word);

#endif
