#include "broker/console/top.h"

#include <stdlib.h>
#include <string.h>
#include "broker/console/ask.h"
#include "broker/console/console.h"
#include "broker/console/overview.h"
#include "broker/console/terminal.h"
#include "common/clock.h"
#include "proto/admin_api.h"

#define EVERY_DEFAULT_US US_PER_S
#define EVENTS_PATH	 ADMIN_EVENTS "?last=100"

struct top {
	struct client *client;
	struct terminal terminal;
	struct overview_view view;
	json_t *status;
	json_t *pools;
	json_t *before;
	json_t *connections;
	json_t *events;
	uint64_t taken_us; /* when pools was asked for */
	double seconds;
	char complaint[CLIENT_WHY_MAX];
	bool complains;
	struct screen *screen;
	struct screen *shown;
	bool shown_is_true; /* the terminal shows it */
};

/* Puts a new answer in the place of the old one. EXIT_DONE, or what went wrong. */
static int fetch(struct top *top, const char *path, json_t **out)
{
	struct answer answer;
	int code;

	answer_init(&answer);
	code = ask_quietly(top->client, path, &answer, top->complaint);
	if (code == EXIT_DONE && answer.status == 200) {
		json_decref(*out);
		*out = json_incref(answer.value);
	} else if (code == EXIT_DONE) {
		code = EXIT_FAILED;
	}
	answer_fini(&answer);
	return code;
}

static int fetch_pools(struct top *top)
{
	json_t *pools = NULL;
	uint64_t now_us = clock_monotonic_us();
	int code = fetch(top, ADMIN_POOLS, &pools);

	if (code != EXIT_DONE)
		return code;
	json_decref(top->before);
	top->before = top->pools;
	top->pools = pools;
	top->seconds = (double)(now_us - top->taken_us) / (double)US_PER_S;
	top->taken_us = now_us;
	return EXIT_DONE;
}

static int refresh(struct top *top)
{
	int code = fetch(top, ADMIN_STATUS, &top->status);

	if (code == EXIT_DONE)
		code = fetch_pools(top);
	if (code == EXIT_DONE && top->view.panel == PANEL_CONNECTIONS)
		code = fetch(top, ADMIN_CONNECTIONS, &top->connections);
	if (code == EXIT_DONE)
		code = fetch(top, EVENTS_PATH, &top->events);
	top->complains = code != EXIT_DONE;
	return code;
}

static bool paint(struct top *top)
{
	struct overview_data data = {
		.status = top->status,
		.pools = top->pools,
		.connections = top->connections,
		.events = top->events,
		.before = top->before,
		.seconds = top->seconds,
		.complaint = top->complains ? top->complaint : NULL,
	};
	struct screen *screen = top->screen;
	struct strbuf out;
	size_t rows;
	size_t columns;
	bool written;

	terminal_size(&rows, &columns);
	screen_begin(screen, rows, columns);
	overview_lay_out(&top->view, &data, screen);
	strbuf_init(&out);
	top->shown_is_true = top->shown_is_true && top->shown->rows == screen->rows &&
			     top->shown->columns == screen->columns;
	if (!top->shown_is_true)
		strbuf_text(&out, "\033[2J");
	screen_paint(screen, top->shown_is_true ? top->shown : NULL, &out);
	written = terminal_write(strbuf_span(&out));
	strbuf_fini(&out);
	top->screen = top->shown;
	top->shown = screen;
	top->shown_is_true = true;
	return written;
}

/* False: that was the end. */
static bool wait_for_more(struct top *top, uint64_t until_us)
{
	uint64_t now_us = clock_monotonic_us();

	while (now_us < until_us) {
		char key = '\0';

		switch (terminal_wait(&top->terminal, until_us - now_us, &key)) {
		case TERMINAL_KEY:
			if (!overview_key(&top->view, key, top->pools))
				return false;
			if (top->view.panel == PANEL_CONNECTIONS && !top->connections)
				return true;
			break;
		case TERMINAL_RESIZED:
		case TERMINAL_RESUMED:
			top->shown_is_true = false;
			break;
		case TERMINAL_END:
			return false;
		case TERMINAL_NOTHING:
		default:
			return true;
		}
		if (!paint(top))
			return false;
		now_us = clock_monotonic_us();
	}
	return true;
}

static int run(struct top *top, uint64_t every_us)
{
	do {
		if (!top->view.paused)
			(void)refresh(top);
		if (!paint(top))
			return EXIT_FAILED;
	} while (wait_for_more(top, clock_monotonic_us() + every_us));
	return EXIT_DONE;
}

static void forget(struct top *top)
{
	json_decref(top->status);
	json_decref(top->pools);
	json_decref(top->before);
	json_decref(top->connections);
	json_decref(top->events);
	for (size_t i = 0; i < 2; i++) {
		struct screen *screen = i == 0 ? top->screen : top->shown;

		if (screen)
			screen_fini(screen);
		free(screen);
	}
}

/* A broker that cannot be asked is told in words before the screen is taken. */
static int begin(const struct invocation *invocation, struct top *top)
{
	const char *no_colour = getenv("NO_COLOR");
	struct answer answer;
	int code;

	top->screen = malloc(sizeof(*top->screen));
	top->shown = malloc(sizeof(*top->shown));
	if (top->screen)
		screen_init(top->screen);
	if (top->shown)
		screen_init(top->shown);
	if (!top->screen || !top->shown)
		return ask_complain(EXIT_FAILED, "out of memory", "");
	/* https://no-color.org: set to anything but nothing. */
	top->screen->colourless = no_colour && no_colour[0];
	top->shown->colourless = top->screen->colourless;
	answer_init(&answer);
	code = ask_get(invocation->client, ADMIN_STATUS, JSON_OBJECT, &answer);
	answer_fini(&answer);
	return code;
}

int top_run(const struct invocation *invocation)
{
	uint64_t every_us = invocation->arguments->watch_us;
	struct top top = {.client = invocation->client, .taken_us = clock_monotonic_us()};
	int code = begin(invocation, &top);

	if (code == EXIT_DONE && terminal_take(&top.terminal) != WSB_OK)
		code = ask_complain(EXIT_FAILED, "top needs a terminal",
				    "elsewhere: wsbroker status --watch 1");
	if (code == EXIT_DONE) {
		code = run(&top, every_us > 0 ? every_us : EVERY_DEFAULT_US);
		terminal_give_back(&top.terminal);
	}
	forget(&top);
	return code;
}
