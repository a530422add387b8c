/* broker/console/show.h: the commands that only look. */
#ifndef WSB_BROKER_CONSOLE_SHOW_H
#define WSB_BROKER_CONSOLE_SHOW_H

#include <jansson.h>
#include "broker/console/commands.h"
#include "common/strbuf.h"

int show_status(const struct invocation *invocation);
int show_pools(const struct invocation *invocation);
int show_endpoints(const struct invocation *invocation);
int show_clients(const struct invocation *invocation);
int show_brokers(const struct invocation *invocation);
int show_connections(const struct invocation *invocation);

/* Asks path, whose answer must be of this type, and shows it as a page or as JSON; again and again
 * with --watch, sorted with --sort. Returns the exit code. */
int show(const struct invocation *invocation, const char *path, json_type type,
	 void (*page)(const json_t *answer, struct strbuf *out));

/* The same of an array that is asked for so many rows at a time (limit, cursor). */
int show_pages(const struct invocation *invocation, const char *path, size_t rows,
	       void (*page)(const json_t *answer, struct strbuf *out));

/* Writes text to the standard output; the exit code. */
int show_text(const struct strbuf *text);

#endif
