/* broker/console/condition.h: what `wait` waits for. Pure.
 *
 *   ready                       /readyz would answer 200
 *   drained                     nothing is left of a drain
 *   pool.NAME.MEMBER OP VALUE   of a pool, as /v1/pools shows it: pool.main.ready>=4
 *   endpoint.POOL/NAME.MEMBER OP VALUE   of an endpoint: endpoint.main/a.state==drained
 *   MEMBER OP VALUE             of the broker, as /v1/status shows it: clients<10
 *
 * OP is one of >= <= > < == = !=. Numbers are compared as numbers, other things as texts. */
#ifndef WSB_BROKER_CONSOLE_CONDITION_H
#define WSB_BROKER_CONSOLE_CONDITION_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include "common/err.h"

#define CONDITION_TEXT_MAX 160

enum condition_subject {
	CONDITION_READY,
	CONDITION_DRAINED,
	CONDITION_STATUS,
	CONDITION_POOL,
	CONDITION_ENDPOINT,
};

struct condition {
	enum condition_subject subject;
	char object[CONDITION_TEXT_MAX]; /* POOL or POOL/NAME */
	char member[CONDITION_TEXT_MAX];
	char operator[3];
	char value[CONDITION_TEXT_MAX];
};

/* WSB_EINVAL: why is a sentence. */
enum wsb_err condition_parse(const char *text, struct condition *out, char *why,
			     size_t why_size) WSB_CHECKED;

/* The path of the admin API that shows it. */
const char *condition_path(const struct condition *condition);

/* Whether it holds, given the answer of that path. found: a few words on what there is instead.
 * WSB_ENOENT: there is no such pool or endpoint, yet; WSB_EINVAL: there never is such a member;
 * found says which. */
enum wsb_err condition_holds(const struct condition *condition, const json_t *answer, bool *holds,
			     char found[CONDITION_TEXT_MAX]) WSB_CHECKED;

#endif
