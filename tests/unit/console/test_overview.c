/* What `top` shows, in any size. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>
#include "broker/console/overview.h"

static const char status[] =
	"{\"verdict\": \"degraded\", \"reasons\": [{\"text\": \"endpoint main/b is down\","
	" \"command\": \"wsbroker endpoint maint main/b\"},"
	" {\"text\": \"other\"}], \"node\": \"n1\", \"version\": \"1.2.3\","
	" \"uptime_seconds\": 245.5, \"clients\": 12, \"in_flight\": 4, \"p50_seconds\": 0.0012,"
	" \"p99_seconds\": null, \"loop_lag_seconds\": 0.0005}";
static const char pools[] =
	"[{\"name\": \"main\", \"size\": 4, \"ready\": 3, \"in_flight\": 4, \"queued\": 0,"
	" \"oldest_wait_seconds\": 0.0, \"balancer\": \"random\", \"requests\": {\"ok\": 150},"
	" \"p50_seconds\": 0.0012, \"p99_seconds\": 0.02, \"endpoints\": ["
	"{\"pool\": \"main\", \"name\": \"a\", \"state\": \"active\", \"ready\": 2,"
	" \"connections\": 2, \"in_flight\": 1, \"rate\": 10.5, \"p50\": 0.001, \"p99\": 0.01,"
	" \"errors\": 0, \"ejections\": 0, \"since_seconds\": 60},"
	"{\"pool\": \"main\", \"name\": \"b\", \"state\": \"down\", \"ready\": 0,"
	" \"connections\": 1, \"in_flight\": 3, \"rate\": 0.0, \"p50\": null, \"p99\": null,"
	" \"errors\": 7, \"ejections\": 2, \"since_seconds\": 9, \"last_error\": \"refused\"}]},"
	" {\"name\": \"spare\", \"size\": 1, \"ready\": 1, \"requests\": {\"ok\": 5},"
	" \"endpoints\": [{\"pool\": \"spare\", \"name\": \"s\", \"state\": \"active\"}]}]";
static const char before[] = "[{\"name\": \"main\", \"requests\": {\"ok\": 100}}]";
static const char connections[] =
	"[{\"id\": 7, \"pool\": \"main\", \"endpoint\": \"a\", \"state\": \"ready\","
	" \"in_flight\": 1}, {\"id\": 8, \"pool\": \"main\", \"endpoint\": \"b\","
	" \"state\": \"ready\", \"in_flight\": 3}]";
static const char events[] =
	"[{\"time\": \"2026-11-22T07:12:00.123Z\", \"type\": \"endpoint.down\", \"pool\": \"main\","
	" \"object\": \"main/b\", \"before\": \"up\", \"after\": \"down\", \"reason\": \"connect\","
	" \"actor\": \"broker\", \"detail\": null},"
	"{\"time\": \"2026-11-22T07:13:00.123Z\", \"type\": \"pool.resized\", \"pool\": \"spare\","
	" \"object\": \"spare\", \"before\": \"1\", \"after\": \"2\", \"reason\": \"night\","
	" \"actor\": \"anna\", \"detail\": \"x\"}]";

static struct screen screen;
static struct overview_view view;
static struct overview_data data;

static json_t *load(const char *text)
{
	json_t *value = json_loads(text, 0, NULL);

	cr_assert_not_null(value);
	return value;
}

static void set_up(void)
{
	screen_init(&screen);
	view = (struct overview_view){0};
	data = (struct overview_data){.status = load(status),
				      .pools = load(pools),
				      .connections = load(connections),
				      .events = load(events),
				      .before = load(before),
				      .seconds = 2};
}

static void tear_down(void)
{
	json_decref((json_t *)data.status);
	json_decref((json_t *)data.pools);
	json_decref((json_t *)data.connections);
	json_decref((json_t *)data.events);
	json_decref((json_t *)data.before);
	screen_fini(&screen);
}

TestSuite(overview, .init = set_up, .fini = tear_down);

static void lay_out(size_t rows, size_t columns)
{
	screen_begin(&screen, rows, columns);
	overview_lay_out(&view, &data, &screen);
}

static void expect_line(size_t row, const char *text)
{
	cr_assert_lt(row, screen.used);
	cr_expect_str_eq(screen.lines[row].text.text, text, "line %zu is\n%s\nnot\n%s", row,
			 screen.lines[row].text.text, text);
}

/* The row of a line that begins with text; SIZE_MAX: none does. */
static size_t find_line(const char *text)
{
	for (size_t i = 0; i < screen.used; i++) {
		if (strncmp(strbuf_span(&screen.lines[i].text).at, text, strlen(text)) == 0)
			return i;
	}
	return SIZE_MAX;
}

Test(overview, a_screen_of_80_x_24)
{
	lay_out(24, 80);
	cr_expect_eq(screen.used, 24);
	cr_expect_eq(find_line(" wsbroker 1.2.3  n1  up 4m05s"), 0);
	cr_expect_eq(screen.lines[0].style, SCREEN_TITLE);
	expect_line(1, "clients 12  in flight 4  25.0/s  p50 1.20 ms  p99 -  lag 500 us");
	expect_line(2, "degraded: endpoint main/b is down (and 1 more)");
	cr_expect_eq(screen.lines[2].style, SCREEN_WARNING);
	expect_line(3, "  $ wsbroker endpoint maint main/b");
	expect_line(4, "POOL   READY  INFL  QUEUED  OLDEST    RATE      P50      P99  BALANCER");
	expect_line(5, "main     3/4     4       0     0 s  25.0/s  1.20 ms  20.0 ms  random");
	expect_line(
		8,
		"ENDPOINT  STATE   READY  INFL    RATE      P50      P99  ERR  EJ   SINCE  REASON");
	expect_line(
		9,
		"main/a    active    2/2     1  10.5/s  1.00 ms  10.0 ms    0   0  60.0 s  -     ");
	cr_expect_eq(screen.lines[9].style, SCREEN_PLAIN);
	cr_expect_eq(screen.lines[10].style, SCREEN_BAD);
	expect_line(13, "EVENTS");
	expect_line(14, "07:13:00 pool.resized spare 1 -> 2 night: x by anna");
	expect_line(15, "07:12:00 endpoint.down main/b up -> down connect");
	expect_line(23, "q quit  p pool: all  s sort: name  c connections  e events  space pause");
}

Test(overview, every_size_is_filled_and_none_overflows)
{
	for (view.panel = PANEL_EVENTS; view.panel <= PANEL_CONNECTIONS; view.panel++) {
		for (size_t rows = 1; rows < 60; rows++) {
			for (size_t columns = 1; columns < 200; columns += 17) {
				lay_out(rows, columns);
				cr_expect_leq(screen.used, rows);
				if (rows >= 4 && columns >= 20)
					cr_expect_eq(screen.used, rows, "%zu x %zu", columns, rows);
			}
		}
	}
}

Test(overview, what_has_no_place_is_counted)
{
	lay_out(12, 80);
	cr_expect_neq(find_line("... 3 more"), SIZE_MAX);
	cr_expect_eq(find_line("q quit"), 11);
}

Test(overview, keys_choose)
{
	cr_expect(overview_key(&view, 'p', data.pools));
	cr_expect_str_eq(view.pool, "main");
	overview_key(&view, 'p', data.pools);
	cr_expect_str_eq(view.pool, "spare");
	lay_out(24, 80);
	cr_expect_neq(find_line("> spare"), SIZE_MAX);
	cr_expect_neq(find_line("spare/s"), SIZE_MAX);
	cr_expect_eq(find_line("main/a"), SIZE_MAX);
	cr_expect_eq(find_line("07:12:00"), SIZE_MAX);
	overview_key(&view, '\t', data.pools);
	cr_expect_str_eq(view.pool, "");
	overview_key(&view, 's', data.pools);
	lay_out(24, 80);
	cr_expect_lt(find_line("main/b"), find_line("main/a"));
	overview_key(&view, 'c', data.pools);
	lay_out(24, 80);
	cr_expect_neq(find_line("CONNECTION"), SIZE_MAX);
	overview_key(&view, 'e', data.pools);
	cr_expect_eq(view.panel, PANEL_EVENTS);
	overview_key(&view, ' ', data.pools);
	lay_out(24, 80);
	cr_expect_not_null(strstr(screen.lines[0].text.text, "PAUSED"));
	cr_expect(overview_key(&view, 'x', data.pools));
	cr_expect_not(overview_key(&view, 'q', data.pools));
	cr_expect_not(overview_key(&view, 3, data.pools));
}

Test(overview, a_broker_that_has_gone_is_told)
{
	data.complaint = "Connection refused";
	lay_out(24, 80);
	expect_line(2, "no broker answers: Connection refused");
	cr_expect_eq(screen.lines[2].style, SCREEN_BAD);
}

Test(overview, nothing_known_is_no_harm)
{
	struct overview_data empty = {0};

	screen_begin(&screen, 24, 80);
	overview_lay_out(&view, &empty, &screen);
	cr_expect_eq(screen.used, 24);
	overview_key(&view, 'p', NULL);
	cr_expect_str_eq(view.pool, "");
}
