#include "broker/io/saver.h"

#include <stdlib.h>
#include <string.h>

struct saver {
	uv_loop_t *loop;
	char *path;
	const struct saver_hooks *hooks; /* NULL: nobody is told any more */
	enum wsb_err (*write)(const char *path, const char *text, struct strbuf *why);
	void *context;
	uv_work_t work;
	bool busy;     /* the work is with the pool of threads */
	char *writing; /* what it writes */
	char *next;    /* newer; NULL: nothing */
	/* The thread's, until it has finished. */
	enum wsb_err err;
	struct strbuf why;
	/* So that whoever leaves can wait without the loop. */
	uv_mutex_t mutex;
	uv_cond_t finished_cond;
	bool finished;
};

enum wsb_err saver_create(struct saver **out, uv_loop_t *loop, const char *path,
			  const struct saver_hooks *hooks, void *context)
{
	struct saver *saver = calloc(1, sizeof(*saver));

	*out = NULL;
	if (!saver)
		return WSB_ENOMEM;
	saver->loop = loop;
	saver->path = strdup(path);
	saver->hooks = hooks;
	saver->write = hooks->write;
	saver->context = context;
	saver->work.data = saver;
	strbuf_init(&saver->why);
	if (!saver->path || uv_mutex_init(&saver->mutex)) {
		free(saver->path);
		free(saver);
		return WSB_ENOMEM;
	}
	if (uv_cond_init(&saver->finished_cond)) {
		uv_mutex_destroy(&saver->mutex);
		free(saver->path);
		free(saver);
		return WSB_ENOMEM;
	}
	*out = saver;
	return WSB_OK;
}

/* On another thread: nobody else touches writing, err and why meanwhile. */
static void on_work(uv_work_t *work)
{
	struct saver *saver = work->data;

	saver->err = saver->write(saver->path, saver->writing, &saver->why);
	uv_mutex_lock(&saver->mutex);
	saver->finished = true;
	uv_cond_signal(&saver->finished_cond);
	uv_mutex_unlock(&saver->mutex);
}

static void tell(struct saver *saver)
{
	if (saver->hooks)
		saver->hooks->written(saver->context, saver->err, strbuf_span(&saver->why).at);
}

static void begin(struct saver *saver);

static void on_done(uv_work_t *work, int status)
{
	struct saver *saver = work->data;

	saver->busy = false;
	free(saver->writing);
	saver->writing = NULL;
	if (status != UV_ECANCELED)
		tell(saver);
	if (saver->next)
		begin(saver);
}

static void begin(struct saver *saver)
{
	saver->writing = saver->next;
	saver->next = NULL;
	saver->finished = false;
	strbuf_clear(&saver->why);
	saver->busy = true;
	/* Without threads the loop does it itself. */
	if (uv_queue_work(saver->loop, &saver->work, on_work, on_done)) {
		on_work(&saver->work);
		on_done(&saver->work, 0);
	}
}

void saver_put(struct saver *saver, char *text)
{
	free(saver->next);
	saver->next = text;
	if (!saver->busy)
		begin(saver);
}

/* True: nothing is being written any more. */
static bool wait_for_thread(struct saver *saver)
{
	uint64_t deadline = uv_hrtime() + SAVER_PATIENCE_MS * UINT64_C(1000000);
	bool finished;

	uv_mutex_lock(&saver->mutex);
	while (!saver->finished && uv_hrtime() < deadline)
		uv_cond_timedwait(&saver->finished_cond, &saver->mutex, deadline - uv_hrtime());
	finished = saver->finished;
	uv_mutex_unlock(&saver->mutex);
	return finished;
}

/* What nobody has begun to write yet is written here. */
static void write_rest(struct saver *saver)
{
	if (!saver->next)
		return;
	strbuf_clear(&saver->why);
	saver->err = saver->write(saver->path, saver->next, &saver->why);
	free(saver->next);
	saver->next = NULL;
	tell(saver);
}

bool saver_finish(struct saver *saver)
{
	if (!saver)
		return true;
	if (saver->busy && uv_cancel((uv_req_t *)&saver->work) == 0) {
		if (!saver->next) {
			saver->next = saver->writing;
			saver->writing = NULL;
		}
	} else if (saver->busy) {
		if (!wait_for_thread(saver))
			return false;
		tell(saver);
	}
	write_rest(saver);
	saver->hooks = NULL;
	return true;
}

void saver_destroy(struct saver *saver)
{
	if (!saver)
		return;
	uv_cond_destroy(&saver->finished_cond);
	uv_mutex_destroy(&saver->mutex);
	strbuf_fini(&saver->why);
	free(saver->writing);
	free(saver->next);
	free(saver->path);
	free(saver);
}
