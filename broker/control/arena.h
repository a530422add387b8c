/* broker/control/arena.h: memory that is given back all at once.
 * Once memory runs out the arena stays failed and every further call returns NULL, so that whoever
 * builds a large thing in it asks once, at the end. */
#ifndef WSB_BROKER_CONTROL_ARENA_H
#define WSB_BROKER_CONTROL_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include "common/err.h"
#include "common/span.h"

struct arena;

/* WSB_ENOMEM leaves *out NULL. */
enum wsb_err arena_create(struct arena **out) WSB_CHECKED;
void arena_destroy(struct arena *arena); /* NULL is allowed */

/* count x size zeroed bytes, aligned for any type; valid until arena_destroy. NULL: no memory. */
void *arena_alloc(struct arena *arena, size_t count, size_t size);

/* A terminated copy of text (which must not hold a NUL byte to be read as a string). */
char *arena_text(struct arena *arena, struct span text);

/* Calls release(thing) when the arena is destroyed, latest first; at once when that cannot be
 * noted, and then returns false. thing may be NULL: nothing is noted. */
bool arena_defer(struct arena *arena, void (*release)(void *thing), void *thing);

/* Memory ran out for something that is built elsewhere and belongs to it. */
void arena_fail(struct arena *arena);

bool arena_failed(const struct arena *arena);

#endif
