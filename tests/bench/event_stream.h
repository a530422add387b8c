/* tests/bench/event_stream.h: finds the tags of invalidations in whatever carries them (frames,
 * Server-Sent Events, lines of a command) and keeps how late each came. Each has to come once and
 * in its order. */
#ifndef WSB_TESTS_BENCH_EVENT_STREAM_H
#define WSB_TESTS_BENCH_EVENT_STREAM_H
#include "histogram.h"
#include "wire.h"

#define STREAM_TAG "bench:" /* the number of the event follows */

struct stream {
	struct wire wire;
	const char *name;
	const char *mark; /* what stands before the number */
	uint64_t next;	  /* the number that comes next */
	uint64_t wrong;	  /* others */
	struct histogram latency;
	struct histogram early; /* of the second quarter */
	struct histogram late;	/* of the last quarter */
};

/* When which event was due, and what has been sent of them. */
struct stream_times {
	uint64_t start_ns;
	uint64_t now_ns;
	uint64_t rate;
	uint64_t sent;
	uint64_t total;
};

/* Both texts are borrowed; fd is the stream's from then on. */
void stream_open(struct stream *stream, const char *name, const char *mark, int fd, int epoll_fd);

/* Takes what came, and keeps a number that is not whole yet. */
void stream_take(struct stream *stream, const unsigned char *data, size_t len,
		 const struct stream_times *times);
#endif
