/* broker/admin/views_past.h: what is kept of the past, as JSON: events, ended requests, operations.
 * Each returns a new reference, NULL when memory runs out. */
#ifndef WSB_BROKER_ADMIN_VIEWS_PAST_H
#define WSB_BROKER_ADMIN_VIEWS_PAST_H

#include <jansson.h>
#include "broker/control/command.h"
#include "broker/control/history.h"
#include "broker/control/operation.h"
#include "broker/control/requests.h"

json_t *view_event(const struct history_event *event);
json_t *view_request(const struct request_record *record);
json_t *view_operation(const struct operation *operation);
/* Of a command that was carried out at once: an operation that has no id and is done. */
json_t *view_command_done(const struct command *command, const char *detail);

#endif
