#include "broker/console/cursor.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[] = "/tmp/wsb-cursor-XXXXXX";
static char file[64];

static void make_folder(void)
{
	cr_assert(mkdtemp(folder));
	snprintf(file, sizeof(file), "%s/cursor", folder);
}

static void drop_folder(void)
{
	unlink(file);
	rmdir(folder);
}

TestSuite(cursor, .init = make_folder, .fini = drop_folder);

static void put(const char *text)
{
	FILE *out = fopen(file, "w");

	cr_assert(out);
	cr_assert_eq(fputs(text, out) >= 0, 1);
	cr_assert_eq(fclose(out), 0);
}

Test(cursor, is_nowhere_without_a_file)
{
	char place[SSE_ID_MAX] = "x";

	cr_assert_eq(cursor_load(file, place), WSB_OK);
	cr_assert_str_eq(place, "");
}

Test(cursor, is_found_where_it_was_put)
{
	char place[SSE_ID_MAX];

	cr_assert_eq(cursor_save(file, "1763795520123-4711"), WSB_OK);
	cr_assert_eq(cursor_save(file, "1763795520123-4712"), WSB_OK);
	cr_assert_eq(cursor_load(file, place), WSB_OK);
	cr_assert_str_eq(place, "1763795520123-4712");
}

Test(cursor, leaves_nothing_else_behind)
{
	cr_assert_eq(cursor_save(file, "1-1"), WSB_OK);
	cr_assert_eq(unlink(file), 0);
	cr_assert_eq(rmdir(folder), 0, "the folder is empty");
}

Test(cursor, refuses_what_is_no_position)
{
	static const char *const texts[] = {"junk\n",  "1-\n",	 "-1\n",
					    "1-2 3\n", "01-2\n", "\xff\n"};
	char place[SSE_ID_MAX];

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		put(texts[i]);
		cr_expect_eq(cursor_load(file, place), WSB_EINVAL, "%s", texts[i]);
	}
}

/* As a full disk may leave it: begin anew rather than never. */
Test(cursor, takes_an_empty_file_for_none)
{
	char place[SSE_ID_MAX];

	put("");
	cr_assert_eq(cursor_load(file, place), WSB_OK);
	cr_assert_str_eq(place, "");
}

Test(cursor, says_why_it_cannot_be_kept)
{
	cr_assert_eq(cursor_save("/nowhere/cursor", "1-1"), WSB_EIO);
	cr_assert_eq(errno, ENOENT);
}
