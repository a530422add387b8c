/* broker/console/completion.h: the command `completion`: what a shell offers behind the Tab key,
 * made from the table of commands. */
#ifndef WSB_BROKER_CONSOLE_COMPLETION_H
#define WSB_BROKER_CONSOLE_COMPLETION_H

#include "broker/console/commands.h"
#include "common/strbuf.h"

/* Appends the script for "bash", "zsh" or "fish". WSB_EINVAL: another shell. */
enum wsb_err completion_write(const char *shell, struct strbuf *out) WSB_CHECKED;

int completion_run(const struct invocation *invocation);

#endif
