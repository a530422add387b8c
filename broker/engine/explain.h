/* broker/engine/explain.h: the broker's own JSON about a request. */
#ifndef WSB_BROKER_ENGINE_EXPLAIN_H
#define WSB_BROKER_ENGINE_EXPLAIN_H

#include "broker/engine/state.h"

/* `wsbroker` of an answer: lane, exchange and connection may be NULL. */
void explain_write(struct strbuf *out, const struct lane *lane, const struct exchange *exchange,
		   const struct connection *connection, uint64_t upstream_us, const char *reason);
/* `error.data`: lane, connection and limit may be NULL. */
void explain_error_data(struct strbuf *out, const char *reason, bool retryable,
			const struct lane *lane, const struct connection *connection,
			const char *limit);

#endif
