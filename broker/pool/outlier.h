/* broker/pool/outlier.h: what the outcomes of its attempts say of an endpoint: a circuit breaker.
 * Failures in a row, or too large a share of failures within a sliding window, open it: the
 * endpoint is ejected, each time for longer. When the time is over a few requests try it (half
 * open): all must succeed, one failure opens it again.
 * Pure: knows no pool, so it does not know either whether the ejection is allowed. */
#ifndef WSB_BROKER_POOL_OUTLIER_H
#define WSB_BROKER_POOL_OUTLIER_H

#include <stdbool.h>
#include <stdint.h>
#include "broker/pool/settings.h"
#include "common/rng.h"

/* What can go wrong with an endpoint. Ends of connections: the first seven (probe: a pong or the
 * answer to a call did not come, or was not as expected; close: lost while it carried requests,
 * with a close code, at an end of file, by a breach of the protocol). Ends of attempts: no answer
 * in time, and an error answer that ejection.errors lists. */
/* clang-format off */
#define FAILURES(X)                                                                                \
	X(DNS, "dns") X(CONNECT, "connect") X(TLS, "tls") X(UPGRADE, "upgrade")                    \
	X(GREETING, "greeting") X(PROBE, "probe") X(CLOSE, "close") X(TIMEOUT, "timeout")          \
	X(ERROR, "error")
/* clang-format on */

enum failure {
#define X(name, text) FAILURE_##name,
	FAILURES(X)
#undef X
		FAILURE_KINDS
};
const char *failure_name(enum failure failure);
/* Of the reason that a connection ended for, see pool_connection_lost. */
enum failure failure_of_end(const char *reason);

enum breaker {
	BREAKER_CLOSED, /* in use */
	BREAKER_OPEN,	/* ejected */
	BREAKER_TRIAL,	/* half open */
};

#define OUTLIER_SLOTS 10 /* that the window is made of */
/* As many requests try an ejected endpoint, and as many must succeed. */
#define OUTLIER_TRIALS 3

struct outlier_slot {
	uint32_t good;
	uint32_t bad;
};

/* All zero is one that is fine. */
struct outlier {
	enum breaker state;
	uint32_t in_a_row; /* failures, the last ones */
	struct outlier_slot slots[OUTLIER_SLOTS];
	uint32_t at; /* the slot under way */
	uint64_t slot_end_us;
	double badness; /* 0..1: how much of late has failed; failures weigh four times as much */
	uint32_t ejections; /* what the next ejection's time is multiplied by, less one */
	uint64_t until_us;  /* open: when it may be tried */
	uint64_t trial_us;  /* trial: when it began */
	uint64_t calm_us;   /* closed: when one ejection is forgotten */
	uint32_t trials_given;
	uint32_t trials_passed;
	enum failure last; /* meaningful once something has failed */
};

/* An attempt succeeded; on the path of every answer. */
static inline void outlier_good(struct outlier *outlier)
{
	outlier->in_a_row = 0;
	outlier->slots[outlier->at].good++;
}

/* Lets badness fade as successes come; only needed while there is any. */
void outlier_mend(struct outlier *outlier);

void outlier_bad(struct outlier *outlier, enum failure failure);

/* Whether it is closed and its failures are too many in a row or in the window. A count or ratio of
 * 0 is never reached. */
bool outlier_is_due(const struct outlier *outlier, const struct ejection_settings *settings);
/* Good and bad ones in the window. */
struct outlier_slot outlier_window(const struct outlier *outlier);

/* Closed or trial -> open, for base x times (at most max), give or take a tenth. */
void outlier_open(struct outlier *outlier, const struct ejection_settings *settings,
		  uint64_t now_us, struct rng *rng);
/* Open -> trial. */
void outlier_try(struct outlier *outlier, uint64_t now_us);
/* Whether another request may try it. */
bool outlier_wants_trial(const struct outlier *outlier);
/* A trial succeeded; true: it was the last one needed. */
bool outlier_trial_passed(struct outlier *outlier);
/* Trial -> closed, with a clean sheet; only the number of ejections is remembered, and one of them
 * is forgotten after each `base` of good behaviour. */
void outlier_close(struct outlier *outlier, const struct ejection_settings *settings,
		   uint64_t now_us);

/* Lets time pass; call it more often than the window's tenth. */
void outlier_turn(struct outlier *outlier, const struct ejection_settings *settings,
		  uint64_t now_us);

#endif
