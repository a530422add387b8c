/* broker/control/value_text.h: a value of a configuration as text again: to be shown, compared and
 * written into a file. */
#ifndef WSB_BROKER_CONTROL_VALUE_TEXT_H
#define WSB_BROKER_CONTROL_VALUE_TEXT_H

#include <stdbool.h>
#include "broker/control/config.h"
#include "broker/control/options.h"
#include "common/strbuf.h"

/* Appends the value as a file would have it, without quotes around a scalar. False, and nothing is
 * appended: there is none. base is the struct of the option's scope, in config. Secrets are
 * written out: whether they may be seen is for the caller to ask. A list of structs is told by its
 * count alone. */
bool value_text(const struct config *config, const struct option *option, const void *base,
		struct strbuf *out);

/* What is said instead of a value that nobody may see. */
#define VALUE_SECRET "(secret)"

/* The same as it may be shown to anybody: of a URL of an endpoint its scheme, host and port ("…"
 * for a path, which may hold a key), of other secrets that there is one. */
bool value_shown(const struct config *config, const struct option *option, const void *base,
		 struct strbuf *out);

/* Whether two configurations say the same here; for a token file also what it holds. Lists of
 * structs are the caller's to walk, and always the same. */
bool value_same(const struct config *config_a, const void *a, const struct config *config_b,
		const void *b, const struct option *option);

/* Appends text as one scalar of YAML that is read back as this text, in quotes where it must. */
void yaml_scalar(struct strbuf *out, struct span text);

#endif
