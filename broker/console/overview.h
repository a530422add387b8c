/* broker/console/overview.h: what `top` shows: answers of the admin API as lines. Pure. */
#ifndef WSB_BROKER_CONSOLE_OVERVIEW_H
#define WSB_BROKER_CONSOLE_OVERVIEW_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "broker/console/screen.h"

#define OVERVIEW_POOL_MAX 128

/* What the lower part shows. */
enum overview_panel { PANEL_EVENTS, PANEL_CONNECTIONS };

/* How a person wants it. */
struct overview_view {
	char pool[OVERVIEW_POOL_MAX]; /* ""; all */
	size_t sort;		      /* index of the sortings */
	enum overview_panel panel;
	bool paused;
};

/* What is known, each NULL while it is not; and of an earlier moment, for rates. */
struct overview_data {
	const json_t *status;
	const json_t *pools;
	const json_t *connections;
	const json_t *events;
	const json_t *before;  /* pools, then */
	double seconds;	       /* between then and now */
	const char *complaint; /* why the above is old; NULL: it is not */
};

/* q: false, that was the end. Other keys change view; what they mean depends on the pools. */
bool overview_key(struct overview_view *view, char key, const json_t *pools);

/* Fills the screen, which has been begun. */
void overview_lay_out(const struct overview_view *view, const struct overview_data *data,
		      struct screen *screen);

#endif
