/* broker/io/race.h: connecting to one of several addresses: one after the other with short waits in
 * between, as RFC 8305 has it, and the first that is reached is it. So a host that says nothing
 * costs a moment, and one that is slow is not given up for another. */
#ifndef WSB_BROKER_IO_RACE_H
#define WSB_BROKER_IO_RACE_H

#include <stddef.h>
#include <stdint.h>
#include <uv.h>
#include "broker/io/resolver.h"
#include "broker/io/stream.h"

/* So long after one the next begins. All of RESOLVER_ADDRESSES_MAX are tried in less time than a
 * connect may take. */
#define RACE_STAGGER_MS 150

struct race;

/* stream: connected, to be moved away during the call, and `address` is where it leads; NULL: none
 * was reached, text says what the last one failed of. */
typedef void race_done(void *context, struct stream *stream, const char *address, const char *text);

struct race_attempt {
	struct race *race;
	struct stream stream;
};

struct race {
	uv_loop_t *loop;
	struct resolver_answer addresses;
	uint16_t port;
	race_done *done; /* NULL: nothing is under way */
	void *context;
	size_t begun, lost;
	uint64_t next_ms; /* on the loop's clock */
	const char *error;
	struct race_attempt attempts[RESOLVER_ADDRESSES_MAX];
};

/* Nothing is under way. */
void race_init(struct race *race);

/* Copies addresses, of which there is one at least. Ends in one call of done, in race_turn or in
 * the loop, unless race_end comes before. */
void race_begin(struct race *race, uv_loop_t *loop, const struct resolver_answer *addresses,
		uint16_t port, race_done *done, void *context);
/* Once per turn of the loop. */
void race_turn(struct race *race);
/* May have ended already. */
void race_end(struct race *race);

#endif
