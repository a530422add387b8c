#include <criterion/criterion.h>
#include "broker/console/table.h"

static const struct table_column columns[] = {{"NAME", false}, {"COUNT", true}, {"WHY", false}};

static struct table table;
static struct strbuf out;

static void set_up(void)
{
	table_init(&table, columns, 3);
	strbuf_init(&out);
}

static void tear_down(void)
{
	table_fini(&table);
	strbuf_fini(&out);
}

TestSuite(table, .init = set_up, .fini = tear_down);

Test(table, without_rows_is_its_titles)
{
	table_write(&table, &out);
	cr_expect_str_eq(out.text, "NAME  COUNT  WHY\n");
}

Test(table, columns_are_as_wide_as_they_must_be)
{
	table_cell(&table, "a");
	table_printf(&table, "%d", 1);
	table_cell(&table, "-");
	table_cell(&table, "longer");
	table_printf(&table, "%d", 1234567);
	table_cell(&table, "because of this");
	table_write(&table, &out);
	cr_expect_str_eq(out.text, "NAME      COUNT  WHY\n"
				   "a             1  -\n"
				   "longer  1234567  because of this\n");
}

Test(table, widths_are_of_characters)
{
	table_cell(&table, "čaj");
	table_cell(&table, "1");
	table_cell(&table, "x");
	table_cell(&table, "tea…x");
	table_cell(&table, "1");
	table_cell(&table, "y");
	table_write(&table, &out);
	cr_expect_str_eq(out.text, "NAME   COUNT  WHY\n"
				   "čaj        1  x\n"
				   "tea…x      1  y\n");
}

Test(table, cells_cannot_steer_the_terminal)
{
	table_cell(&table, "\x1b[31m\n");
	table_cell(&table, "\xff\xc2\x9b");
	table_cell(&table, "\"q\" \\ \x7f");
	table_write(&table, &out);
	cr_expect_str_eq(out.text, "NAME            COUNT  WHY\n"
				   "\\u001b[31m\\n  \xef\xbf\xbd\\u009b  \"q\" \\ \\u007f\n");
}

Test(table, long_texts_are_cut_but_for_the_last)
{
	table.widest = 4;
	table_cell(&table, "čačaj");
	table_cell(&table, "1234");
	table_cell(&table, "the last is as long as it is");
	table_cell(&table, "čača");
	table_cell(&table, "");
	table_cell(&table, "");
	table_write(&table, &out);
	cr_expect_str_eq(out.text, "NAME  COUNT  WHY\n"
				   "čač…   1234  the last is as long as it is\n"
				   "čača         \n");
}

Test(table, a_row_that_is_not_whole_is_left_out)
{
	table_cell(&table, "a");
	table_write(&table, &out);
	cr_expect_str_eq(out.text, "NAME  COUNT  WHY\n");
}
