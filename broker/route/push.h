/* broker/route/push.h: what becomes of an upstream's message that nobody asked for. */
#ifndef WSB_BROKER_ROUTE_PUSH_H
#define WSB_BROKER_ROUTE_PUSH_H

#include <jansson.h>
#include "broker/route/cache_rule.h"

enum push_forward {
	FORWARD_NONE,
	FORWARD_SUBSCRIBERS, /* clients that asked with wsbroker.subscribe */
	FORWARD_ALL,
	FORWARD_MATCH, /* clients whose identity stands in the message */
};

/* As an operator writes it; owned by the configuration. */
struct push_settings {
	const char *method; /* glob of names; the first rule that matches counts */
	enum push_forward forward;
	json_t *match; /* {pointer: "identity"}; for FORWARD_MATCH */
	struct invalidate_rule invalidate;
};

#endif
