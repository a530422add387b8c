/* broker/io/http_chunks.h: a body that comes in chunks (RFC 9112, section 7.1), put together where
 * it lies. Read strictly, as heads are: what two readers could cut in two ways is refused. Knows no
 * socket. */
#ifndef WSB_BROKER_IO_HTTP_CHUNKS_H
#define WSB_BROKER_IO_HTTP_CHUNKS_H

#include <stddef.h>

/* Longest line around the chunks, its end included: a size with its extensions, or a trailer. */
#define HTTP_CHUNK_LINE_MAX ((size_t)1024)
/* Most bytes of trailers, which nobody reads. */
#define HTTP_TRAILERS_MAX ((size_t)16 * 1024)

enum http_chunks_verdict {
	HTTP_CHUNKS_MORE,     /* there is more to come */
	HTTP_CHUNKS_WHOLE,    /* the body is whole */
	HTTP_CHUNKS_BROKEN,   /* these are no chunks */
	HTTP_CHUNKS_TOO_LONG, /* the body will be longer than is taken */
};

enum http_chunks_state {
	HTTP_CHUNK_SIZE,
	HTTP_CHUNK_DATA,
	HTTP_CHUNK_END,
	HTTP_CHUNK_TRAILERS,
};

/* All zero at first. */
struct http_chunks {
	enum http_chunks_state state;
	size_t len;  /* of the body so far */
	size_t left; /* to come of the chunk under way */
	size_t trailers_len;
};

/* text begins with the body so far, chunks->len bytes of it, and goes on with what has come since
 * and was not understood yet; *len: of both. The body grows by what is new of it, and what is left
 * moves up to its end. When it is whole, what follows it is the next request's. */
enum http_chunks_verdict http_chunks_take(struct http_chunks *chunks, char *text, size_t *len,
					  size_t body_max);

#endif
