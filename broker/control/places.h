/* broker/control/places.h: where a file says what: the text of a configuration that has been read,
 * looked at once more. */
#ifndef WSB_BROKER_CONTROL_PLACES_H
#define WSB_BROKER_CONTROL_PLACES_H

#include "broker/control/config.h"
#include "broker/control/document.h"
#include "broker/control/options.h"
#include "common/err.h"

struct places {
	struct document document; /* without a root: URLs, which have no places */
	struct complaints complaints;
	const struct config *config;
	const char *file;
};

/* config is what source alone makes; both must stay until places_close. WSB_ENOMEM. */
enum wsb_err places_open(struct places *out, const struct config_source *source,
			 const struct config *config) WSB_CHECKED;
void places_close(struct places *places);

/* The file as a whole; NULL: there is none. */
yaml_node_t *places_root(struct places *places);

/* What the file says of an option within the entry of a list, or within the whole file where entry
 * is its root. NULL: nothing. */
yaml_node_t *places_option(struct places *places, yaml_node_t *entry, const struct option *option);

/* The same of a key such as "pools.main.size", or a whole entry such as "pools.main". NULL: it says
 * nothing of it. */
yaml_node_t *places_key(struct places *places, struct span key);

/* Appends "FILE:LINE:COL" of a key, or of the entry that it would stand in; nothing where the file
 * has neither. */
void places_write(struct places *places, struct span key, struct strbuf *out);

#endif
