/* broker/cache/tags.h: every tag there is, once; who carries it, and when it was invalidated.
 *
 * The method of an entry is a tag of its own, of which no list is kept: it has the count of its
 * carriers and its clocks. A tag that was invalidated is kept without carriers for as long as a
 * load may run that does not know its tags yet. */
#ifndef WSB_BROKER_CACHE_TAGS_H
#define WSB_BROKER_CACHE_TAGS_H

#include <stdbool.h>
#include <stdint.h>
#include "broker/cache/entry.h"
#include "broker/cache/index.h"
#include "common/span.h"

struct tag {
	uint64_t hard; /* the clock when it was last invalidated so */
	uint64_t soft;
	uint64_t softened_ms; /* when the first soft one came that not all carriers have met */
	uint64_t idle_ms;     /* since when nobody carries it */
	uint32_t head;	      /* the first carrier */
	uint32_t count;	      /* of carriers */
	uint32_t live;	      /* of those, stored after the last hard invalidation */
	uint32_t older;	      /* among those without carriers */
	uint32_t newer;
	uint32_t seen; /* the serial of the fill that named it last */
	uint16_t len;
	bool is_method;
	bool is_idle;
	char text[];
};

struct tags {
	struct index index;
	struct index *entries;
	struct budget *budget;
	uint64_t seed;
	uint64_t bytes;
	uint64_t idle_bytes; /* of those that nobody carries */
	uint32_t idle_count;
	uint32_t oldest_idle;
	uint32_t newest_idle;
	uint64_t all_hard; /* the clock when everything was last invalidated hard */
};

bool tags_init(struct tags *tags, struct index *entries, struct budget *budget, uint64_t most,
	       uint64_t seed);
void tags_fini(struct tags *tags);

static inline struct tag *tag_at(const struct tags *tags, uint32_t id)
{
	return index_item(&tags->index, id);
}

static inline struct span tag_text(const struct tag *tag)
{
	return span_of(tag->text, tag->len);
}

/* INDEX_NONE: there is none. */
uint32_t tags_find(const struct tags *tags, bool is_method, struct span text);
/* What a tag of so many bytes costs at most. */
size_t tags_cost(size_t len);
/* Finds or makes it; INDEX_NONE: no memory. text is at most UINT16_MAX long. */
uint32_t tags_intern(struct tags *tags, bool is_method, struct span text);

/* The tag's clock, brought up to that of everything. */
struct tag *tags_current(const struct tags *tags, uint32_t id);

/* The entry's links have their tags, in order, and its clock is set. */
void tags_link(struct tags *tags, uint32_t entry);
void tags_link_method(struct tags *tags, uint32_t tag);
/* Of an entry that leaves. Tags without carriers become idle. */
void tags_unlink(struct tags *tags, uint32_t entry, uint64_t now_ms);
void tags_unlink_method(struct tags *tags, uint32_t tag, const struct entry *entry,
			uint64_t now_ms);
/* The carrier behind entry on the list of the tag. */
uint32_t tags_next(const struct tags *tags, uint32_t tag, uint32_t entry);

/* Of one that was interned for an entry that was not stored in the end. */
void tags_release(struct tags *tags, uint32_t tag, uint64_t now_ms);
/* Notes since when nobody carries it, if nobody does; called too when it is invalidated then. */
void tags_idle(struct tags *tags, uint32_t tag, uint64_t now_ms);
/* Forgets an idle tag; returns its latest clock. */
uint64_t tags_forget(struct tags *tags, uint32_t tag);

#endif
