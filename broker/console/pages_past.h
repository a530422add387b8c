/* broker/console/pages_past.h: events, ended requests and operations for people. Pure. */
#ifndef WSB_BROKER_CONSOLE_PAGES_PAST_H
#define WSB_BROKER_CONSOLE_PAGES_PAST_H

#include <jansson.h>
#include "common/strbuf.h"

void page_events(const json_t *events, struct strbuf *out);
void page_requests(const json_t *requests, struct strbuf *out);
void page_operations(const json_t *operations, struct strbuf *out);

/* Whether it is a step of a connection on its way up, of which the ready connection tells as well.
 */
bool event_is_step(const json_t *event);
/* The same without those steps. */
void page_events_in_brief(const json_t *events, struct strbuf *out);

/* What an event is about; of a connection also whose it is: "main/node1 connection 7". */
void event_object(const json_t *event, struct strbuf *out);

/* One event as a line, for those that come one by one. */
void line_of_event(const json_t *event, struct strbuf *out);

#endif
