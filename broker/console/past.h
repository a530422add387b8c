/* broker/console/past.h: the commands that show what has happened. */
#ifndef WSB_BROKER_CONSOLE_PAST_H
#define WSB_BROKER_CONSOLE_PAST_H

#include "broker/console/commands.h"
#include "common/strbuf.h"

int past_events(const struct invocation *invocation);
int past_requests(const struct invocation *invocation);
int past_operations(const struct invocation *invocation);

/* Appends "?since=...&pool=..." of the options that are there. */
void past_query(const struct arguments *arguments, struct strbuf *path);

#endif
