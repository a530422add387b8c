/* broker/pool/listed_error.h: the error answers that count as failures of an endpoint. */
#ifndef WSB_BROKER_POOL_LISTED_ERROR_H
#define WSB_BROKER_POOL_LISTED_ERROR_H

#include <stdbool.h>
#include "broker/pool/settings.h"
#include "proto/envelope.h"

/* Whether settings->errors names the error of this answer, which is one (message->failed): by the
 * error itself where it is a text or a number, else by its `code`; in envelopes that keep the code
 * elsewhere, by the `code` of the result. */
bool error_is_listed(const struct ejection_settings *settings, const struct message *message);

#endif
