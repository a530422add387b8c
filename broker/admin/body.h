/* broker/admin/body.h: what a request's body may hold, member by member. Pure. */
#ifndef WSB_BROKER_ADMIN_BODY_H
#define WSB_BROKER_ADMIN_BODY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include "broker/admin/admin.h"

enum body_kind {
	BODY_TEXT,
	BODY_FLAG,
	BODY_COUNT,   /* a whole number, 0 to 2^32 - 1 */
	BODY_SECONDS, /* a number, 0 or more */
	BODY_SCALAR,  /* a string, a number, true or false */
	BODY_URL,     /* a text that may hold a secret: never shown */
};

struct body_member {
	const char *name;
	enum body_kind kind;
};

/* The object in body, {} where there is nothing; the caller gives it back. NULL: response says what
 * is wrong with it, and where. */
json_t *body_parse(struct span body, struct admin_response *response);

/* Whether object has no members but these, each of its kind. False: response says which is wrong,
 * and which was perhaps meant. */
bool body_check(const json_t *object, const struct body_member *members, size_t count,
		struct admin_response *response);

/* After body_check: a member's value; fallback when it is not there or null. */
const char *body_text(const json_t *object, const char *name, const char *fallback);
bool body_flag(const json_t *object, const char *name);
uint64_t body_us(const json_t *object, const char *name, uint64_t fallback_us);
/* False: it is not there; *out is untouched. */
bool body_count(const json_t *object, const char *name, uint32_t *out);

#endif
