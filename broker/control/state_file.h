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

/* What the file will hold, from malloc. NULL: no memory, or something in it is no UTF-8. */
char *state_file_text(const struct overrides *overrides);

/* Replaces the file as a whole: whoever reads it, also after a crash, finds the old or the new one.
 * Only its owner may read it, since URLs may hold secrets. May be called on any thread. WSB_EIO:
 * why says so; WSB_ENOMEM. */
enum wsb_err state_file_write(const char *path, const char *text, struct strbuf *why) WSB_CHECKED;

/* Makes the file this process's own until *out is closed, by a lock on PATH.lock beside it, which
 * stays there: the file itself is another one after each write. WSB_EEXIST: another process has it;
 * WSB_EIO: it cannot be locked: why says so; WSB_ENOMEM. */
enum wsb_err state_file_lock(const char *path, int *out, struct strbuf *why) WSB_CHECKED;

/* Takes a file that is of no use out of the way, to PATH.broken. */
void state_file_set_aside(const char *path);

#endif
