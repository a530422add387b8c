/* tests/unit/engine/pair.h: a client, and two upstreams that could each serve it: connection a to
 * endpoint "a" and b to "b". */
#ifndef WSB_TESTS_UNIT_ENGINE_PAIR_H
#define WSB_TESTS_UNIT_ENGINE_PAIR_H

#include "tests/unit/engine/stage.h"

struct pair {
	struct stage stage;
	struct lane *lane;
	struct peer *client;
	struct peer *a;
	struct peer *b;
	/* Of the request that was asked last: who has got it, and who has not. */
	struct peer *first;
	struct peer *second;
};

/* Change the stage between init and begin. By default, they take turns. */
void pair_init(struct pair *pair);
/* Both are ready; nothing has been read of what they were sent. */
void pair_begin_unread(struct pair *pair);
/* The same, and their pings have been read. */
void pair_begin(struct pair *pair);

/* The one to which the next message has gone. */
struct peer *pair_taker(const struct pair *pair);
struct peer *pair_other(const struct pair *pair, const struct peer *peer);
/* The client asks; both look who got it, and have not read it yet. */
void pair_ask(struct pair *pair, const char *request);

#endif
