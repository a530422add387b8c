/* broker/subscription/overlap.h: one event that arrives on two ways is handed on once.
 *
 * While a subscription moves, both its old and its new upstream send events, each in its order and
 * one ahead of the other. Until they meet, those of the old one are handed on and those of the new
 * one wait. When the same event has come on both ways, the two streams are known to join without a
 * hole: all before it came the old way, all behind it comes the new way. Then what waits is handed
 * on, the old way is left, and what the new one still repeats is suppressed. That goes on when the
 * subscription moves once more meanwhile: the new way, which is the old one then, is behind still.
 *
 * A new side that is behind brings first what the old one brought before it all began. As long as
 * that goes on where the past ends, it is known.
 *
 * Events that look alike cannot be told apart: once one side has brought two of a kind, nothing
 * meets and nothing is suppressed any more. */
#ifndef WSB_BROKER_SUBSCRIPTION_OVERLAP_H
#define WSB_BROKER_SUBSCRIPTION_OVERLAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/list.h"
#include "common/span.h"
#include "proto/codec.h"

/* More events than this in the time of a move end the waiting. */
#define OVERLAP_EVENTS 64
#define OVERLAP_BYTES  (UINT64_C(1) << 20)

#define OVERLAP_PAST 8 /* so many events are remembered while there is one way */

enum overlap_side { OVERLAP_OLD, OVERLAP_NEW };

/* What one side has brought and the other has not, oldest first. */
struct overlap_run {
	uint64_t hashes[OVERLAP_EVENTS];
	uint32_t count;
	uint32_t owed;	   /* so many of the first came another way: this one may repeat them, */
	uint32_t repeated; /* and has come to this one of them */
};

/* What was handed on last, oldest first. */
struct overlap_past {
	uint64_t hashes[OVERLAP_PAST];
	uint32_t count;
};

void overlap_past_add(struct overlap_past *past, uint64_t hash);

/* An event of the new side that waits. */
struct overlap_event {
	struct list_node link;
	enum encoding encoding;
	uint64_t names;
	size_t len;
	char text[];
};

struct overlap {
	struct overlap_run runs[2];
	struct overlap_past past; /* of the old side, before all that its run holds */
	struct list waiting;
	size_t bytes; /* of what waits */
	bool alike;   /* some side has brought two of a kind */
	bool joined;  /* only the new side counts from now on */
};

void overlap_init(struct overlap *overlap, const struct overlap_past *past);
void overlap_fini(struct overlap *overlap);

enum overlap_verdict {
	OVERLAP_HAND_ON,
	OVERLAP_WAIT,	/* keep it with overlap_keep */
	OVERLAP_REPEAT, /* it has been handed on before */
	OVERLAP_MEET,	/* it is here already, handed on or waiting: hand on what waits, in order */
};

/* An event (a hash of all of it but the id) has come. */
enum overlap_verdict overlap_judge(struct overlap *overlap, enum overlap_side side, uint64_t hash);

/* Copies an event that waits. False: there is no room for more. */
bool overlap_keep(struct overlap *overlap, enum encoding encoding, uint64_t names,
		  struct span text);
/* The first that waits, which the caller frees; NULL: none does. */
struct overlap_event *overlap_take(struct overlap *overlap);

/* The streams have not met, and the old one is given up or has ended: only the new side counts from
 * now on. It may still be behind, and repeat what the old one brought. */
void overlap_give_up(struct overlap *overlap);

/* Begins anew, with what was the new side as the old one, while that may still repeat something. */
void overlap_go_on(struct overlap *overlap, const struct overlap_past *past);

/* Whether the new side may still repeat something. */
static inline bool overlap_is_pending(const struct overlap *overlap)
{
	return overlap->joined && overlap->runs[OVERLAP_OLD].count > 0;
}

#endif
