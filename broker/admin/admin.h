/* broker/admin/admin.h: the admin API: a pure function from a request to a response.
 * Knows no engine and no socket: it is handed a way to take a snapshot. */
#ifndef WSB_BROKER_ADMIN_ADMIN_H
#define WSB_BROKER_ADMIN_ADMIN_H

#include <stdbool.h>
#include "broker/control/snapshot.h"
#include "common/span.h"
#include "common/strbuf.h"

/* What admin may ask of the instance. snapshot: with_connections fills the connection views too. */
struct admin_backend {
	void *instance;
	enum wsb_err (*snapshot)(void *instance, bool with_connections, struct snapshot *out);
};

struct admin_request {
	struct span method; /* "GET" */
	struct span path;   /* without the query */
	struct span query;  /* without the question mark; may be absent */
	struct span origin; /* the Origin header; absent when there was none */
	struct span host;   /* the Host header */
};

struct admin_response {
	int status;
	const char *content_type;
	const char *allow;  /* what the Allow header says; NULL: there is none */
	struct strbuf body; /* the caller initialises and finishes it */
};

/* Always fills response, with problem+json on errors. The answer to HEAD has the body that GET
 * would get: the caller tells its length and keeps it back. */
void admin_handle(const struct admin_backend *backend, const struct admin_request *request,
		  struct admin_response *response);

#endif
