/* broker/control/configuration.h: the configuration of a broker that runs: what its file says, what
 * has been changed at runtime, and the two of them together.
 *
 * Every change is a step: it is read and checked as a whole first, by the rules by which a file is
 * checked; then it is taken or dropped, and until it is taken nothing has changed. */
#ifndef WSB_BROKER_CONTROL_CONFIGURATION_H
#define WSB_BROKER_CONTROL_CONFIGURATION_H

#include <stdbool.h>
#include <stdint.h>
#include "broker/control/config.h"
#include "broker/control/diff.h"
#include "broker/control/overrides.h"
#include "common/err.h"
#include "common/strbuf.h"

struct configuration {
	struct config_source source;  /* the file as it was when it was read last, or URLs */
	struct arena *text;	      /* owns the file's text; NULL: URLs */
	const struct config *file;    /* what the file alone says; held */
	const struct config *running; /* with all that lies on top; held */
	struct overrides overrides;
	int state_lock;		    /* a descriptor that keeps the state file ours; -1: none */
	uint64_t generation;	    /* 1, 2, ...: how often `running` was replaced */
	struct config_diff applied; /* by the latest step that was taken */
	struct config_diff pending; /* what of the file did not take effect then */
};

struct config_step {
	struct config_source source;
	struct arena *text; /* of the file, read anew; NULL: the one that is known */
	const struct config *file;
	const struct config *running;
	struct overrides overrides;
	struct config_diff applied; /* what changes at once */
	struct config_diff pending; /* how the file differs from what will run then: what needs a
				       restart, and what was changed at runtime */
};

/* Reads the file, or the URLs, which are borrowed, and what the state file keeps. Errors as of
 * config_load; WSB_EEXIST: another process has the state file. notes gets a line for each thing
 * about the state file that people should know; none of them keeps a broker from starting. */
enum wsb_err configuration_open(struct configuration *out, const char *path,
				const char *const *urls, size_t url_count, struct strbuf *errors,
				struct strbuf *notes) WSB_CHECKED;
void configuration_close(struct configuration *configuration);

/* The step to what the file says now. errors gets all that is wrong, as of config_load. WSB_ENOENT:
 * there is no file to read again. */
enum wsb_err configuration_reread(const struct configuration *configuration,
				  struct config_step *out, struct strbuf *errors) WSB_CHECKED;

/* For those who make steps, see setting.h: from source, file and overrides to what will run and
 * what is different then. Errors as of configuration_reread; they drop the step. */
enum wsb_err config_step_conclude(const struct configuration *configuration,
				  struct config_step *step, struct strbuf *errors) WSB_CHECKED;
/* Puts a change that fits into a configuration. WSB_ENOMEM. */
enum wsb_err config_put(struct config *config, const struct override *change) WSB_CHECKED;

/* Takes the step, or drops it; it is used up by either. */
void configuration_take(struct configuration *configuration, struct config_step *step);
void config_step_drop(struct config_step *step);

/* What has been changed in the running broker already, by a command: noted, and written into
 * `running` so that both say the same. WSB_ENOMEM: nothing is noted. */
enum wsb_err configuration_note(struct configuration *configuration,
				const struct override *change) WSB_CHECKED;

/* The size of this pool, which follows its load, is nobody's wish any more. */
void configuration_unpin(struct configuration *configuration, const char *pool);

/* What the state file is to hold now, from malloc. NULL: no memory, or something in it is no UTF-8.
 */
char *configuration_state(const struct configuration *configuration);

#endif
