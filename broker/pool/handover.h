/* broker/pool/handover.h: one source of pushes gives its role to another, make before break.
 *
 * For SOURCE_OVERLAP_US or longer, until the new one has been greeted as the source, the old one
 * alone is believed; for as long again both are; then the old one is let go. What comes on both is
 * told apart by its text: whichever comes second is the twin of the first and handled no more.
 * Twins may lie up to SOURCE_OVERLAP_US apart, also across the changes from one phase to the next.
 */
#ifndef WSB_BROKER_POOL_HANDOVER_H
#define WSB_BROKER_POOL_HANDOVER_H

#include "broker/pool/pool.h"
#include "common/list.h"
#include "common/span.h"

#define SOURCE_OVERLAP_US UINT64_C(1000000)

struct handover {
	struct list_node link;	 /* of the pool's */
	struct connection *old;	 /* that leaves; NULL: it has left */
	struct connection *next; /* that follows it */
	uint64_t begun_us;
	uint64_t equal_us; /* since when both are believed; 0: next is not yet */
	uint64_t left_us;  /* when the old one was let go */
	uint64_t seed;
	struct list waiting; /* pushes whose twins have not come, the oldest first */
	struct map *texts;   /* the same, by their texts */
};

/* next has yet to be sent the steps that are for a source. WSB_ENOMEM: nothing has changed. */
enum wsb_err handover_begin(struct connection *old, struct connection *next,
			    uint64_t now_us) WSB_CHECKED;
/* At once, wherever it stands; who has the role keeps it. */
void handover_end(struct handover *handover);

/* Goes on to the next phase when its time has come; may end it. */
void handover_step(struct handover *handover, uint64_t now_us);

/* A push has come on one of the two. Returns whether it is to be handled. */
bool handover_hears(struct handover *handover, const struct connection *connection,
		    struct span text, uint64_t now_us);

#endif
