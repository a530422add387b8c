/* broker/io/resolver.h: names to addresses, off the loop's thread. */
#ifndef WSB_BROKER_IO_RESOLVER_H
#define WSB_BROKER_IO_RESOLVER_H

#include <stddef.h>
#include <uv.h>
#include "common/err.h"

#define RESOLVER_ADDRESSES_MAX 16
#define RESOLVER_TEXT_MAX      46

struct resolver_answer {
	size_t count; /* 0: the look-up failed, error says why */
	char addresses[RESOLVER_ADDRESSES_MAX][RESOLVER_TEXT_MAX];
	const char *error;
};

/* One look-up under way; on the heap, it frees itself. */
struct resolver_query;

/* The answer is valid during the callback, which never comes before resolver_ask has returned. */
typedef void resolver_done(void *context, const struct resolver_answer *answer);

/* WSB_OK: *out is under way and done will be called once, unless resolver_forget comes first.
 * WSB_ENOMEM, WSB_EIO. */
enum wsb_err resolver_ask(struct resolver_query **out, uv_loop_t *loop, const char *host,
			  resolver_done *done, void *context) WSB_CHECKED;

/* Nobody waits for it any more. */
void resolver_forget(struct resolver_query *query);

/* Whether host is an address already, and needs no look-up. */
int resolver_is_address(const char *host);

#endif
