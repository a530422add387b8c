/* broker/tool/outstanding.h: the requests that wait for their answers: ids, and what is known of
 * each. Says of every answer whether it was waited for. Pure. */
#ifndef WSB_BROKER_TOOL_OUTSTANDING_H
#define WSB_BROKER_TOOL_OUTSTANDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/err.h"

#define OUTSTANDING_MAX (UINT32_C(1) << 22)

/* One place, taken by one request after another. */
struct open_request {
	uint64_t id;	 /* of the request that is here now, or was last */
	uint64_t due_us; /* when it was to be sent: latency counts from here */
	uint64_t key;
	uint32_t connection;
	bool open;
	bool measured; /* due within the time that counts */
};

struct outstanding {
	struct open_request *places;
	uint32_t *free; /* places without a request, the one given back last on top */
	uint32_t free_count;
	uint32_t places_mask; /* the number of places, a power of two, less one */
	uint32_t limit;
	uint32_t open;
};

enum outstanding_verdict {
	OUTSTANDING_TAKEN,
	OUTSTANDING_TWICE,   /* answered before */
	OUTSTANDING_FOREIGN, /* never asked on this connection */
};

/* At most limit (1 to OUTSTANDING_MAX) requests are open at a time. WSB_ENOMEM. */
enum wsb_err outstanding_init(struct outstanding *table, uint32_t limit) WSB_CHECKED;
void outstanding_fini(struct outstanding *table);

/* A place for one more request: its id is set and above 0, the rest is for the caller to fill in.
 * NULL: the limit is reached. */
struct open_request *outstanding_add(struct outstanding *table, uint32_t connection);

/* The request of the last outstanding_add was not sent after all. */
void outstanding_withdraw(struct outstanding *table, struct open_request *request);

/* An answer with this id has come on the connection. TAKEN: *out is the request, no longer open;
 * valid until the next outstanding_add. */
enum outstanding_verdict outstanding_take(struct outstanding *table, uint32_t connection,
					  uint64_t id, struct open_request **out);

#endif
