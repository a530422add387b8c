/* common/query.h: names and values in a URL's query, and names in its path. */
#ifndef WSB_COMMON_QUERY_H
#define WSB_COMMON_QUERY_H

#include <stddef.h>
#include "common/span.h"

/* text with its percent escapes resolved, in room. A plus stays one. Absent: longer than size. */
struct span query_decode(struct span text, char *room, size_t size);

/* The decoded value of the first parameter of this name, in room. Absent: there is none, or it is
 * longer than size. query: without the question mark; may be absent. */
struct span query_value(struct span query, const char *name, char *room, size_t size);

/* Takes the next parameter off *query: its name and value as written. False: none is left. */
bool query_next(struct span *query, struct span *name, struct span *value);

#endif
