/* tests/bench/event_probe.h: asks a broker for an entry that an event will name, until it is gone
 * from the cache: an upper bound of when the event was applied there. One entry after another, as
 * many as there is time for. */
#ifndef WSB_TESTS_BENCH_EVENT_PROBE_H
#define WSB_TESTS_BENCH_EVENT_PROBE_H
#include "histogram.h"
#include "wire.h"

struct probe {
	struct wire wire;
	uint64_t number; /* of the event */
	uint64_t due_ns; /* of that event */
	bool loaded;	 /* the entry has been asked for */
	bool cached;	 /* and was found in the cache */
	bool asked;	 /* an answer is waited for */
	uint64_t answered_ns;
	uint64_t random;
	uint64_t wrong; /* answers that make no sense */
	struct histogram latency;
};

/* fd is a WebSocket that has been upgraded, and the probe's from then on. What epoll hands back is
 * the probe. */
struct probe *probe_create(int fd, int epoll_fd);

/* Does what is due and returns when to come back. So many events have been sent at this rate;
 * due_ns is that of probe->number. */
uint64_t probe_turn(struct probe *probe, uint64_t sent, uint64_t rate, uint64_t due_ns,
		    uint64_t now_ns);

/* Takes the answer that came. */
void probe_take(struct probe *probe, unsigned char buffer[WIRE_BUFFER_SIZE]);
#endif
