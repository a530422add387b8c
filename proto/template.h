/* proto/template.h: JSON text with slots: $id $code $message $data $result; $$ is a dollar sign. */
#ifndef WSB_PROTO_TEMPLATE_H
#define WSB_PROTO_TEMPLATE_H

#include <stddef.h>
#include "common/err.h"
#include "common/span.h"
#include "common/strbuf.h"

enum template_slot {
	SLOT_ID,
	SLOT_CODE,
	SLOT_MESSAGE,
	SLOT_DATA,
	SLOT_RESULT,
	SLOT_METHOD,
	SLOT_PARAMS,
	SLOT_COUNT,
};

struct template;

/* slots: which may be used, one bit each. WSB_EINVAL: *why (constant text) says what is wrong;
 * whatever values are put in, what template_fill makes is valid JSON. WSB_ENOMEM. */
enum wsb_err template_compile(struct template **out, struct span text, unsigned slots,
			      const char **why) WSB_CHECKED;
void template_destroy(struct template *compiled); /* NULL is allowed */

/* Appends the text with a JSON token in each slot. Running out of memory shows in out. */
void template_fill(const struct template *compiled, const struct span values[SLOT_COUNT],
		   struct strbuf *out);

#endif
