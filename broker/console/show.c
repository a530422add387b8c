#include "broker/console/show.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "broker/console/ask.h"
#include "broker/console/console.h"
#include "broker/console/pages.h"
#include "broker/console/pause.h"
#include "broker/console/rows.h"
#include "proto/admin_api.h"

/* One command's way of showing. */
struct view {
	const char *path;
	size_t rows; /* of the array that come at a time; 0: it comes as a whole */
	json_type type;
	void (*page)(const json_t *answer, struct strbuf *out);
};

int show_text(const struct strbuf *text)
{
	if (text->failed)
		return ask_complain(EXIT_FAILED, "out of memory", "");
	if (fwrite(strbuf_span(text).at, 1, text->len, stdout) != text->len || fflush(stdout) != 0)
		return ask_complain(EXIT_FAILED, "cannot write", "");
	return EXIT_DONE;
}

static int add_json(const char *bytes, size_t size, void *context)
{
	strbuf_add(context, span_of(bytes, size));
	return 0;
}

/* JSON is shown as it came, unless it has been sorted or put together. */
static int render(const struct invocation *invocation, const struct view *view,
		  const struct answer *answer, struct strbuf *out)
{
	const char *sort = invocation->arguments->sort;
	bool as_it_came = !sort && (view->rows == 0 || json_array_size(answer->value) < view->rows);
	char why[512];

	if (sort && json_is_array(answer->value) &&
	    rows_sort(answer->value, sort, why, sizeof(why)) != WSB_OK)
		return ask_complain(EXIT_USAGE, "--sort", why);
	if (!invocation->arguments->json)
		view->page(answer->value, out);
	else if (as_it_came)
		strbuf_add(out, strbuf_span(&answer->body));
	else if (json_dump_callback(answer->value, add_json, out,
				    JSON_INDENT(2) | JSON_REAL_PRECISION(15)) == 0)
		strbuf_text(out, "\n");
	return EXIT_DONE;
}

/* One page after another, until one is not full; all rows are in answer then. */
static int ask_pages(const struct invocation *invocation, const struct view *view,
		     struct answer *answer)
{
	json_t *rows = json_array();
	struct strbuf path;
	size_t count;
	int code;

	strbuf_init(&path);
	do {
		strbuf_clear(&path);
		strbuf_printf(&path, "%s%climit=%zu&cursor=%zu", view->path,
			      strchr(view->path, '?') ? '&' : '?', view->rows,
			      json_array_size(rows));
		code = ask_get(invocation->client, strbuf_span(&path).at, JSON_ARRAY, answer);
		count = code == EXIT_DONE ? json_array_size(answer->value) : 0;
		if (code == EXIT_DONE && json_array_extend(rows, answer->value) != 0)
			code = ask_complain(EXIT_FAILED, "out of memory", "");
	} while (code == EXIT_DONE && count == view->rows);
	if (code == EXIT_DONE) {
		json_decref(answer->value);
		answer->value = json_incref(rows);
	}
	json_decref(rows);
	strbuf_fini(&path);
	return code;
}

/* Clears the screen first where a person watches one. */
static int show_once(const struct invocation *invocation, const struct view *view)
{
	struct answer answer;
	struct strbuf out;
	int code;

	answer_init(&answer);
	strbuf_init(&out);
	code = view->rows > 0 ? ask_pages(invocation, view, &answer)
			      : ask_get(invocation->client, view->path, view->type, &answer);
	if (code == EXIT_DONE) {
		if (invocation->arguments->watch_us > 0 && isatty(STDOUT_FILENO))
			strbuf_text(&out, "\033[H\033[2J");
		code = render(invocation, view, &answer, &out);
	}
	if (code == EXIT_DONE)
		code = show_text(&out);
	strbuf_fini(&out);
	answer_fini(&answer);
	return code;
}

/* Watching goes on while the broker restarts, once it has been there. */
static int show_view(const struct invocation *invocation, const struct view *view)
{
	int code = show_once(invocation, view);

	while (invocation->arguments->watch_us > 0 && code == EXIT_DONE) {
		int later;

		pause_us(invocation->arguments->watch_us);
		later = show_once(invocation, view);
		if (later != EXIT_UNREACHABLE)
			code = later;
	}
	return code;
}

int show(const struct invocation *invocation, const char *path, json_type type,
	 void (*page)(const json_t *answer, struct strbuf *out))
{
	struct view view = {.path = path, .type = type, .page = page};

	return show_view(invocation, &view);
}

int show_pages(const struct invocation *invocation, const char *path, size_t rows,
	       void (*page)(const json_t *answer, struct strbuf *out))
{
	struct view view = {.path = path, .rows = rows, .type = JSON_ARRAY, .page = page};

	return show_view(invocation, &view);
}

int show_status(const struct invocation *invocation)
{
	return show(invocation, ADMIN_STATUS, JSON_OBJECT, page_status);
}

int show_pools(const struct invocation *invocation)
{
	return show(invocation, ADMIN_POOLS, JSON_ARRAY, page_pools);
}

int show_endpoints(const struct invocation *invocation)
{
	struct strbuf path;
	int code;

	strbuf_init(&path);
	strbuf_text(&path, ADMIN_ENDPOINTS);
	if (invocation->arguments->pool) {
		strbuf_clear(&path);
		strbuf_text(&path, ADMIN_POOLS "/");
		ask_escape(&path, invocation->arguments->pool);
		strbuf_text(&path, "/endpoints");
	}
	code = show(invocation, strbuf_span(&path).at, JSON_ARRAY, page_endpoints);
	strbuf_fini(&path);
	return code;
}

int show_clients(const struct invocation *invocation)
{
	return show(invocation, ADMIN_CLIENTS, JSON_ARRAY, page_clients);
}

int show_brokers(const struct invocation *invocation)
{
	return show(invocation, ADMIN_BROKERS, JSON_ARRAY, page_brokers);
}

int show_connections(const struct invocation *invocation)
{
	return show(invocation, ADMIN_CONNECTIONS, JSON_ARRAY, page_connections);
}
