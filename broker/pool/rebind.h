/* broker/pool/rebind.h: a pool that runs gets other settings. */
#ifndef WSB_BROKER_POOL_REBIND_H
#define WSB_BROKER_POOL_REBIND_H

#include "broker/pool/pool.h"

/* All that the change needs, so that taking it cannot fail. */
struct pool_rebind {
	struct pool *pool;
	const struct pool_settings *settings;
	struct endpoint **joining; /* made already, known to nobody */
	size_t joining_count;
	bool greeting_changed; /* on_connect says something else than before */
};

/* Whether these settings leave what a pool is for life: what it speaks, and whose messages it
 * carries where. */
bool pool_may_rebind(const struct pool *pool, const struct pool_settings *settings);

/* The pool stays as it is. settings must have the pool's name, and pool_may_rebind have allowed
 * them. WSB_ENOMEM: nothing has to be given back. */
enum wsb_err pool_rebind_prepare(struct pool_rebind *out, struct pool *pool,
				 const struct pool_settings *settings, uint64_t now_us) WSB_CHECKED;
void pool_rebind_drop(struct pool_rebind *rebind);

/* The pool obeys its new settings, which must outlive it or the next change; nothing looks at the
 * old ones any more. Endpoints are matched by their names: one that is not named any more is
 * removed, one whose address is another is replaced, each once its requests have ended. The size
 * changes only where the settings say another one than before: what autoscaling made of it stays.
 * Connections that are being greeted in the old way are left to the caller. */
void pool_rebind_take(struct pool_rebind *rebind, uint64_t now_us);

#endif
