/* broker/cache/rewrite.h: one's own message with another method and other params. For the predictor
 * alone. */
#ifndef WSB_BROKER_CACHE_REWRITE_H
#define WSB_BROKER_CACHE_REWRITE_H

#include <stdbool.h>
#include "common/span.h"
#include "common/strbuf.h"
#include "proto/envelope.h"

/* Appends the message with params (a token in its encoding) and method in the places of its own.
 * False: it has no params, or its method cannot be found as it stands (an escaped one), and nothing
 * of use is appended. */
bool rewrite(const struct message *message, struct span method, struct span params,
	     struct strbuf *out);

#endif
