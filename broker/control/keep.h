/* broker/control/keep.h: what a running broker cannot change stays as it is. */
#ifndef WSB_BROKER_CONTROL_KEEP_H
#define WSB_BROKER_CONTROL_KEEP_H

#include "broker/control/config.h"

/* Gives every option of next that needs a restart the value that it has in running, in the entries
 * that both have. WSB_ENOMEM: next is of no use. */
enum wsb_err config_keep(struct config *next, const struct config *running) WSB_CHECKED;

#endif
