/* broker/engine/value.h: an answer without its id, as the cache keeps it, and the same as an answer
 * to somebody. */
#ifndef WSB_BROKER_ENGINE_VALUE_H
#define WSB_BROKER_ENGINE_VALUE_H

#include "broker/cache/cache.h"
#include "broker/engine/settle.h"

/* What goes out, to be written one piece after another. */
struct value_letter {
	struct span pieces[MESSAGE_PIECES_MAX];
	size_t count;
	struct message_edit edit; /* some pieces point into it */
};

/* Takes the id out of an answer; *out lies in the engine's memory until the next call.
 * WSB_ENOMEM. */
enum wsb_err value_cut(struct engine *engine, const struct message *answer,
		       struct cache_value *out) WSB_CHECKED;

/* The same in the other encoding; *out lies in the engine's memory until the next call, beside what
 * value_cut has made. WSB_EINVAL: that encoding cannot carry it; WSB_ENOMEM. */
enum wsb_err value_turn(struct engine *engine, const struct cache_value *value,
			struct cache_value *out) WSB_CHECKED;

/* Puts the caller's id in, and why (JSON; empty: nothing) as `wsbroker` member; in the caller's
 * encoding. The pieces are valid until the engine's buffers are used for anything else, and
 * allocate nothing when nothing is to be rewritten. WSB_EINVAL: that encoding cannot carry it;
 * WSB_ENOMEM. */
enum wsb_err value_compose(struct engine *engine, const struct cache_value *value,
			   const struct caller *caller, struct span why,
			   struct value_letter *out) WSB_CHECKED;

#endif
