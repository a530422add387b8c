/* broker/console/check.h: the command `check`: one line and an exit code as monitoring plug-ins
 * have them: 0 ok, 1 warning, 2 critical, 3 unknown. */
#ifndef WSB_BROKER_CONSOLE_CHECK_H
#define WSB_BROKER_CONSOLE_CHECK_H

#include <jansson.h>
#include "broker/console/commands.h"
#include "common/strbuf.h"

enum check_state { CHECK_OK, CHECK_WARNING, CHECK_CRITICAL, CHECK_UNKNOWN };

/* Appends the line of an answer of /v1/status; numbers follow behind a bar. Pure. */
enum check_state check_judge(const json_t *status, struct strbuf *out);

int check_run(const struct invocation *invocation);

#endif
