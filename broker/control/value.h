/* broker/control/value.h: one value of the file, or one default, into the member that its option
 * names. */
#ifndef WSB_BROKER_CONTROL_VALUE_H
#define WSB_BROKER_CONTROL_VALUE_H

#include <stdbool.h>
#include "broker/control/document.h"
#include "broker/control/options.h"

/* base is the struct of the option's scope. A value that does not fit becomes a complaint at the
 * node and leaves the member zero. */

/* Every type but OPTION_LIST, whose entries are the reader's. */
void value_read(struct document *document, const struct option *option, yaml_node_t *node,
		void *base);

/* The default, of an option that is a scalar and has one. One that does not fit is our own mistake.
 */
void value_default(struct document *document, const struct option *option, void *base);

#endif
