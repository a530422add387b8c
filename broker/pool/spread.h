/* broker/pool/spread.h: how many connections each endpoint is to have. Arithmetic alone. */
#ifndef WSB_BROKER_POOL_SPREAD_H
#define WSB_BROKER_POOL_SPREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct spread_row {
	uint32_t weight; /* at least 1 */
	uint32_t tier;
	bool down;
	uint32_t desired; /* the answer */
	/* Scratch of spread_compute. */
	bool open_share; /* its share is still to be found */
	uint64_t claim;	 /* who claims most gets the next connection that is left over */
};

/* Sets desired in all rows:
 * - the endpoints that are up in the lowest tier that has one share `size` by largest remainder of
 *   their weights, at least one each while size allows (the heaviest first when it does not);
 * - everybody else gets one: a standby in a higher tier, a try at an endpoint that is down.
 * With nobody up everybody gets one: a try. */
void spread_compute(struct spread_row *rows, size_t count, uint32_t size);

#endif
