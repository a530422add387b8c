/* broker/console/handler.h: a command that is run for each event. */
#ifndef WSB_BROKER_CONSOLE_HANDLER_H
#define WSB_BROKER_CONSOLE_HANDLER_H

#include "common/err.h"
#include "common/span.h"

/* Runs the command in a shell with the text as its standard input and waits for its end. *status is
 * its exit code, 128 + N when signal N ended it. WSB_EIO: it could not be run; errno says why. */
enum wsb_err handler_run(const char *command, struct span text, int *status) WSB_CHECKED;

#endif
