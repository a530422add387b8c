/* broker/console/report.h: the command `report`: what has been going on, as one Markdown page. */
#ifndef WSB_BROKER_CONSOLE_REPORT_H
#define WSB_BROKER_CONSOLE_REPORT_H

#include <jansson.h>
#include "broker/console/commands.h"
#include "common/strbuf.h"

/* What the page is made of: answers of the admin API. */
struct report_data {
	const char *since; /* as it was asked for */
	const json_t *status;
	const json_t *endpoints;
	const json_t *events;
	const json_t *requests;
};

/* Appends the page. Pure. */
void report_write(const struct report_data *data, struct strbuf *out);

int report_run(const struct invocation *invocation);

#endif
