/* broker/control/reader.h: walks the nodes of a file by the option table and fills the structs. */
#ifndef WSB_BROKER_CONTROL_READER_H
#define WSB_BROKER_CONTROL_READER_H

#include "broker/control/config.h"
#include "broker/control/document.h"
#include "broker/control/options.h"

/* Sets every option of the scope that has a default. */
void reader_defaults(struct document *document, enum option_scope scope, void *base);

/* Fills config, with defaults for the keys that are not there (a value that does not fit leaves its
 * member zero, so that the checks have nothing to say of it); unknown keys, keys that stand twice,
 * missing ones and values that do not fit become complaints. Each list has as many entries as its
 * node, whatever is wrong with them. */
void reader_fill(struct document *document, struct config *config);

#endif
