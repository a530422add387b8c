/* broker/io/tunnel_state.h: one tunnel, for the files that make it: tunnel_open.c up to the
 * upstream's answer, tunnel.c from there on. */
#ifndef WSB_BROKER_IO_TUNNEL_STATE_H
#define WSB_BROKER_IO_TUNNEL_STATE_H

#include "broker/io/flow.h"
#include "broker/io/reach.h"
#include "broker/io/tunnel.h"

enum tunnel_phase {
	TUNNEL_REACHING, /* the endpoint, up to a stream */
	TUNNEL_ASKING,	 /* the request is out, or on its way */
	TUNNEL_OPEN,
	TUNNEL_DECLINED, /* the upstream's answer is passed on */
	TUNNEL_REFUSED,	 /* an answer of our own is; the session has ended */
	TUNNEL_OVER,
};

struct ws_tunnel {
	struct tunnels *tunnels;
	struct list_node link; /* of all, or ended */
	struct timer deadline;
	struct session *session; /* NULL once it has ended */
	enum tunnel_phase phase;
	struct stream client;
	struct stream upstream;
	struct flow up;
	struct flow down;
	size_t held; /* by both, as it was reported last */
	/* Until it is open. */
	struct reach reach;
	struct ws_target target;
	const struct endpoint *endpoint; /* being dialled: it stays while it is */
	struct strbuf begun;		 /* the request, but for what differs between endpoints */
	struct strbuf early;		 /* what the client said before it was answered */
	struct strbuf answer;		 /* the head of the upstream's, as far as it has come */
	size_t answer_seen;
	/* Of an answer that declines. */
	bool body_counted;
	uint64_t body_left;
	/* The end. */
	bool goodbye; /* a close frame of our own is put in, or to be: the rest gets no more time */
	uint16_t code;
	char reason[WS_CONTROL_MAX - 1];
	bool lingers; /* progress gives it more time */
	bool closing; /* somebody has closed, or gone: */
	enum wire_side closer;
};

/* The upstream has let the client in: head is its answer, rest what came behind it. */
void tunnel_on_opened(struct ws_tunnel *tunnel, struct span head, struct span rest);
/* It has not. */
void tunnel_on_declined(struct ws_tunnel *tunnel, struct span rest);

/* More of the upstream's answer has come. */
void tunnel_take_answer(struct ws_tunnel *tunnel, struct span bytes);
/* The dial under way has failed; another one may have begun when this returns. */
void tunnel_fail(struct ws_tunnel *tunnel, const char *cause, const char *text);
/* What failed when patience ends now. */
const char *tunnel_cause(const struct ws_tunnel *tunnel);

/* The upstream's socket is ready. */
void tunnel_on_upstream(void *context, int events);
/* To be called after anything that may have ended a stream, or left something to wait for. */
void tunnel_settle(struct ws_tunnel *tunnel);

void tunnel_give_time(struct ws_tunnel *tunnel, uint64_t us);

/* For what is still on its way when one side has ended or was told to: without progress. */
#define TUNNEL_LINGER_US  UINT64_C(10000000)
#define TUNNEL_GOODBYE_US UINT64_C(5000000)
/* For a client to take an answer that lets it not in. */
#define TUNNEL_REFUSE_US UINT64_C(2000000)

#endif
