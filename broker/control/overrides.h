/* broker/control/overrides.h: what has been changed at runtime: which key, to what, by whom, when
 * and why, and what the file said of it then.
 *
 * A change stands for as long as the file goes on saying of that very key what it said when the
 * change was made: a reload, or a restart with a state file, puts it on top of the file again.
 * Where the file's own value has changed since, the file is right. */
#ifndef WSB_BROKER_CONTROL_OVERRIDES_H
#define WSB_BROKER_CONTROL_OVERRIDES_H

#include <stdbool.h>
#include <stdint.h>
#include "broker/control/config.h"
#include "broker/control/document.h"
#include "common/err.h"
#include "common/list.h"
#include "common/span.h"

enum override_kind {
	OVERRIDE_VALUE,	  /* a key has another value */
	OVERRIDE_ADDED,	  /* an endpoint that the file does not name; value: its URL */
	OVERRIDE_REMOVED, /* an endpoint that the file names is gone */
};

/* As it is asked for, and as it is kept; texts are never NULL but value and under. */
struct override {
	struct list_node link;
	enum override_kind kind;
	const char *key;
	const char *value; /* as a file would have it; NULL: OVERRIDE_REMOVED */
	const char *under; /* what the file said of the key; NULL: nothing. Set by overrides_set */
	const char *actor; /* name of a token, "uid 1000", "tuner" */
	const char *reason;
	uint64_t wall_us;
};

struct overrides {
	struct list list; /* in the order in which they were made */
};

void overrides_init(struct overrides *overrides);
void overrides_fini(struct overrides *overrides);

/* Copies the change; an earlier one of the same key is forgotten, and so is this one where it says
 * what file says. Removing an endpoint forgets all that was changed of it. WSB_ENOMEM leaves all as
 * it was. */
enum wsb_err overrides_set(struct overrides *overrides, const struct config *file,
			   const struct override *change) WSB_CHECKED;
/* As it was kept before, with its own `under`. WSB_ENOMEM. */
enum wsb_err overrides_restore(struct overrides *overrides,
			       const struct override *change) WSB_CHECKED;

/* NULL: this key has not been changed. */
const struct override *overrides_find(const struct overrides *overrides, struct span key);

/* As if this key had never been changed. */
void overrides_forget(struct overrides *overrides, struct span key);

/* Whether a value of this key says something even where it is the file's: a size that follows the
 * load does not follow it any more once an operator has set it. */
bool override_pins(const struct config *file, const char *key);

/* Whether the change stands above this file. */
bool override_stands(const struct override *override, const struct config *file);
/* Forgets those that do not stand. Returns how many. */
size_t overrides_prune(struct overrides *overrides, const struct config *file);

/* WSB_ENOMEM leaves *out empty. */
enum wsb_err overrides_copy(struct overrides *out, const struct overrides *from) WSB_CHECKED;

/* Puts one change on top of config, whose endpoints have their names. What cannot be put there
 * becomes a complaint that names its key. */
void override_apply(const struct override *override, struct document *document,
		    struct config *config);

/* Puts those that stand above file on top of config, which has been read from the same text. */
void overrides_apply(const struct overrides *overrides, struct document *document,
		     const struct config *file, struct config *config);

#endif
