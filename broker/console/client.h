/* broker/console/client.h: asks the admin API over HTTP. */
#ifndef WSB_BROKER_CONSOLE_CLIENT_H
#define WSB_BROKER_CONSOLE_CLIENT_H

#include "common/err.h"
#include "common/strbuf.h"

/* A longer answer is none of a broker's. */
#define CLIENT_BYTES_MAX ((size_t)256 << 20)
#define CLIENT_WHY_MAX	 256

struct client;

/* admin: "http://host:port", "https://..." or "unix:PATH"; borrowed. One at a time in a process. */
enum wsb_err client_create(struct client **out, const char *admin) WSB_CHECKED;
void client_destroy(struct client *client); /* NULL is allowed */

/* GETs a path. WSB_OK: *status is the answer's, its body is appended to body.
 * WSB_EUNAVAIL: nobody answers there; WSB_ELIMIT: too long an answer; WSB_ENOMEM: why is a phrase.
 */
enum wsb_err client_get(struct client *client, const char *path, long *status, struct strbuf *body,
			char why[CLIENT_WHY_MAX]) WSB_CHECKED;

#endif
