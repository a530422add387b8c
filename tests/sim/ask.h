/* tests/sim/ask.h: what clients ask for, as the simulator knows it. */
#ifndef WSB_TESTS_SIM_ASK_H
#define WSB_TESTS_SIM_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "proto/codec.h"

#define SIM_ID_MAX 48

/* What a client asked for, which decides what answers are right. */
enum ask_kind {
	ASK_GET,	 /* forwarded by an idempotent route */
	ASK_SET,	 /* forwarded by a route that is not */
	ASK_HUGE_NUMBER, /* forwarded, but its params do not fit into MessagePack */
	ASK_PING,
	ASK_RESPOND,
	ASK_DENIED,
	ASK_NO_ROUTE,
	ASK_BAD_OPTIONS,
	ASK_NOT_CACHED,
	ASK_DROPPED, /* a route says that nobody answers */
	ASK_NO_METHOD,
	ASK_GARBAGE,   /* not even a message */
	ASK_BAD_BATCH, /* an empty or oversized one */
	ASK_SUBSCRIBE,
	ASK_UNSUBSCRIBE,
	ASK_READ, /* through the cache */
};

enum ask_state {
	ASK_UNSAID, /* its message has not been heard as a whole */
	ASK_OPEN,
	ASK_DONE,
	ASK_VOID, /* nobody is left to answer, or no answer is due */
};

/* One message of a client, as the simulator knows it. */
struct ask {
	uint32_t number;
	uint32_t client;
	enum ask_kind kind;
	enum ask_state state;
	enum encoding encoding;
	bool wants_answer; /* a request, no notification */
	bool batched;
	uint32_t batch; /* its number; meaningful when batched */
	uint32_t pool;
	bool explain;
	uint8_t id_len;
	char id[SIM_ID_MAX];
	char *params; /* the token that must come back */
	size_t params_len;
	uint64_t timeout_us;
	uint64_t heard_us;
	uint32_t writes; /* times that an upstream saw it begin */
	bool moved;	 /* it has left a connection unsent, so its order is its own */
	uint32_t topic;	 /* of a subscribe request; the number that is read */
	bool grows;	 /* it is written, and not read */
	uint64_t floor;	 /* of that, when it was heard */
	uint32_t sub;	 /* that is to end, + 1 */
	bool judged;	 /* the answer has been taken note of */
};

/* The members of a batch are asks in a row. */
struct ask_batch {
	uint32_t first;
	uint32_t count;
	uint64_t longest_us; /* the longest time that a member may take */
	bool open;
};

#endif
