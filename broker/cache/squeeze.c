#include "broker/cache/squeeze.h"

#include <assert.h>
#include <zstd.h>

/* The fastest level, and a window that keeps its tables small: answers are mostly a few KiB, and
 * longer ones repeat themselves within less. */
#define LEVEL	   1
#define WINDOW_LOG 17

/* More than either context was found to take with these parameters. */
#define DEFLATER_BYTES_MAX ((size_t)1024 * 1024)
#define INFLATER_BYTES_MAX ((size_t)256 * 1024)

void squeeze_init(struct squeeze *squeeze, struct budget *budget)
{
	*squeeze = (struct squeeze){.budget = budget};
}

void squeeze_fini(struct squeeze *squeeze)
{
	if (!squeeze->budget)
		return;
	ZSTD_freeCCtx(squeeze->deflater);
	ZSTD_freeDCtx(squeeze->inflater);
	budget_give(squeeze->budget, squeeze->buffer);
	squeeze->budget->used -= squeeze->deflater_bytes + squeeze->inflater_bytes;
}

void squeeze_empty(struct squeeze *squeeze)
{
	struct budget *budget = squeeze->budget;

	squeeze_fini(squeeze);
	squeeze_init(squeeze, budget);
}

/* With a longer text than before the deflater grows, as the buffer does. */
size_t squeeze_needs(const struct squeeze *squeeze, size_t plain_len)
{
	size_t needs = 0;

	if (!squeeze->deflater)
		needs += INFLATER_BYTES_MAX;
	if (plain_len > squeeze->buffer_size)
		needs += budget_cost(plain_len) + DEFLATER_BYTES_MAX - squeeze->deflater_bytes;
	return needs;
}

/* The contexts allocate for themselves and are asked afterwards. */
static void count_contexts(struct squeeze *squeeze)
{
	struct budget *budget = squeeze->budget;

	budget->used -= squeeze->deflater_bytes + squeeze->inflater_bytes;
	squeeze->deflater_bytes = ZSTD_sizeof_CCtx(squeeze->deflater);
	squeeze->inflater_bytes = ZSTD_sizeof_DCtx(squeeze->inflater);
	budget->used += squeeze->deflater_bytes + squeeze->inflater_bytes;
}

static bool make_contexts(struct squeeze *squeeze)
{
	struct budget *budget = squeeze->budget;

	if (squeeze->deflater)
		return true;
	if (budget->used + DEFLATER_BYTES_MAX + INFLATER_BYTES_MAX > budget->limit)
		return false;
	squeeze->deflater = ZSTD_createCCtx();
	squeeze->inflater = ZSTD_createDCtx();
	if (squeeze->deflater && squeeze->inflater) {
		ZSTD_CCtx_setParameter(squeeze->deflater, ZSTD_c_compressionLevel, LEVEL);
		ZSTD_CCtx_setParameter(squeeze->deflater, ZSTD_c_windowLog, WINDOW_LOG);
		return true;
	}
	ZSTD_freeCCtx(squeeze->deflater);
	ZSTD_freeDCtx(squeeze->inflater);
	squeeze->deflater = squeeze->inflater = NULL;
	return false;
}

static bool fit_buffer(struct squeeze *squeeze, size_t size)
{
	char *buffer;

	if (size <= squeeze->buffer_size)
		return true;
	buffer = budget_take(squeeze->budget, size);
	if (!buffer)
		return false; /* and what is kept compressed needs the old one */
	budget_give(squeeze->budget, squeeze->buffer);
	squeeze->buffer = buffer;
	squeeze->buffer_size = size;
	return true;
}

struct span squeeze_deflate(struct squeeze *squeeze, struct span plain)
{
	size_t len;

	if (!make_contexts(squeeze) || !fit_buffer(squeeze, plain.len))
		return span_of(NULL, 0);
	len = ZSTD_compress2(squeeze->deflater, squeeze->buffer, plain.len - plain.len / 8,
			     plain.at, plain.len);
	count_contexts(squeeze);
	if (ZSTD_isError(len))
		return span_of(NULL, 0);
	return span_of(squeeze->buffer, len);
}

struct span squeeze_inflate(struct squeeze *squeeze, struct span stored, size_t plain_len)
{
	size_t len;

	assert(plain_len <= squeeze->buffer_size);
	len = ZSTD_decompressDCtx(squeeze->inflater, squeeze->buffer, plain_len, stored.at,
				  stored.len);
	assert(len == plain_len);
	return span_of(squeeze->buffer, len);
}
