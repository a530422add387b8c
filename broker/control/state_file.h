/* broker/control/state_file.h: runtime changes that outlive a restart, as one JSON file. */
#ifndef WSB_BROKER_CONTROL_STATE_FILE_H
#define WSB_BROKER_CONTROL_STATE_FILE_H

#include "broker/control/overrides.h"
#include "common/err.h"
#include "common/strbuf.h"

/* Adds what the file holds to overrides. WSB_ENOENT: there is no such file. WSB_EIO, WSB_EPARSE: it
 * is of no use, nothing was added, and why says so. WSB_ENOMEM. */
enum wsb_err state_file_read(struct overrides *overrides, const char *path,
			     struct strbuf *why) WSB_CHECKED;

/* Replaces the file as a whole: whoever reads it, also after a crash, finds the old or the new one.
 * Only its owner may read it, since URLs may hold secrets. WSB_EIO: why says so; WSB_ENOMEM. */
enum wsb_err state_file_write(const struct overrides *overrides, const char *path,
			      struct strbuf *why) WSB_CHECKED;

/* Takes a file that is of no use out of the way, to PATH.broken. */
void state_file_set_aside(const char *path);

#endif
