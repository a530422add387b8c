/* broker/subscription/overlap.h: one event that arrives on two ways is handed on once.
 *
 * While a subscription moves, both its old and its new upstream send the same events, each in its
 * order and one ahead of the other. What one has brought already is suppressed when the other
 * brings it too. From the first such pair on, the two streams are known to join without a hole: all
 * before it came the old way, all behind it comes the new way.
 *
 * Events that look alike cannot be told apart; once one side has brought two of a kind nothing is
 * suppressed and nothing is proven any more: rather twice than not at all. */
#ifndef WSB_BROKER_SUBSCRIPTION_OVERLAP_H
#define WSB_BROKER_SUBSCRIPTION_OVERLAP_H

#include <stdbool.h>
#include <stdint.h>

/* More events than this in the time of a move push out the oldest. */
#define OVERLAP_EVENTS 64

enum overlap_side { OVERLAP_OLD, OVERLAP_NEW };

/* What one side has brought and the other has not, oldest first. */
struct overlap_run {
	uint64_t hashes[OVERLAP_EVENTS];
	uint32_t count;
};

struct overlap {
	struct overlap_run runs[2];
	bool alike; /* some side has brought two of a kind */
	bool joined;
};

void overlap_init(struct overlap *overlap);

/* An event (a hash of all of it but the id) has come. True: it has been handed on before. */
bool overlap_is_repeated(struct overlap *overlap, enum overlap_side side, uint64_t hash);

/* Whether the new side may still repeat something. */
static inline bool overlap_is_pending(const struct overlap *overlap)
{
	return !overlap->alike && overlap->runs[OVERLAP_OLD].count > 0;
}

#endif
