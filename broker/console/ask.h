/* broker/console/ask.h: one question to the admin API: its answer, or a complaint that says what,
 * why and what to do. */
#ifndef WSB_BROKER_CONSOLE_ASK_H
#define WSB_BROKER_CONSOLE_ASK_H

#include <jansson.h>
#include <stdbool.h>
#include "broker/console/client.h"
#include "common/strbuf.h"

struct answer {
	long status;
	struct strbuf body; /* as it came */
	json_t *value;	    /* NULL: it is no JSON */
};

void answer_init(struct answer *answer);
void answer_fini(struct answer *answer);

/* What is wrong, on the standard error: "wsbroker: what: why". Both may hold what a stranger sent.
 * Returns code. */
int ask_complain(int code, const char *what, const char *why);

/* Asks, and complains unless the status is 2xx. Returns the exit code; EXIT_DONE: answer is set. */
int ask(struct client *client, const char *method, const char *path, const json_t *body,
	struct answer *answer);

/* The same for a change: what is asked for wrongly (400) is a mistake of the command line, but a
 * value that the broker's rules refuse is a change that failed. */
int ask_change(struct client *client, const char *method, const char *path, const json_t *body,
	       struct answer *answer);

/* The same as ask, where the answer has to be of this type. */
int ask_get(struct client *client, const char *path, json_type type, struct answer *answer);

/* The same without a word: whoever asks again and again is the one to complain. */
int ask_quietly(struct client *client, const char *path, struct answer *answer,
		char why[CLIENT_WHY_MAX]);

/* Complains of what client_ask or a status said. */
int ask_unreachable(struct client *client, enum wsb_err err, const char *why);
int ask_refused(struct client *client, const struct answer *answer);

/* Appends text as it may stand in a path or a query. */
void ask_escape(struct strbuf *out, const char *text);

#endif
