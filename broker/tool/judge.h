/* broker/tool/judge.h: looks at every message that comes back: an answer, right or wrong, or none
 * of our business. Pure. */
#ifndef WSB_BROKER_TOOL_JUDGE_H
#define WSB_BROKER_TOOL_JUDGE_H

#include <stdbool.h>
#include <stdint.h>
#include "broker/tool/expectation.h"
#include "broker/tool/outstanding.h"
#include "broker/tool/tally.h"
#include "common/err.h"
#include "common/span.h"
#include "proto/envelope.h"

struct judge {
	struct envelope *envelope; /* JSON-RPC */
	struct outstanding *outstanding;
	struct expectation *expectation;
	struct tally *tally;
};

/* Borrows the rest. WSB_ENOMEM, WSB_EINVAL. */
enum wsb_err judge_init(struct judge *judge, struct outstanding *outstanding,
			struct expectation *expectation, struct tally *tally) WSB_CHECKED;
void judge_fini(struct judge *judge);

/* Counts a whole message that has come on the connection at now_us. True: a request that was open
 * has been answered, so there is room for another. Pushes and notifications are passed over. */
bool judge_message(struct judge *judge, uint32_t connection, bool binary, struct span text,
		   uint64_t now_us);

/* The code of a JSON-RPC error object; 0 when there is none to be found. */
int64_t error_code(struct span error);

#endif
