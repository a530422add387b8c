/* broker/console/pages_past.h: events, ended requests and operations for people. Pure. */
#ifndef WSB_BROKER_CONSOLE_PAGES_PAST_H
#define WSB_BROKER_CONSOLE_PAGES_PAST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include "common/strbuf.h"

void page_events(const json_t *events, struct strbuf *out);
void page_requests(const json_t *requests, struct strbuf *out);
void page_operations(const json_t *operations, struct strbuf *out);

/* The same in brief: without the steps of connections on their way up, of which the ready ones tell
 * as well, and without dials that fail as the one before did. */
void page_events_in_brief(const json_t *events, struct strbuf *out);

/* What has been told of endpoints that cannot be dialled, so that an hour of it is one line. */
struct event_brief {
	json_t *failing; /* POOL/NAME: how its last dial failed */
	size_t left_out; /* failed dials */
};
void event_brief_init(struct event_brief *brief);
void event_brief_fini(struct event_brief *brief);
/* Whether this one, earlier or later than those before it, tells nothing new. */
bool event_brief_omits(struct event_brief *brief, const json_t *event);

/* "reason: detail" or what there is of it; what the reason has said already is not said again. */
void event_why(const json_t *event, struct strbuf *out);

/* What an event is about; of a connection also whose it is: "main/node1 connection 7". */
void event_object(const json_t *event, struct strbuf *out);

/* One event as a line, for those that come one by one. */
void line_of_event(const json_t *event, struct strbuf *out);

#endif
