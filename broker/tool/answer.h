/* broker/tool/answer.h: one answer, shown to people. Pure. */
#ifndef WSB_BROKER_TOOL_ANSWER_H
#define WSB_BROKER_TOOL_ANSWER_H

#include "common/span.h"
#include "common/strbuf.h"
#include "proto/envelope.h"

/* Appends the result, laid out, and the `wsbroker` member if there is one. Ends with a line break.
 */
void answer_result(const struct message *message, struct strbuf *out);

/* Appends a JSON-RPC error as "error CODE REASON: MESSAGE" and its data, laid out. Ends with a line
 * break. What is no such error is shown as it is. */
void answer_error(struct span error, struct strbuf *out);

#endif
