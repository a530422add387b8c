/* common/map.h: a table from short byte strings to pointers, off the hot path.
 * Open addressing, SipHash-free: keys come from the configuration or are hashed with a seed. */
#ifndef WSB_COMMON_MAP_H
#define WSB_COMMON_MAP_H

#include <stddef.h>
#include <stdint.h>
#include "common/err.h"
#include "common/span.h"

struct map;

/* seed makes collisions unpredictable to strangers. */
enum wsb_err map_create(struct map **out, uint64_t seed) WSB_CHECKED;
void map_destroy(struct map *map); /* NULL is allowed; values are the caller's */

/* Copies the key. WSB_EEXIST leaves the old value; WSB_ENOMEM. value must not be NULL. */
enum wsb_err map_put(struct map *map, struct span key, void *value) WSB_CHECKED;
void *map_get(const struct map *map, struct span key); /* NULL when absent */
void *map_remove(struct map *map, struct span key);    /* the value it had, or NULL */
size_t map_count(const struct map *map);

/* FNV-1a over the bytes, started from seed and finished with a mixer. */
uint64_t hash_bytes(struct span bytes, uint64_t seed);

#endif
