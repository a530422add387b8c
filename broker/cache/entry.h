/* broker/cache/entry.h: how one cached answer lies in memory: a head of 40 bytes, its links to
 * tags, and the rest written as short as it is (lengths in 7-bit groups, key, payload, and the same
 * in the other encoding once somebody has asked for it), in one piece. */
#ifndef WSB_BROKER_CACHE_ENTRY_H
#define WSB_BROKER_CACHE_ENTRY_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "broker/cache/index.h"
#include "common/span.h"

/* A place on the list of a tag. Links of one entry are in the order of their tags' ids, so that a
 * neighbour on the list is found within an entry without a number of its own. */
struct tag_link {
	uint32_t tag;
	uint32_t prev; /* entries */
	uint32_t next;
};

struct entry {
	uint64_t clock : 48; /* everything invalidated up to then has been held against it */
	uint64_t ttl : 16;   /* packed, of milliseconds */
	uint64_t loaded_ms : 40;
	uint64_t tag_count : 11;
	uint64_t is_msgpack : 1; /* the first form, which the upstream has sent */
	uint64_t has_other : 1;
	uint64_t is_soft : 1;	    /* was invalidated soft */
	uint64_t is_prefetched : 1; /* and not used so far */
	uint64_t is_idle : 1;	    /* its ttl has passed */
	uint64_t weight : 2;	    /* the priority is 1 << weight */
	uint64_t credit : 6;	    /* the policy's */
	uint32_t place[2];	    /* the policy's */
	uint32_t timer_prev;
	uint32_t timer_next;
	uint16_t swr; /* packed, of milliseconds */
	uint16_t sie;
	uint16_t cost; /* packed, of microseconds */
	uint16_t uses : 14;
	uint16_t is_dead : 1; /* was invalidated hard; it only waits to be freed */
	uint16_t side : 1;    /* which of the cache's policies has it */
	struct tag_link links[];
};

#define ENTRY_USES_MAX 16383

static_assert(sizeof(struct entry) == 40, "an entry has a head of 40 bytes");

/* The payload in one encoding. */
struct entry_form {
	struct span stored; /* as it is kept; absent: there is no such form */
	uint64_t plain_len; /* as it is served; more than that: it is kept compressed */
	uint64_t id_at;	    /* UINT32_MAX: nowhere */
};

static inline bool form_is_compressed(const struct entry_form *form)
{
	return form->plain_len != form->stored.len;
}

/* What stands behind the links. */
struct entry_tail {
	struct span key;
	struct entry_form own;	 /* in the encoding that it came in */
	struct entry_form other; /* in the other one */
	uint32_t method;	 /* id of its tag; INDEX_NONE: none */
};

static inline bool tail_is_compressed(const struct entry_tail *tail)
{
	return form_is_compressed(&tail->own) || form_is_compressed(&tail->other);
}

/* How many bytes an entry takes; of tail only the lengths count. */
size_t entry_size(size_t tag_count, const struct entry_tail *tail);
/* Copies all of it; entry->has_other says whether the other form is there. */
void entry_write_tail(struct entry *entry, const struct entry_tail *tail);
void entry_read_tail(const struct entry *entry, struct entry_tail *tail);

/* A number in 16 bits: exact up to 4095, above to the nearest 1/2048 below. */
uint16_t number_pack(uint64_t number);

static inline uint64_t number_unpack(uint16_t packed)
{
	uint32_t exponent = packed >> 11;

	return exponent == 0 ? packed : (uint64_t)(2048 + (packed & 2047)) << (exponent - 1);
}

/* A clock as an entry keeps it. */
#define ENTRY_CLOCK(clock) ((clock) & ((UINT64_C(1) << 48) - 1))

static inline uint64_t entry_expiry_ms(const struct entry *entry)
{
	return entry->loaded_ms + number_unpack(entry->ttl);
}

/* From then on nobody may be served it. */
uint64_t entry_end_ms(const struct entry *entry);
/* When it will next be worth less: at the end of its ttl, of the time it may be served stale, or of
 * all; the first of them behind now_ms, else the last. */
uint64_t entry_next_ms(const struct entry *entry, uint64_t now_ms);

static inline struct entry *entry_at(const struct index *entries, uint32_t id)
{
	return index_item(entries, id);
}

#endif
