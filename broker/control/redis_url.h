/* broker/control/redis_url.h: where Redis is, read from text. */
#ifndef WSB_BROKER_CONTROL_REDIS_URL_H
#define WSB_BROKER_CONTROL_REDIS_URL_H

#include "broker/control/arena.h"
#include "broker/control/document.h"
#include "broker/control/options.h"
#include "broker/journal/settings.h"
#include "common/err.h"
#include "common/span.h"

#define REDIS_URLS_MAX 16

/* redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE], or a Unix socket as redis+unix://, unix:// or
 * unix: with [[USER]:PASSWORD@]/PATH[?db=DATABASE]. User and password may be percent-encoded. The
 * texts of *out live in the arena. WSB_EINVAL: *why is a sentence that shows nothing of text;
 * WSB_ENOMEM. */
enum wsb_err redis_url_parse(struct arena *arena, struct span text, struct bus_url *out,
			     const char **why) WSB_CHECKED;

/* One URL, or a list of them, into the struct bus_settings that option is a member of; what does
 * not fit becomes a complaint. */
void redis_urls_read(struct document *document, const struct option *option, yaml_node_t *node,
		     struct bus_settings *out);

/* Copies the URLs into the arena. */
void redis_urls_keep(struct arena *arena, struct bus_settings *to, const struct bus_settings *from);

#endif
