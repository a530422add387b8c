/* broker/io/ws_dial.h: one upstream socket, from the look-up of its name to its end. */
#ifndef WSB_BROKER_IO_WS_DIAL_H
#define WSB_BROKER_IO_WS_DIAL_H

#include <stdbool.h>
#include <stddef.h>
#include "broker/io/resolver.h"
#include "broker/io/wire.h"
#include "broker/io/ws_dialer.h"
#include "common/list.h"

#define DIAL_TEXT_MAX 128

enum dial_stage {
	DIAL_RESOLVING,
	DIAL_CONNECTING, /* TCP */
	DIAL_SECURING,	 /* TLS */
	DIAL_UPGRADING,	 /* the request is out */
	DIAL_OPEN,
	DIAL_OVER,	 /* cause says why; the engine is told at the next step */
};

struct ws_dial {
	struct wire wire;
	struct ws_dialer *dialer;
	struct ws_dialer_pool *pool;
	struct connection *connection;
	struct list_node dialing;
	struct list_node step;
	struct resolver_query *query; /* under way, or NULL */
	enum dial_stage stage;
	size_t address_at;  /* the one being tried */
	struct resolver_answer answer;
	bool asked;	    /* its end was our own wish */
	const char *cause;  /* set as soon as it is known */
	char text[DIAL_TEXT_MAX];
};

extern const struct lws_protocols ws_dial_protocols[];

/* Makes the next attempt, or reports the end and frees dial. */
void ws_dial_step(struct ws_dial *dial);

/* Ends a dial that is under way for this cause. */
void ws_dial_give_up(struct ws_dial *dial, const char *cause, const char *text);

extern const struct wire_kind ws_dial_wire;

#endif
