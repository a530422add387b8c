/* broker/control/proposal.h: what to write into the file so that it says what runs. */
#ifndef WSB_BROKER_CONTROL_PROPOSAL_H
#define WSB_BROKER_CONTROL_PROPOSAL_H

#include "broker/control/configuration.h"
#include "common/err.h"
#include "common/strbuf.h"

/* Whether the file says something else than this change does. */
bool proposal_differs(const struct configuration *configuration, const struct override *change);

/* Appends it as YAML: the keys that were changed at runtime, in the form of the file, each with its
 * place there, who, when and why as a comment; then, as comments alone, what is to be taken out and
 * what of the file waits for a restart. Nothing of it is a secret. WSB_ENOMEM. */
enum wsb_err proposal_write(const struct configuration *configuration,
			    struct strbuf *out) WSB_CHECKED;

#endif
