/* broker/console/pages_config.h: the configuration as pages for people. Pure. */
#ifndef WSB_BROKER_CONSOLE_PAGES_CONFIG_H
#define WSB_BROKER_CONSOLE_PAGES_CONFIG_H

#include <jansson.h>
#include "common/strbuf.h"

/* Every value; of a single one also what it is for. */
void page_config(const json_t *rows, struct strbuf *out);
/* The YAML in it, as it is. */
void page_config_diff(const json_t *diff, struct strbuf *out);
/* What a reload, or a value that was set, has changed and what not. */
void page_config_reload(const json_t *step, struct strbuf *out);
void page_config_set(const json_t *step, struct strbuf *out);

#endif
