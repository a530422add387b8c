#include "broker/console/overview.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "broker/console/cells.h"
#include "broker/console/pages_past.h"
#include "broker/console/rows.h"

#define LINE_MAX_BYTES 1024

/* Below this many lines the panel is not worth its head. */
#define PANEL_ROWS_MIN 3
/* Below this many there is only the head. */
#define TABLES_ROWS_MIN 12

struct sorting {
	const char *name;
	const char *column; /* NULL: as they come */
};

static const struct sorting sortings[] = {
	{"name", NULL},	 {"in_flight", "-in_flight"}, {"rate", "-rate"},
	{"p99", "-p99"}, {"errors", "-errors"},	      {"ejections", "-ejections"},
};

#define SORTING_COUNT (sizeof(sortings) / sizeof(sortings[0]))

/* All, then one after another, then all again. */
static void next_pool(struct overview_view *view, const json_t *pools)
{
	size_t count = json_array_size(pools);
	size_t next = 0;

	for (size_t i = 0; i < count; i++) {
		if (strcmp(cells_text_of(json_array_get(pools, i), "name"), view->pool) == 0)
			next = i + 1;
	}
	snprintf(view->pool, sizeof(view->pool), "%s",
		 next < count ? cells_text_of(json_array_get(pools, next), "name") : "");
}

bool overview_key(struct overview_view *view, char key, const json_t *pools)
{
	switch (key) {
	case 'q':
	case 'Q':
	case 3: /* ^C, where the terminal passes it on */
		return false;
	case 's':
		view->sort = (view->sort + 1) % SORTING_COUNT;
		break;
	case 'p':
	case '\t':
		next_pool(view, pools);
		break;
	case 'c':
		view->panel = PANEL_CONNECTIONS;
		break;
	case 'e':
		view->panel = PANEL_EVENTS;
		break;
	case ' ':
		view->paused = !view->paused;
		break;
	default:
		break;
	}
	return true;
}

__attribute__((format(printf, 3, 4))) static void
add(struct screen *screen, enum screen_style style, const char *format, ...)
{
	char line[LINE_MAX_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	screen_add(screen, style, line);
}

static json_int_t number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static json_int_t requests_of(const json_t *pool)
{
	json_t *results = json_object_get(pool, "requests");
	json_int_t sum = 0;
	const char *name;
	json_t *count;

	json_object_foreach(results, name, count) sum += json_integer_value(count);
	return sum;
}

static const json_t *find_named(const json_t *array, const char *name)
{
	for (size_t i = 0; i < json_array_size(array); i++) {
		if (strcmp(cells_text_of(json_array_get(array, i), "name"), name) == 0)
			return json_array_get(array, i);
	}
	return NULL;
}

/* Requests that ended, a second; below 0: not known yet. */
static double rate_of(const struct overview_data *data, const json_t *pool)
{
	const json_t *before = find_named(data->before, cells_text_of(pool, "name"));
	json_int_t count;

	if (!before || data->seconds <= 0)
		return -1;
	count = requests_of(pool) - requests_of(before);
	return count < 0 ? -1 : (double)count / data->seconds;
}

static void rate_text(double rate, char text[HUMAN_TEXT_MAX])
{
	if (rate < 0)
		snprintf(text, HUMAN_TEXT_MAX, "-");
	else
		snprintf(text, HUMAN_TEXT_MAX, rate < 100 ? "%.1f/s" : "%.0f/s", rate);
}

static enum screen_style style_of_verdict(const char *verdict)
{
	if (strcmp(verdict, "ok") == 0)
		return SCREEN_GOOD;
	return strcmp(verdict, "down") == 0 ? SCREEN_BAD : SCREEN_WARNING;
}

static void add_title(const struct overview_view *view, const struct overview_data *data,
		      struct screen *screen)
{
	char uptime[HUMAN_TEXT_MAX];

	cells_duration_text(data->status, "uptime_seconds", uptime);
	add(screen, SCREEN_TITLE, " wsbroker %s  %s  up %s%s%*s",
	    cells_text_of(data->status, "version"), cells_text_of(data->status, "node"), uptime,
	    view->paused ? "  PAUSED" : "", (int)(screen->columns < 400 ? screen->columns : 400),
	    "");
}

static void add_numbers(const struct overview_data *data, struct screen *screen)
{
	char p50[HUMAN_TEXT_MAX];
	char p99[HUMAN_TEXT_MAX];
	char rate[HUMAN_TEXT_MAX];
	char lag[HUMAN_TEXT_MAX];
	double sum = -1;

	for (size_t i = 0; i < json_array_size(data->pools); i++) {
		double each = rate_of(data, json_array_get(data->pools, i));

		if (each >= 0)
			sum = sum < 0 ? each : sum + each;
	}
	rate_text(sum, rate);
	cells_duration_text(data->status, "p50_seconds", p50);
	cells_duration_text(data->status, "p99_seconds", p99);
	cells_duration_text(data->status, "loop_lag_seconds", lag);
	add(screen, SCREEN_PLAIN,
	    "clients %" JSON_INTEGER_FORMAT "  in flight %" JSON_INTEGER_FORMAT
	    "  %s  p50 %s  p99 %s  lag %s",
	    number_of(data->status, "clients"), number_of(data->status, "in_flight"), rate, p50,
	    p99, lag);
}

static void add_verdict(const struct overview_data *data, struct screen *screen)
{
	const char *verdict = cells_text_of(data->status, "verdict");
	const json_t *reasons = json_object_get(data->status, "reasons");
	const json_t *worst = json_array_get(reasons, 0);
	size_t more = json_array_size(reasons) > 1 ? json_array_size(reasons) - 1 : 0;

	if (data->complaint) {
		add(screen, SCREEN_BAD, "no broker answers: %s", data->complaint);
		return;
	}
	if (!worst)
		add(screen, style_of_verdict(verdict), "%s", verdict);
	else if (more > 0)
		add(screen, style_of_verdict(verdict), "%s: %s (and %zu more)", verdict,
		    cells_text_of(worst, "text"), more);
	else
		add(screen, style_of_verdict(verdict), "%s: %s", verdict,
		    cells_text_of(worst, "text"));
}

/* In the line that parts the head from the tables: what acts on the worst reason. */
static void add_command(const struct overview_data *data, struct screen *screen)
{
	const json_t *worst = json_array_get(json_object_get(data->status, "reasons"), 0);

	if (worst && !data->complaint)
		add(screen, SCREEN_PLAIN, "  $ %s", cells_text_of(worst, "command"));
	else
		screen_add(screen, SCREEN_PLAIN, "");
}

/* The lines of a table, as many as rows; of the rest only the number is told. styles: of the lines
 * below the head, NULL: plain. */
static void add_table(struct screen *screen, const struct table *table,
		      const enum screen_style *styles, size_t count, size_t rows)
{
	struct strbuf text;
	char *at;
	size_t shown = count <= rows ? count : rows - 1;

	if (rows == 0)
		return;
	strbuf_init(&text);
	table_write(table, &text);
	at = text.text;
	for (size_t i = 0; at && i <= shown; i++) {
		char *end = strchr(at, '\n');

		if (!end)
			break;
		*end = '\0';
		screen_add(screen,
			   i == 0   ? SCREEN_HEAD
			   : styles ? styles[i - 1]
				    : SCREEN_PLAIN,
			   at);
		at = end + 1;
	}
	if (shown < count)
		add(screen, SCREEN_DIM, "... %zu more", count - shown);
	strbuf_fini(&text);
}

static void add_pools(const struct overview_view *view, const struct overview_data *data,
		      size_t rows, struct screen *screen)
{
	static const struct table_column columns[] = {
		{"POOL", false},  {"READY", true},  {"INFL", true},
		{"QUEUED", true}, {"OLDEST", true}, {"RATE", true},
		{"P50", true},	  {"P99", true},    {"BALANCER", false},
	};
	struct table table;

	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < json_array_size(data->pools); i++) {
		const json_t *pool = json_array_get(data->pools, i);
		const char *name = cells_text_of(pool, "name");
		char rate[HUMAN_TEXT_MAX];

		rate_text(rate_of(data, pool), rate);
		table_printf(&table, "%s%s", strcmp(name, view->pool) == 0 ? "> " : "", name);
		cell_share(&table, pool, "ready", "size");
		cell_number(&table, pool, "in_flight");
		cell_number(&table, pool, "queued");
		cell_duration(&table, pool, "oldest_wait_seconds");
		table_cell(&table, rate);
		cell_duration(&table, pool, "p50_seconds");
		cell_duration(&table, pool, "p99_seconds");
		cell_text(&table, pool, "balancer");
	}
	add_table(screen, &table, NULL, json_array_size(data->pools), rows);
	table_fini(&table);
}

/* Those of the pool that is looked at, or all; in the order that is wished. */
static json_t *pick(const json_t *lists, const struct overview_view *view, const char *sort,
		    bool within_pools)
{
	json_t *picked = json_array();
	char why[256];

	for (size_t i = 0; i < json_array_size(lists); i++) {
		json_t *each = json_array_get(lists, i);
		const char *pool = cells_text_of(each, within_pools ? "name" : "pool");

		if (view->pool[0] && strcmp(pool, view->pool) != 0)
			continue;
		if (within_pools)
			json_array_extend(picked, json_object_get(each, "endpoints"));
		else
			json_array_append(picked, each);
	}
	if (sort && rows_sort(picked, sort, why, sizeof(why)) != WSB_OK)
		return picked; /* this broker knows no such column */
	return picked;
}

static enum screen_style style_of_state(const char *state)
{
	static const char *const good[] = {"active", "up", "standby"};
	static const char *const bad[] = {"down", "ejected", "unhealthy"};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (strcmp(state, good[i]) == 0)
			return SCREEN_PLAIN;
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (strcmp(state, bad[i]) == 0)
			return SCREEN_BAD;
	}
	return SCREEN_WARNING;
}

static void add_endpoint_cells(struct table *table, const json_t *endpoint)
{
	table_printf(table, "%s/%s", cells_text_of(endpoint, "pool"),
		     cells_text_of(endpoint, "name"));
	cell_text(table, endpoint, "state");
	cell_share(table, endpoint, "ready", "connections");
	cell_number(table, endpoint, "in_flight");
	cell_rate(table, endpoint, "rate");
	cell_duration(table, endpoint, "p50");
	cell_duration(table, endpoint, "p99");
	cell_number(table, endpoint, "errors");
	cell_number(table, endpoint, "ejections");
	cell_duration(table, endpoint, "since_seconds");
	cell_text(table, endpoint, "reason");
	cell_text(table, endpoint, "last_error");
}

static void add_endpoints(const struct overview_view *view, const struct overview_data *data,
			  size_t rows, struct screen *screen)
{
	static const struct table_column columns[] = {
		{"ENDPOINT", false}, {"STATE", false}, {"READY", true},	  {"INFL", true},
		{"RATE", true},	     {"P50", true},    {"P99", true},	  {"ERR", true},
		{"EJ", true},	     {"SINCE", true},  {"REASON", false}, {"LAST_ERROR", false},
	};
	json_t *picked = pick(data->pools, view, sortings[view->sort].column, true);
	enum screen_style styles[SCREEN_ROWS_MAX];
	struct table table;

	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < json_array_size(picked) && i < SCREEN_ROWS_MAX; i++) {
		const json_t *endpoint = json_array_get(picked, i);

		styles[i] = style_of_state(cells_text_of(endpoint, "state"));
		add_endpoint_cells(&table, endpoint);
	}
	add_table(screen, &table, styles, json_array_size(picked), rows);
	table_fini(&table);
	json_decref(picked);
}

static void add_connections(const struct overview_view *view, const struct overview_data *data,
			    struct screen *screen)
{
	static const struct table_column columns[] = {
		{"CONNECTION", true}, {"ENDPOINT", false}, {"STATE", false}, {"INFL", true},
		{"REQUESTS", true},   {"WAITING", true},   {"RTT", true},    {"SINCE", true},
	};
	json_t *picked = pick(data->connections, view, "-in_flight", false);
	struct table table;

	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < json_array_size(picked) && i < SCREEN_ROWS_MAX; i++) {
		const json_t *connection = json_array_get(picked, i);

		cell_number(&table, connection, "id");
		table_printf(&table, "%s/%s", cells_text_of(connection, "pool"),
			     cells_text_of(connection, "endpoint"));
		cell_text(&table, connection, "state");
		cell_number(&table, connection, "in_flight");
		cell_number(&table, connection, "requests");
		cell_bytes(&table, connection, "outbox_bytes");
		cell_duration(&table, connection, "ping_rtt_seconds");
		cell_duration(&table, connection, "since_seconds");
	}
	add_table(screen, &table, NULL, json_array_size(picked), screen_left(screen) - 2);
	table_fini(&table);
	json_decref(picked);
}

/* "12:03:44 endpoint.ejected main/a active -> ejected consecutive". */
static void add_event(const json_t *event, struct screen *screen)
{
	const char *time = cells_text_of(event, "time");
	const char *actor = cells_text_of(event, "actor");
	bool by_itself = strcmp(actor, "broker") == 0;
	struct strbuf object, why;

	strbuf_init(&object);
	strbuf_init(&why);
	event_object(event, &object);
	event_why(event, &why);
	add(screen, SCREEN_PLAIN, "%.8s %s %s %s -> %s %s%s%s",
	    strlen(time) > 19 ? time + 11 : time, cells_text_of(event, "type"),
	    strbuf_span(&object).at, cells_text_of(event, "before"), cells_text_of(event, "after"),
	    strbuf_span(&why).at, by_itself ? "" : " by ", by_itself ? "" : actor);
	strbuf_fini(&object);
	strbuf_fini(&why);
}

/* The latest at the top. */
static void add_events(const struct overview_view *view, const struct overview_data *data,
		       struct screen *screen)
{
	json_t *picked = pick(data->events, view, NULL, false);
	size_t rows = screen_left(screen) - 2;
	struct event_brief told;

	event_brief_init(&told);
	add(screen, SCREEN_HEAD, "EVENTS");
	for (size_t i = json_array_size(picked); i > 0 && rows > 0; i--) {
		const json_t *event = json_array_get(picked, i - 1);

		if (event_brief_omits(&told, event))
			continue;
		add_event(event, screen);
		rows--;
	}
	event_brief_fini(&told);
	json_decref(picked);
}

static void add_keys(const struct overview_view *view, struct screen *screen)
{
	while (screen_left(screen) > 1)
		screen_add(screen, SCREEN_PLAIN, "");
	add(screen, SCREEN_DIM, "q quit  p pool: %s  s sort: %s  c connections  e events  space %s",
	    view->pool[0] ? view->pool : "all", sortings[view->sort].name,
	    view->paused ? "go on" : "pause");
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* A quarter of the lines for pools, half of the rest for endpoints, what is left for the panel. */
void overview_lay_out(const struct overview_view *view, const struct overview_data *data,
		      struct screen *screen)
{
	size_t rows = screen->rows;

	if (rows < 4 || screen->columns < 20) {
		add(screen, SCREEN_WARNING, "too small");
		return;
	}
	add_title(view, data, screen);
	add_numbers(data, screen);
	add_verdict(data, screen);
	if (rows >= TABLES_ROWS_MIN) {
		add_command(data, screen);
		add_pools(view, data, smaller(rows / 4, json_array_size(data->pools) + 1), screen);
		screen_add(screen, SCREEN_PLAIN, "");
		add_endpoints(view, data, (screen_left(screen) - 2) / 2, screen);
	}
	if (screen_left(screen) >= PANEL_ROWS_MIN + 2) {
		screen_add(screen, SCREEN_PLAIN, "");
		if (view->panel == PANEL_CONNECTIONS)
			add_connections(view, data, screen);
		else
			add_events(view, data, screen);
	}
	add_keys(view, screen);
}
