/* broker/engine/explain.h: the broker's own JSON about a request. */
#ifndef WSB_BROKER_ENGINE_EXPLAIN_H
#define WSB_BROKER_ENGINE_EXPLAIN_H

#include "broker/engine/state.h"

/* Why a call went as it did; what is NULL or absent is told as null. */
struct explanation {
	const struct lane *lane;
	const struct exchange *exchange;     /* NULL: it needed none */
	const struct connection *connection; /* that answered, or is to blame */
	uint64_t upstream_us;
	const char *cache; /* what the cache had to do with it; NULL: as the exchange says */
	bool aged;	   /* the answer comes out of the cache, and is so old */
	uint64_t age_us;
	const char *reason;
};

/* `wsbroker` of an answer, in JSON. */
void explain_write(struct strbuf *out, const struct explanation *why);
/* `error.data`: lane, connection and limit may be NULL. */
void explain_error_data(struct strbuf *out, const char *reason, bool retryable,
			const struct lane *lane, const struct connection *connection,
			const char *limit);

#endif
