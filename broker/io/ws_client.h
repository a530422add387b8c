/* broker/io/ws_client.h: one outgoing WebSocket, from the look-up of its name to its end.
 * Knows nothing of pools and commands: whoever dials embeds a ws_client and is told what happens.
 */
#ifndef WSB_BROKER_IO_WS_CLIENT_H
#define WSB_BROKER_IO_WS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "broker/io/reach.h"
#include "broker/io/upgrade.h"
#include "broker/io/wire.h"
#include "broker/io/ws_context.h"
#include "broker/pool/settings.h"
#include "common/err.h"
#include "common/list.h"
#include "common/outbox.h"
#include "common/span.h"
#include "common/strbuf.h"

#define WS_CLIENT_TEXT_MAX 160

/* How it ended, or why it never began. */
struct ws_end {
	const char
		*cause; /* dns, connect, tls, upgrade, closed, protocol, eof or asked; constant */
	uint16_t code;	/* of the peer's close frame; 0: there was none */
	unsigned int status; /* with which the upgrade was refused; 0: it was not */
	struct span text;    /* the peer's reason, or what went wrong, for people */
};

struct ws_client;

struct ws_client_events {
	/* Appends lines to the head of the upgrade at *at and moves it behind them. NULL: none. */
	enum wsb_err (*headers)(struct ws_client *client, char **at, size_t room);
	void (*opened)(struct ws_client *client); /* the WebSocket stands */
	/* Bytes of a message, in order; valid during the call. Some may follow a pause: what had
	 * been read before. */
	void (*data)(struct ws_client *client, bool binary, struct span piece, uint64_t frame_left,
		     bool ends_message);
	void (*pong)(struct ws_client *client); /* NULL: nobody asks */
	/* The last call, once for every dial and never from within ws_client_dial; client may be
	 * freed in it. */
	void (*closed)(struct ws_client *client, const struct ws_end *end);
};

/* What clients have in common: TLS, the subprotocol, whom to tell. */
struct ws_client_group {
	struct ws_context *context;
	const struct ws_client_events *events;
	const char *subprotocol; /* NULL: none */
	const char *late;	 /* what to say of a dial that took too long */
	void *ssl_context;	 /* NULL: no TLS */
	bool verify;
	struct list clients; /* all whose end has not been reported */
	struct list steps;   /* of those on their way, see reach_turn */
};

struct ws_client {
	struct wire wire;
	struct ws_client_group *group;
	const struct ws_target *target;
	struct outbox *outbox;
	struct list_node member; /* of group->clients */
	enum ws_client_stage {
		CLIENT_REACHING,  /* up to a stream, TLS included */
		CLIENT_UPGRADING, /* the request is out */
		CLIENT_OPEN,
	} stage;
	bool asked; /* its end was our own wish, and will be reported as such */
	struct ws_end end;
	struct upgrade upgrade;
	size_t request_sent; /* bytes of the upgrade's that are out */
	struct reach reach;
	char text[WS_CLIENT_TEXT_MAX];
};

/* Borrows context and events; tls is NULL when no target uses it. WSB_EINVAL: errors says what is
 * wrong with tls; WSB_ENOMEM. The caller sets late and subprotocol afterwards, where wanted. */
enum wsb_err ws_client_group_init(struct ws_client_group *group, struct ws_context *context,
				  const struct ws_client_events *events,
				  const struct pool_tls_settings *tls,
				  struct strbuf *errors) WSB_CHECKED;
/* Drops every client; their ends are reported from ws_context_turn. */
void ws_client_group_end(struct ws_client_group *group);
/* Every client must have ended. */
void ws_client_group_fini(struct ws_client_group *group);
/* Goes on with what could not be done inside a callback. Call once per turn. */
void ws_client_group_turn(struct ws_client_group *group);

/* Begins a dial, to be done by deadline_us (monotonic); what becomes of it is told through the
 * group's events. Borrows target and outbox until the end; once the WebSocket stands, frames are
 * written from outbox. */
void ws_client_dial(struct ws_client *client, struct ws_client_group *group,
		    const struct ws_target *target, struct outbox *outbox, uint64_t deadline_us);

/* Ends a dial that is under way, or drops the socket. cause is constant; its end is reported later,
 * never before this returns. */
void ws_client_drop(struct ws_client *client, const char *cause, const char *text);

/* Says goodbye with a close frame behind what is pending; the peer's is awaited for WIRE_CLOSE_US.
 */
void ws_client_close(struct ws_client *client, uint16_t code, struct span reason);

/* The client that the wire is part of; NULL when it is part of something else. */
struct ws_client *ws_client_of(struct wire *wire);

#endif
