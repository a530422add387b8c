/* broker/control/history.h: what happened, when, to what, why and on whose word.
 *
 * Events lie packed in chunks, in the order in which they happened. The newest HISTORY_EVENTS_MIN
 * are always kept, and all of the last HISTORY_KEPT_US unless there are more than HISTORY_BYTES_MAX
 * of them; nothing is allocated for a single event. */
#ifndef WSB_BROKER_CONTROL_HISTORY_H
#define WSB_BROKER_CONTROL_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/err.h"

#define HISTORY_EVENTS_MIN 10000
#define HISTORY_KEPT_US	   UINT64_C(86400000000)
#define HISTORY_BYTES_MAX  (16U << 20)

struct history_event {
	uint64_t id;	  /* 1, 2, 3, ... without holes; set by history_add */
	uint64_t wall_us; /* since 1970; for people: it may jump */
	/* Texts are never NULL when read; NULL is "" when added. Long ones are cut, see the .c. */
	const char *type;     /* a stable word: endpoint.ejected, pool.resized, config.reloaded */
	const char *pool;     /* "": none */
	const char *endpoint; /* its name in the pool; "": none */
	const char *object;   /* POOL/NAME, POOL, client 17, connection 5, broker */
	const char *before;   /* "": nothing is said of it */
	const char *after;
	const char *reason; /* a stable word, or an operator's own words */
	const char *detail; /* more of it: an error's text, a decision's inputs */
	const char *actor;  /* name of a token, "uid 1000", or "broker" */
};

struct history;

enum wsb_err history_create(struct history **out) WSB_CHECKED;
void history_destroy(struct history *history); /* NULL is allowed */

/* Copies the event and numbers it. Returns its id; 0: no memory, it is lost. */
uint64_t history_add(struct history *history, const struct history_event *event);

uint64_t history_newest(const struct history *history); /* id; 0: nothing has happened */
size_t history_count(const struct history *history);	/* kept now */
size_t history_bytes(const struct history *history);	/* that they take */

/* Which events; all zero: all that are kept. */
struct history_query {
	uint64_t since_us; /* wall clock; not before */
	uint64_t until_us; /* not at or after; 0: no bound */
	uint64_t after_id; /* only later ones: how a follower goes on */
	const char *pool;  /* NULL: any */
	const char *type;  /* a glob: endpoint.* ; NULL: any */
	size_t last;	   /* only so many, the latest that match; 0: all */
};

/* Walks over those that match, the oldest first. Adding ends the walk's validity; the texts of an
 * event live until then too. Borrows the query's texts. */
struct history_walk {
	const struct history *history;
	struct history_query query;
	const void *chunk;
	size_t at;
	uint64_t id; /* of the event at `at` */
	size_t skip; /* matches to be passed over, for `last` */
	/* Events that may still be looked at, whether they match or not. At 0 the walk stops before
	 * the one with `id`. It begins with no bound; whoever has little time sets one. */
	size_t looks;
};
void history_begin(struct history_walk *walk, const struct history *history,
		   const struct history_query *query);
bool history_next(struct history_walk *walk, struct history_event *event);

#endif
