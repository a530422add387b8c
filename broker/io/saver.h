/* broker/io/saver.h: keeps a file up to date without the loop waiting for the disk: one write at a
 * time, on a thread of libuv's pool; of what comes meanwhile, the newest is written next. */
#ifndef WSB_BROKER_IO_SAVER_H
#define WSB_BROKER_IO_SAVER_H

#include <stdbool.h>
#include <uv.h>
#include "common/err.h"
#include "common/strbuf.h"

struct saver;

struct saver_hooks {
	/* Replaces the file at path as a whole; called on another thread. Errors: why says why. */
	enum wsb_err (*write)(const char *path, const char *text, struct strbuf *why);
	/* On the loop's thread, after each write; why is "" when it went well. */
	void (*written)(void *context, enum wsb_err err, const char *why);
};

/* Borrows the loop, hooks and context; path is copied. WSB_ENOMEM. */
enum wsb_err saver_create(struct saver **out, uv_loop_t *loop, const char *path,
			  const struct saver_hooks *hooks, void *context) WSB_CHECKED;

/* Owns text, which is from malloc, from now on. */
void saver_put(struct saver *saver, char *text);

/* Waits until all that was put is written; the hooks are not called after that. False: the disk
 * does not answer, and nothing of the saver may be freed. NULL is allowed. */
bool saver_finish(struct saver *saver) WSB_CHECKED;
#define SAVER_PATIENCE_MS 5000

/* After saver_finish has returned true and the loop has settled. NULL is allowed. */
void saver_destroy(struct saver *saver);

#endif
