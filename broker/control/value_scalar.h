/* broker/control/value_scalar.h: values that are one text. */
#ifndef WSB_BROKER_CONTROL_VALUE_SCALAR_H
#define WSB_BROKER_CONTROL_VALUE_SCALAR_H

#include <stdbool.h>
#include <stddef.h>
#include "broker/control/document.h"
#include "broker/control/options.h"
#include "common/err.h"
#include "common/span.h"

#define VALUE_WHY_MAX 192

/* A JSON pointer (RFC 6901) of 1 to 3 steps. */
bool pointer_is_valid(struct span text);

/* text is expanded, terminated and lives as long as the configuration. place is where complaints of
 * files that the text names belong (they name their own lines).
 * WSB_EINVAL: the member is as it was; why is a sentence, or "" where "expected ... got ..." says
 * all; it shows nothing of text. WSB_ENOMEM: the arena has failed. */
enum wsb_err value_scalar(struct document *document, const struct option *option, struct span text,
			  struct place place, void *base, char why[VALUE_WHY_MAX]) WSB_CHECKED;

/* What OPTION_NAME takes: 1 to 64 letters, digits and ._-:[] */
bool value_is_name(struct span text);

#endif
