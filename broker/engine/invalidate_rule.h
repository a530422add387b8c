/* broker/engine/invalidate_rule.h: what the rules of routes and pushes invalidate. */
#ifndef WSB_BROKER_ENGINE_INVALIDATE_RULE_H
#define WSB_BROKER_ENGINE_INVALIDATE_RULE_H

#include "broker/engine/state.h"

/* A write has succeeded: call before its caller gets the answer, who will then read what it wrote.
 */
void invalidate_by_write(struct engine *engine, const struct exchange *exchange,
			 const struct message *answer, uint64_t now_us);
/* One ends with an error of the broker's own. If it has been sent, it may have been done. */
void invalidate_by_doubt(struct engine *engine, const struct exchange *exchange, uint64_t now_us);
/* The same of one that is known by its text. answer: NULL where there is none. */
void invalidate_by_text(struct engine *engine, const struct invalidate_rule *rule,
			enum encoding encoding, struct span text, const struct message *answer,
			uint64_t now_us);
/* A push has come: call before it is passed on. */
void invalidate_by_push(struct engine *engine, const struct invalidate_rule *rule,
			const struct message *push, uint64_t now_us);

/* Pushes may have been missed: what the rule might have named becomes stale. */
void invalidate_by_gap(struct engine *engine, const struct invalidate_rule *rule, uint64_t now_us);

#endif
