/* broker/admin/admin.h: the admin API: pure functions from a request to a response.
 * Knows no engine and no socket: it is handed ways to take a snapshot and to have commands carried
 * out. */
#ifndef WSB_BROKER_ADMIN_ADMIN_H
#define WSB_BROKER_ADMIN_ADMIN_H

#include <stdbool.h>
#include "broker/admin/access.h"
#include "broker/admin/feed.h"
#include "broker/control/cache_view.h"
#include "broker/admin/invalidation_feed.h"
#include "broker/control/command.h"
#include "broker/control/configuration.h"
#include "broker/control/snapshot.h"
#include "common/span.h"
#include "common/strbuf.h"

#define ADMIN_BODY_BYTES_MAX ((size_t)1 << 20)
#define ADMIN_NAME_MAX	     256 /* of a pool, an endpoint */
#define ADMIN_QUERY_MAX	     1024
#define ADMIN_NAMES	     2 /* in a path */
#define ADMIN_EVENT_ID_MAX   48
#define ADMIN_ALLOW_MAX	     48
#define ADMIN_LOCATION_MAX   64
#define ADMIN_LINK_MAX	     1024

/* What admin may ask of the instance. */
struct admin_backend {
	void *instance;
	const struct admin_settings *settings; /* a reload may put others here */
	enum wsb_err (*snapshot)(void *instance, enum snapshot_extent extent, struct snapshot *out);
	/* Some entries of the cache; the caller finishes *out. */
	enum wsb_err (*cache_page)(void *instance, const struct cache_query *query,
				   struct cache_page *out);
	/* What streams follow; valid as long as the instance. */
	const struct history *history;
	const struct journal *journal;
	/* A resync for one follower of the journal, as JSON; see engine_missed. */
	enum wsb_err (*missed)(void *instance, struct strbuf *out);
	const struct configuration *configuration; /* what runs, and what the file says */
	/* Reads the file again and takes what it says, or nothing of it: then errors gets a line
	 * for each reason. */
	enum wsb_err (*reload)(void *instance, const char *actor, const char *reason,
			       struct strbuf *errors);
	/* The same with one key. */
	enum wsb_err (*set)(void *instance, const struct override *change, struct strbuf *errors);
	/* As engine_apply: always sets *outcome, keeps nothing of the command. */
	void (*apply)(void *instance, const struct command *command, struct outcome *outcome);
};

/* A request's head. Absent spans: no such header. */
struct admin_request {
	struct span method; /* "GET" */
	struct span path;   /* without the query, escapes as they came */
	struct span query;  /* without the question mark; may be absent */
	struct span content_type;
	struct span accept;
	struct span last_event_id;
	bool has_body;
	uint64_t content_length; /* 0: there is no body, or its length is not told */
	struct credentials credentials;
	uint64_t wall_us; /* now, since 1970 */
};

/* What may follow the beginning of a body. */
enum admin_stream { STREAM_NONE, STREAM_EVENTS, STREAM_INVALIDATIONS };

struct admin_response {
	int status;
	const char *content_type;
	char allow[ADMIN_ALLOW_MAX]; /* what the Allow header says; "": there is none */
	char location[ADMIN_LOCATION_MAX];
	char link[ADMIN_LINK_MAX]; /* the Link header; "": there is none */
	bool challenge;		   /* say WWW-Authenticate: Bearer */
	enum admin_stream stream;  /* whether the body goes on, and with what */
	struct feed feed;
	struct invalidation_feed invalidations;
	struct strbuf body; /* the caller initialises and finishes it */
};

struct admin_route;

/* A request that may be done: all of it that outlives the reading of its head. */
struct admin_call {
	const struct admin_route *route;
	struct identity identity;
	char names[ADMIN_NAMES][ADMIN_NAME_MAX]; /* in the path, in its order, decoded */
	char query[ADMIN_QUERY_MAX];
	uint64_t wall_us;
	bool wants_stream; /* Accept: text/event-stream */
	char last_event_id[ADMIN_EVENT_ID_MAX];
};

/* Judges the head. True: *call is set and admin_finish is next, with the body if it has one. False:
 * response is the answer. HEAD is to be asked as GET, and the body of the answer kept back. */
bool admin_begin(const struct admin_backend *backend, const struct admin_request *request,
		 struct admin_call *call, struct admin_response *response);

/* Does it; always fills response, with problem+json on errors. body: absent when there was none. */
void admin_finish(const struct admin_backend *backend, const struct admin_call *call,
		  struct span body, struct admin_response *response);

#endif
