/* broker/admin/reasons.h: the list of what is not as it should be, worst first, while a verdict is
 * being reached. */
#ifndef WSB_BROKER_ADMIN_REASONS_H
#define WSB_BROKER_ADMIN_REASONS_H

#include "broker/admin/verdict.h"

/* How much worse one thing is than another. */
enum {
	SEVERITY_ASKED = 5, /* an operator wanted it so: told, but nothing is wrong */
	SEVERITY_FILE = 8,  /* what would come to light at the next start */
	SEVERITY_STATE = 9,
	SEVERITY_LAG = 10,
	SEVERITY_BUFFERS = 20,
	SEVERITY_CLIENTS = 30,
	SEVERITY_CONNECTIONS = 40,
	SEVERITY_BUS_BEHIND = 42,
	SEVERITY_TRIAL = 45,
	SEVERITY_SLOW = 48,
	SEVERITY_ENDPOINT = 50,
	SEVERITY_BUS = 55,
	SEVERITY_QUEUE = 60,
	SEVERITY_PANIC = 65,
	SEVERITY_READINESS = 70,
	SEVERITY_POOL = 80,
	SEVERITY_DRAIN = 90,
};

/* Keeps the order: worst first, equals as they came; the least bad one falls out when it is full.
 * NULL: it did not get in, which the next two take for "nothing to be done". */
struct verdict_reason *reasons_add(struct verdict *verdict, unsigned int severity);

__attribute__((format(printf, 2, 3))) void reason_say(struct verdict_reason *reason,
						      const char *format, ...);
__attribute__((format(printf, 2, 3))) void reason_advise(struct verdict_reason *reason,
							 const char *format, ...);

#endif
