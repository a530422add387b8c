/* broker/console/client.h: asks the admin API over HTTP. */
#ifndef WSB_BROKER_CONSOLE_CLIENT_H
#define WSB_BROKER_CONSOLE_CLIENT_H

#include <stdbool.h>
#include "common/err.h"
#include "common/strbuf.h"

/* A longer answer is none of a broker's. */
#define CLIENT_BYTES_MAX ((size_t)256 << 20)
#define CLIENT_WHY_MAX	 256

struct client;

struct client_request {
	const char *method; /* "GET" */
	const char *path;   /* with its query */
	const char *body;   /* JSON; NULL: none */
	/* Gets the body of an answer with status 200 piece by piece; false ends it. NULL: it is
	 * gathered. */
	bool (*piece)(void *context, struct span piece);
	void *context;
	const char *last_event_id; /* for a stream; NULL: none */
};

/* admin: "http://host:port", "https://..." or "unix:PATH"; borrowed. token: NULL: none is shown; it
 * is copied. One at a time in a process. */
enum wsb_err client_create(struct client **out, const char *admin, const char *token) WSB_CHECKED;
void client_destroy(struct client *client); /* NULL is allowed */

const char *client_admin(const struct client *client);

/* WSB_OK: *status is the answer's, its body is appended to body, or all of it went to piece.
 * WSB_EUNAVAIL: nobody answers there, or a stream broke off; WSB_EDENIED: the system does not let
 * us; WSB_ELIMIT: too long an answer; WSB_ENOMEM: why is a phrase. */
enum wsb_err client_ask(struct client *client, const struct client_request *request, long *status,
			struct strbuf *body, char why[CLIENT_WHY_MAX]) WSB_CHECKED;

#endif
