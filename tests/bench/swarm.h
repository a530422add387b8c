/* tests/bench/swarm.h: many WebSocket clients in one thread, each with up to `depth` requests in
 * flight. Every answer is checked: its id has to be one that this very client waits for, its result
 * the text that went out with that id, which no other request has, unless they shall share `keys`
 * of them. */
#ifndef WSB_TESTS_BENCH_SWARM_H
#define WSB_TESTS_BENCH_SWARM_H
#include "histogram.h"
#include "wire.h"

#include <netinet/in.h>
#include <sys/epoll.h>

#define SWARM_BODY_SIZE	 32
#define SWARM_EVENTS_MAX 1024

struct swarm_client;

struct swarm {
	int epoll_fd;
	size_t client_count;
	size_t depth;
	bool refill;   /* answer every answer with the next request: the closed loop */
	uint64_t keys; /* so many different requests in all; 0: each is another */
	uint64_t random;
	size_t in_flight;
	uint64_t answered;     /* since swarm_reset */
	uint64_t wrong;	       /* unexpected id or body, or not a message at all */
	uint64_t lost_clients; /* connections that ended */
	struct histogram latency;
	struct swarm_client *clients;
	size_t out_len;
	struct epoll_event events[SWARM_EVENTS_MAX];
	unsigned char in[WIRE_BUFFER_SIZE];
	unsigned char out[WIRE_BUFFER_SIZE];
};

/* Connects the clients one after the other and upgrades each; dies when one is refused. */
struct swarm *swarm_create(const struct sockaddr_in *address, const char *path, size_t client_count,
			   size_t depth);

/* Says goodbye with a close frame on each connection and frees all. */
void swarm_destroy(struct swarm *swarm);

/* Starts latency and answered afresh. What went wrong stays counted: it spoils the whole run. */
void swarm_reset(struct swarm *swarm);

/* Starts as many requests as a client has free places, with one write. */
void swarm_fill(struct swarm *swarm, size_t client);

/* Starts one request whose latency counts from since_ns. False when all places of the client are
 * taken or its connection has ended. */
bool swarm_request(struct swarm *swarm, size_t client, uint64_t since_ns);

/* Waits at most timeout_ns for something to read and handles it: one read and at most one write
 * per readable client. */
void swarm_turn(struct swarm *swarm, uint64_t timeout_ns);
#endif
