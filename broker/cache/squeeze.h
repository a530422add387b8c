/* broker/cache/squeeze.h: zstd for payloads, with one buffer that is used again and again. */
#ifndef WSB_BROKER_CACHE_SQUEEZE_H
#define WSB_BROKER_CACHE_SQUEEZE_H

#include <stdbool.h>
#include <stddef.h>
#include "broker/cache/budget.h"
#include "common/span.h"

struct squeeze {
	void *deflater; /* ZSTD_CCtx, made when first needed */
	void *inflater; /* ZSTD_DCtx */
	size_t deflater_bytes;
	size_t inflater_bytes;
	char *buffer;
	size_t buffer_size; /* enough for the longest that is kept compressed */
	struct budget *budget;
};

void squeeze_init(struct squeeze *squeeze, struct budget *budget);
void squeeze_fini(struct squeeze *squeeze);
/* Nothing is kept compressed: it needs nothing until something is. */
void squeeze_empty(struct squeeze *squeeze);

/* What must be free before plain bytes of that length can be compressed. */
size_t squeeze_needs(const struct squeeze *squeeze, size_t plain_len);
/* The shorter form, in the buffer, when it saves at least an eighth; absent when it does not, or
 * when there is no memory. */
struct span squeeze_deflate(struct squeeze *squeeze, struct span plain);
/* stored was made here, of plain_len bytes; the answer is in the buffer. Allocates nothing. */
struct span squeeze_inflate(struct squeeze *squeeze, struct span stored, size_t plain_len);

#endif
