/* common/span.h: a borrowed run of bytes, not terminated and not owned. */
#ifndef WSB_COMMON_SPAN_H
#define WSB_COMMON_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* at is NULL when the span stands for "absent"; an empty one has at set and len 0. */
struct span {
	const char *at;
	size_t len;
};

static inline struct span span_of(const char *at, size_t len)
{
	return (struct span){.at = at, .len = len};
}

/* text is borrowed and must be terminated; NULL gives the absent span. */
static inline struct span span_text(const char *text)
{
	return (struct span){.at = text, .len = text ? strlen(text) : 0};
}

static inline bool span_equal(struct span a, struct span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static inline bool span_is(struct span a, const char *text)
{
	return span_equal(a, span_text(text));
}

static inline bool span_begins(struct span a, const char *prefix)
{
	size_t len = strlen(prefix);

	return a.len >= len && memcmp(a.at, prefix, len) == 0;
}

#endif
