/* broker/control/requests.h: the latest requests that failed or were slow, each with all that
 * `explain` knows of it. A ring of fixed places: recording allocates nothing. */
#ifndef WSB_BROKER_CONTROL_REQUESTS_H
#define WSB_BROKER_CONTROL_REQUESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "broker/control/snapshot.h"
#include "common/err.h"
#include "common/log.h"
#include "common/span.h"

#define REQUESTS_KEPT 1000

/* log.requests: which requests are written as lines of the log. */
enum requests_log { REQUESTS_LOG_OFF, REQUESTS_LOG_SLOW, REQUESTS_LOG_ALL };

/* One request that has ended, as it is handed in. Spans and texts may be absent. */
struct request_end {
	uint64_t wall_us;
	uint64_t duration_us;
	struct span method;
	const char *pool;
	const char *endpoint; /* that answered, or is to blame */
	uint64_t connection;  /* 0: none */
	uint32_t attempts;
	uint64_t queued_us;
	uint64_t upstream_us; /* of the answer; 0: none came */
	const char *cache;    /* what the cache had to do with it */
	bool aged;	      /* the answer came out of it, and was so old */
	uint64_t age_us;
	enum request_result result;
	const char *reason;
	const char *limit; /* configuration key that was hit */
	uint64_t client;
	const char *identity;
};

/* One that is kept. Texts are never NULL, and cut where they were long. */
struct request_record {
	uint64_t id;	  /* 1, 2, 3, ... */
	uint64_t wall_us; /* when it ended, since 1970 */
	uint64_t duration_us;
	uint64_t queued_us;
	uint64_t upstream_us;
	uint64_t age_us; /* meaningful when aged */
	uint64_t connection;
	uint64_t client;
	uint32_t attempts;
	enum request_result result;
	bool aged;
	bool slow;
	bool failed;
	char method[64];
	char pool[64];
	char endpoint[128];
	char cache[16];
	char reason[32];
	char limit[40];
	char identity[64];
};

/* What an operator says of it: log.slow, log.requests. */
struct requests_settings {
	uint64_t slow_us; /* 0: none is slow */
	enum requests_log log;
};

struct requests {
	struct requests_settings settings; /* may be changed at any time */
	struct request_record *ring;	   /* REQUESTS_KEPT */
	uint64_t newest_id;
};

enum wsb_err requests_init(struct requests *requests,
			   struct requests_settings settings) WSB_CHECKED;
void requests_fini(struct requests *requests);

/* Whether requests_end would do anything at all: asked first, since most requests end well and
 * fast. */
static inline bool requests_want(const struct requests *requests, enum request_result result,
				 uint64_t duration_us)
{
	const struct requests_settings *settings = &requests->settings;

	return (result != RESULT_OK && result != RESULT_CACHED) ||
	       settings->log == REQUESTS_LOG_ALL ||
	       (settings->slow_us > 0 && duration_us >= settings->slow_us);
}

/* Keeps it when it failed or was slow, and writes it to the log as log.requests says. */
void requests_end(struct requests *requests, struct log *log, const struct request_end *end);

/* The record of this id; NULL: it is not kept (any more). Ids run from requests_oldest to
 * requests->newest_id; 0 and 0: there is none. */
const struct request_record *requests_get(const struct requests *requests, uint64_t id);
uint64_t requests_oldest(const struct requests *requests);

#endif
