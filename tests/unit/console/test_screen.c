/* Lines, cut and painted. */
#include <criterion/criterion.h>
#include <string.h>
#include "broker/console/screen.h"

static struct screen screen;
static struct screen shown;
static struct strbuf out;

static void set_up(void)
{
	screen_init(&screen);
	screen_init(&shown);
	strbuf_init(&out);
}

static void tear_down(void)
{
	screen_fini(&screen);
	screen_fini(&shown);
	strbuf_fini(&out);
}

TestSuite(screen, .init = set_up, .fini = tear_down);

Test(screen, lines_are_cut_by_characters)
{
	screen_begin(&screen, 3, 5);
	screen_add(&screen, SCREEN_PLAIN, "1234567");
	screen_add(&screen, SCREEN_PLAIN, "čřžýáíé");
	screen_add(&screen, SCREEN_PLAIN, "\033[2J");
	screen_add(&screen, SCREEN_PLAIN, "no place");
	cr_expect_eq(screen_left(&screen), 0);
	cr_expect_str_eq(screen.lines[0].text.text, "12345");
	cr_expect_str_eq(screen.lines[1].text.text, "čřžýá");
	cr_expect_str_eq(screen.lines[2].text.text, "\\u001");
}

Test(screen, the_first_time_all_is_painted)
{
	screen_begin(&screen, 2, 10);
	screen_add(&screen, SCREEN_BAD, "a");
	screen_paint(&screen, NULL, &out);
	cr_expect_str_eq(out.text,
			 "\033[1;1H\033[0;31m\033[Ka\033[0m\033[2;1H\033[0m\033[K\033[0m");
}

Test(screen, without_colours_what_is_bad_is_bold)
{
	static const struct {
		enum screen_style style;
		const char *painted;
	} cases[] = {
		{SCREEN_BAD, "\033[1;1H\033[0;1m\033[Ka\033[0m"},
		{SCREEN_WARNING, "\033[1;1H\033[0;1m\033[Ka\033[0m"},
		{SCREEN_GOOD, "\033[1;1H\033[0m\033[Ka\033[0m"},
		{SCREEN_TITLE, "\033[1;1H\033[0;7m\033[Ka\033[0m"},
	};

	screen.colourless = true;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		strbuf_clear(&out);
		screen_begin(&screen, 1, 10);
		screen_add(&screen, cases[i].style, "a");
		screen_paint(&screen, NULL, &out);
		cr_expect_str_eq(out.text, cases[i].painted);
	}
}

Test(screen, then_only_what_has_changed)
{
	screen_begin(&shown, 3, 10);
	screen_add(&shown, SCREEN_PLAIN, "a");
	screen_add(&shown, SCREEN_PLAIN, "b");
	screen_begin(&screen, 3, 10);
	screen_add(&screen, SCREEN_PLAIN, "a");
	screen_add(&screen, SCREEN_DIM, "b");
	screen_paint(&screen, &shown, &out);
	cr_expect_str_eq(out.text, "\033[2;1H\033[0;2m\033[Kb\033[0m");
	strbuf_clear(&out);
	screen_begin(&screen, 3, 10);
	screen_add(&screen, SCREEN_PLAIN, "other");
	screen_add(&screen, SCREEN_PLAIN, "b");
	screen_paint(&screen, &shown, &out);
	cr_expect_str_eq(out.text, "\033[1;1H\033[0m\033[Kother\033[0m");
	strbuf_clear(&out);
	screen_paint(&screen, &screen, &out);
	cr_expect_eq(out.len, 0);
}

Test(screen, any_size_is_taken)
{
	screen_begin(&screen, 100000, 100000);
	for (size_t i = 0; i < SCREEN_ROWS_MAX + 5; i++)
		screen_add(&screen, SCREEN_PLAIN, "x");
	cr_expect_eq(screen.used, SCREEN_ROWS_MAX);
	screen_begin(&screen, 0, 0);
	screen_add(&screen, SCREEN_PLAIN, "x");
	cr_expect_eq(screen.used, 0);
}
