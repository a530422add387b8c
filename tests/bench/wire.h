/* tests/bench/wire.h: one non-blocking socket under epoll with whole-chunk reads and single writes.
 * Data travels through large buffers that all sockets of a program share; a socket owns memory
 * only for an incomplete frame or for what the kernel did not take. Running out of memory ends the
 * program: a benchmark has nothing better to do. */
#ifndef WSB_TESTS_BENCH_WIRE_H
#define WSB_TESTS_BENCH_WIRE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_BUFFER_SIZE ((size_t)256 * 1024)

struct wire_bytes {
	unsigned char *data;
	size_t len;
	size_t capacity;
};

struct wire {
	int fd;
	int epoll_fd;
	void *owner;		  /* what epoll hands back */
	uint32_t blocked_events;  /* what to wait for while unsent bytes are left */
	struct wire_bytes rest;	  /* the incomplete frame behind the last whole one */
	struct wire_bytes unsent; /* refused by the kernel so far */
};

/* Prints "NAME: message: strerror" (the latter when errno is set) and exits with status 1. */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The number in text, which comes from the command line; dies when it is none or above max. */
uint64_t parse_number(const char *text, uint64_t max);

uint64_t clock_ns(void); /* monotonic */

/* Raises the limit of open files as far as is allowed, but not above max. */
void raise_file_limit(uint64_t max);

/* Where the next len bytes can be written: behind what bytes holds, which may move. */
unsigned char *wire_bytes_room(struct wire_bytes *bytes, size_t len);

/* Registers fd, from then on owned by the wire, for reading. */
void wire_open(struct wire *wire, int fd, int epoll_fd, void *owner, uint32_t blocked_events);
void wire_close(struct wire *wire);

/* Reads once. *len is then what buffer holds: the kept rest and what came. False when the peer has
 * closed or the socket failed. */
bool wire_read(struct wire *wire, unsigned char buffer[WIRE_BUFFER_SIZE], size_t *len);

/* Keeps the unread tail of the buffer for the next wire_read. */
void wire_keep(struct wire *wire, const unsigned char *data, size_t len);

/* Writes with one call, or appends when earlier bytes wait; what is left goes out in wire_flush
 * when the socket is writable again. False when the socket failed. */
bool wire_send(struct wire *wire, const unsigned char *data, size_t len);
bool wire_flush(struct wire *wire);
#endif
