/* What the tests of the cache share: one cache, its time, and short ways to ask it. */
#ifndef WSB_TESTS_UNIT_CACHE_DESK_H
#define WSB_TESTS_UNIT_CACHE_DESK_H

#include "broker/cache/cache.h"

struct desk {
	struct cache *cache;
	uint64_t now_us;
};

/* 8 MiB without compression or jitter, at a time that is not 0. */
struct desk desk_open(void);
struct desk desk_open_with(struct cache_settings settings);
struct cache_settings desk_settings(void);
void desk_close(struct desk *desk);

/* A fill of "value" that lives for 10 s, and 5 s more stale, and 20 s in all where errors are.
 * tags: separated by blanks; key gets its '@'. What it points to is valid until the next call. */
struct cache_fill desk_fill(struct desk *desk, const char *key, const char *method,
			    const char *tags);
enum cache_verdict desk_store(struct desk *desk, const char *key, const char *method,
			      const char *tags);
struct cache_hit desk_look(struct desk *desk, const char *key);
enum cache_state desk_state(struct desk *desk, const char *key);

/* what: "tag …", "all-of …", "key …", "method …" or "all", soft when it begins with "soft ". */
size_t desk_invalidate(struct desk *desk, const char *what);

void desk_pass_ms(struct desk *desk, uint64_t ms);
/* Ticks of upkeep, 10 ms apart. */
void desk_upkeep(struct desk *desk, uint32_t ticks);
struct cache_stats desk_stats(struct desk *desk);

/* An answer of so many bytes, to the key "k" and the number. */
enum cache_verdict desk_store_bytes(struct desk *desk, uint64_t number, size_t len,
				    const char *bytes);
/* A large one finds room after a few ticks, where many small ones have to leave for it. */
bool desk_store_in_the_end(struct desk *desk, uint64_t number, size_t len, const char *bytes);

#endif
