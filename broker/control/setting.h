/* broker/control/setting.h: which keys of a running broker can be changed one by one, and how. */
#ifndef WSB_BROKER_CONTROL_SETTING_H
#define WSB_BROKER_CONTROL_SETTING_H

#include <stdbool.h>
#include "broker/control/configuration.h"
#include "broker/control/options.h"

enum setting_way {
	SETTING_AT_ONCE,  /* `config set`, or the file and a reload */
	SETTING_BY_FILE,  /* the file and a reload */
	SETTING_BY_START, /* the file and a restart */
	SETTING_DORMANT,  /* its section is not there, so that it means nothing: the file */
};

/* How an option of the struct at base is changed. */
enum setting_way setting_way(const struct option *option, const void *base);

/* The step to one value changed. errors says why it cannot be, and what may have been meant:
 * WSB_ENOENT: no such key; WSB_EDENIED: it needs a restart, or can be changed in the file only;
 * WSB_EINVAL: the value does not fit, in itself or with the rest. */
enum wsb_err configuration_set(const struct configuration *configuration,
			       const struct override *change, struct config_step *out,
			       struct strbuf *errors) WSB_CHECKED;

#endif
