/* A file that is kept up to date without the loop waiting for it. The threads wait for the test. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "broker/io/saver.h"

static uv_loop_t loop;
static struct saver *saver;
static uv_sem_t begun;	    /* posted by each write as it begins */
static uv_sem_t let_go;	    /* waited for by each write */
static char writes[256];    /* "a;c;", in their order */
static char told[256];	    /* "ok;full;" */
static enum wsb_err result; /* of each write */

static enum wsb_err write_text(const char *path, const char *text, struct strbuf *why)
{
	size_t len = strlen(writes);

	cr_expect_str_eq(path, "/the/file");
	uv_sem_post(&begun);
	uv_sem_wait(&let_go);
	snprintf(writes + len, sizeof(writes) - len, "%s;", text);
	if (result)
		strbuf_text(why, "full");
	return result;
}

static void on_written(void *context, enum wsb_err err, const char *why)
{
	size_t len = strlen(told);

	cr_expect_eq(context, told);
	snprintf(told + len, sizeof(told) - len, "%s;", err ? why : "ok");
}

static const struct saver_hooks hooks = {.write = write_text, .written = on_written};

static void set_up(void)
{
	cr_assert_eq(uv_loop_init(&loop), 0);
	uv_sem_init(&begun, 0);
	uv_sem_init(&let_go, 0);
	cr_assert_eq(saver_create(&saver, &loop, "/the/file", &hooks, told), WSB_OK);
}

static void tear_down(void)
{
	uv_run(&loop, UV_RUN_DEFAULT);
	saver_destroy(saver);
	cr_expect_eq(uv_loop_close(&loop), 0);
}

TestSuite(saver, .init = set_up, .fini = tear_down);

static void allow(unsigned int count)
{
	while (count-- > 0)
		uv_sem_post(&let_go);
}

Test(saver, the_newest_wins_and_the_order_stays)
{
	saver_put(saver, strdup("a"));
	uv_sem_wait(&begun);
	saver_put(saver, strdup("b"));
	saver_put(saver, strdup("c"));
	cr_expect_str_eq(told, "", "nobody has waited for the disk");
	allow(2);
	uv_run(&loop, UV_RUN_DEFAULT);
	cr_expect_str_eq(writes, "a;c;");
	cr_expect_str_eq(told, "ok;ok;");
	allow(1);
	saver_put(saver, strdup("d"));
	cr_expect(saver_finish(saver));
	cr_expect_str_eq(writes, "a;c;d;");
}

Test(saver, whoever_leaves_waits_for_what_was_put)
{
	saver_put(saver, strdup("a"));
	uv_sem_wait(&begun);
	saver_put(saver, strdup("b"));
	allow(2);
	cr_expect(saver_finish(saver));
	cr_expect_str_eq(writes, "a;b;");
	cr_expect_str_eq(told, "ok;ok;");
	uv_run(&loop, UV_RUN_DEFAULT);
	cr_expect_str_eq(told, "ok;ok;", "nobody is told twice");
}

static void occupy(uv_work_t *work)
{
	(void)work;
	uv_sem_post(&begun);
	uv_sem_wait(&let_go);
}

/* Look-ups that hang may have all of the threads. */
Test(saver, what_no_thread_has_begun_is_written_by_who_leaves)
{
	static uv_work_t works[4];

	for (size_t i = 0; i < 4; i++)
		cr_assert_eq(uv_queue_work(&loop, &works[i], occupy, NULL), 0);
	for (size_t i = 0; i < 4; i++)
		uv_sem_wait(&begun);
	saver_put(saver, strdup("a"));
	result = WSB_EIO;
	allow(1 + 4);
	cr_expect(saver_finish(saver));
	cr_expect_str_eq(writes, "a;");
	cr_expect_str_eq(told, "full;");
}

Test(saver, nothing_to_write_is_nothing_to_wait_for)
{
	cr_expect(saver_finish(saver));
	cr_expect(saver_finish(NULL));
	saver_destroy(NULL);
	cr_expect_str_eq(told, "");
}

Test(saver, what_went_wrong_is_told)
{
	result = WSB_EIO;
	saver_put(saver, strdup("a"));
	allow(2);
	uv_run(&loop, UV_RUN_DEFAULT);
	result = WSB_OK;
	saver_put(saver, strdup("b"));
	uv_run(&loop, UV_RUN_DEFAULT);
	cr_expect_str_eq(told, "full;ok;");
	cr_expect(saver_finish(saver));
}
