/* broker/control/entry.h: the lists of structs within a configuration, walked by the option table.
 */
#ifndef WSB_BROKER_CONTROL_ENTRY_H
#define WSB_BROKER_CONTROL_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include "broker/control/config.h"
#include "broker/control/options.h"
#include "common/span.h"
#include "common/strbuf.h"

size_t entry_count(const struct option *list, const void *base);
void *entry_at(const struct option *list, const void *base, size_t position);

/* What tells an entry from the others of its list, and stays when the list changes: the name of a
 * pool or an endpoint, the address of a listener. NULL: only its position does, or it has none
 * yet. */
const char *entry_name(enum option_scope scope, const void *entry);
bool entries_have_names(enum option_scope scope);
/* Whether an option is what its struct is told by: with another value it is another entry. */
bool option_is_identity(const struct option *option);

/* The one of this name; NULL: there is none. */
void *entry_find(const struct option *list, const void *base, struct span name);

/* Appends the key of an entry: "pools.main", "routes[3]". prefix is that of the struct that holds
 * the list: "" or "pools.main.". */
void entry_key(struct strbuf *out, const char *prefix, const struct option *list, const void *entry,
	       size_t position);

#endif
