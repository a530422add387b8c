/* broker/tool/expectation.h: what each result must contain, perhaps depending on the key. Pure. */
#ifndef WSB_BROKER_TOOL_EXPECTATION_H
#define WSB_BROKER_TOOL_EXPECTATION_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "common/err.h"
#include "common/span.h"
#include "common/strbuf.h"

struct expectation {
	struct span text; /* JSON with {key}; absent: anything is right */
	bool keyed;
	json_t *tree; /* of the text, unless keyed */
	struct strbuf expanded;
};

/* Borrows text, which may be NULL. WSB_EPARSE: it is not JSON. */
enum wsb_err expectation_init(struct expectation *expectation, const char *text) WSB_CHECKED;
void expectation_fini(struct expectation *expectation);

/* Whether the result (JSON) contains what was expected for the key, as partial_match says. Equal
 * bytes are found out without building a tree. */
bool expectation_met(struct expectation *expectation, uint64_t key, struct span result);

#endif
