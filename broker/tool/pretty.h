/* broker/tool/pretty.h: JSON laid out for people, or on one line; numbers and strings stay as they
 * were written. Pure. */
#ifndef WSB_BROKER_TOOL_PRETTY_H
#define WSB_BROKER_TOOL_PRETTY_H

#include "common/span.h"
#include "common/strbuf.h"

/* Appends text, which must be well-formed JSON, with two spaces of indentation for each level. */
void pretty_json(struct span text, struct strbuf *out);

/* Appends text, which must be well-formed JSON, without a line break. */
void one_line_json(struct span text, struct strbuf *out);

#endif
