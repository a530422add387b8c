#include "broker/io/tunnel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "broker/io/tunnel_head.h"
#include "broker/io/tunnel_state.h"
#include "common/clock.h"

/* Reads of one socket before the others get their turn. */
#define READS_MAX 8

void tunnel_give_time(struct ws_tunnel *tunnel, uint64_t us)
{
	timerq_arm(&tunnel->tunnels->timers, &tunnel->deadline, clock_monotonic_us() + us);
}

/* Before it is answered a client has nothing to say; a little is kept all the same. */
static bool wants_bytes(const struct ws_tunnel *tunnel, const struct flow *flow)
{
	if (!stream_is_open(flow->from) || !flow_wants_bytes(flow))
		return false;
	return flow != &tunnel->up || tunnel->early.len == 0;
}

static int events_of(const struct ws_tunnel *tunnel, const struct stream *stream,
		     const struct flow *out, const struct flow *in)
{
	int events = 0;

	if (wants_bytes(tunnel, out))
		events |= stream->read_needs;
	if (flow_wants_room(in))
		events |= stream->write_needs;
	return events;
}

static void watch(struct ws_tunnel *tunnel)
{
	if (tunnel->phase == TUNNEL_OVER)
		return;
	stream_watch(&tunnel->client,
		     events_of(tunnel, &tunnel->client, &tunnel->up, &tunnel->down));
	/* While it is being reached that is seen to elsewhere. */
	if (tunnel->phase != TUNNEL_REACHING)
		stream_watch(&tunnel->upstream,
			     events_of(tunnel, &tunnel->upstream, &tunnel->down, &tunnel->up));
}

/* The end is reported later. */
static void end(struct ws_tunnel *tunnel)
{
	struct tunnels *tunnels = tunnel->tunnels;

	if (tunnel->phase == TUNNEL_OVER)
		return;
	tunnel->phase = TUNNEL_OVER;
	timerq_disarm(&tunnels->timers, &tunnel->deadline);
	reach_give_up(&tunnel->reach);
	stream_close(&tunnel->client);
	stream_close(&tunnel->upstream);
	list_remove(&tunnels->all, &tunnel->link);
	list_append(&tunnels->ended, &tunnel->link);
}

static void report_end(struct ws_tunnel *tunnel)
{
	const struct flow *closer = tunnel->closer == SIDE_CLIENT ? &tunnel->up : &tunnel->down;
	const struct tunnel_end end = {.side = tunnel->closer, .code = closer->track.close_code};

	if (tunnel->session)
		engine_tunnel_closed(tunnel->tunnels->engine, tunnel->session, &end,
				     clock_monotonic_us());
	flow_fini(&tunnel->up);
	flow_fini(&tunnel->down);
	strbuf_fini(&tunnel->begun);
	strbuf_fini(&tunnel->early);
	strbuf_fini(&tunnel->answer);
	free(tunnel);
}

/* The first sign counts: a close frame, or the end of a stream. */
static void note_closer(struct ws_tunnel *tunnel, enum wire_side side)
{
	if (tunnel->closing)
		return;
	tunnel->closing = true;
	tunnel->closer = side;
}

/* Between two frames to the client: from then on it hears nothing more of the upstream. */
static void put_goodbye(struct ws_tunnel *tunnel)
{
	struct flow *down = &tunnel->down;
	size_t len = strlen(tunnel->reason);
	char frame[2 + WS_CONTROL_MAX];

	if (!tunnel->goodbye || down->deaf || down->track.closed ||
	    !wstrack_is_between(&down->track))
		return;
	frame[0] = (char)(0x80 | WS_CLOSE);
	frame[1] = (char)(2 + len);
	frame[2] = (char)(tunnel->code >> 8);
	frame[3] = (char)(tunnel->code & 0xff);
	memcpy(frame + 4, tunnel->reason, len);
	flow_put(down, span_of(frame, 4 + len));
	down->deaf = true;
}

static void pass_frames(struct ws_tunnel *tunnel, struct flow *flow, struct span bytes)
{
	enum wire_side from = flow == &tunnel->up ? SIDE_CLIENT : SIDE_UPSTREAM;

	if (flow->deaf)
		return;
	/* Nothing follows the frame that our close frame waits for. */
	if (tunnel->goodbye && from == SIDE_UPSTREAM && !flow->track.closed) {
		struct wstrack ahead = flow->track;

		bytes.len = wstrack_frame(&ahead, bytes);
	}
	flow_pass(flow, bytes);
	if (flow->track.closed)
		note_closer(tunnel, from);
	engine_tunnel_moved(tunnel->tunnels->engine, tunnel->session, from, bytes.len,
			    clock_monotonic_us());
	put_goodbye(tunnel);
}

/* What is left of it, where its length is known; else all until the upstream ends. */
static void pass_body(struct ws_tunnel *tunnel, struct span bytes)
{
	if (tunnel->body_counted && bytes.len > tunnel->body_left)
		bytes.len = (size_t)tunnel->body_left;
	if (tunnel->body_counted)
		tunnel->body_left -= bytes.len;
	flow_pass(&tunnel->down, bytes);
	if (tunnel->body_counted && tunnel->body_left == 0)
		tunnel->down.ended = true;
}

void tunnel_on_opened(struct ws_tunnel *tunnel, struct span head, struct span rest)
{
	tunnel->phase = TUNNEL_OPEN;
	timerq_disarm(&tunnel->tunnels->timers, &tunnel->deadline);
	strbuf_fini(&tunnel->begun);
	tunnel->up.framed = tunnel->down.framed = true;
	flow_put(&tunnel->down, head);
	engine_tunnel_opened(tunnel->tunnels->engine, tunnel->session, clock_monotonic_us());
	if (tunnel->early.len > 0)
		pass_frames(tunnel, &tunnel->up, strbuf_span(&tunnel->early));
	strbuf_fini(&tunnel->early);
	if (rest.len > 0)
		pass_frames(tunnel, &tunnel->down, rest);
}

void tunnel_on_declined(struct ws_tunnel *tunnel, struct span rest)
{
	tunnel->phase = TUNNEL_DECLINED;
	tunnel->up.deaf = true;
	strbuf_fini(&tunnel->early);
	tunnel->lingers = true;
	tunnel_give_time(tunnel, TUNNEL_LINGER_US);
	pass_body(tunnel, rest);
}

/* Frames, or the body of an answer that declines, have come from flow->from. */
static void pass(struct ws_tunnel *tunnel, struct flow *flow, struct span bytes)
{
	if (tunnel->phase == TUNNEL_OPEN)
		pass_frames(tunnel, flow, bytes);
	else if (flow == &tunnel->up && !flow->deaf)
		strbuf_add(&tunnel->early, bytes);
	else if (flow == &tunnel->down && tunnel->phase == TUNNEL_ASKING)
		tunnel_take_answer(tunnel, bytes);
	else if (flow == &tunnel->down)
		pass_body(tunnel, bytes);
}

/* As long as something is taken on the way it is worth waiting. */
static void note_progress(struct ws_tunnel *tunnel, const struct flow *flow)
{
	if (tunnel->lingers && !tunnel->goodbye && !flow->deaf && tunnel->phase != TUNNEL_OVER)
		tunnel_give_time(tunnel, TUNNEL_LINGER_US);
}

static void move(struct ws_tunnel *tunnel, struct flow *flow)
{
	char *bytes = tunnel->tunnels->context->received;
	size_t held_at = flow->held_at;

	if (stream_is_open(flow->to))
		flow_push(flow);
	if (flow->held_at != held_at)
		note_progress(tunnel, flow);
	for (size_t i = 0; i < READS_MAX && wants_bytes(tunnel, flow); i++) {
		size_t len = flow_pull(flow, bytes, WS_RECEIVED_BYTES);

		if (len == 0)
			break;
		pass(tunnel, flow, span_of(bytes, len));
		note_progress(tunnel, flow);
		/* Asking once more costs as much as being told again. What TLS has taken in already
		 * nobody tells. */
		if (len < WS_RECEIVED_BYTES && !stream_is_secure(flow->from))
			break;
	}
}

/* A side that has failed takes nothing any more either. */
static void note_ends(struct ws_tunnel *tunnel)
{
	if (tunnel->up.failed)
		tunnel->down.broken = true;
	if (tunnel->down.failed)
		tunnel->up.broken = true;
	if (tunnel->up.ended || tunnel->down.broken)
		note_closer(tunnel, SIDE_CLIENT);
	if (tunnel->down.ended || tunnel->up.broken)
		note_closer(tunnel, SIDE_UPSTREAM);
}

/* The upstream is still being asked. */
static void review_dial(struct ws_tunnel *tunnel)
{
	if (tunnel->up.ended)
		end(tunnel); /* the client has left */
	else if (tunnel->phase == TUNNEL_ASKING && (tunnel->down.ended || tunnel->up.broken))
		tunnel_fail(tunnel, "upgrade", "the peer hung up");
}

static void review_open(struct ws_tunnel *tunnel)
{
	struct flow *up = &tunnel->up;
	struct flow *down = &tunnel->down;

	note_ends(tunnel);
	flow_finish(up);
	flow_finish(down);
	if (flow_is_over(up) && flow_is_over(down)) {
		end(tunnel);
	} else if (tunnel->closing && !tunnel->lingers && !tunnel->goodbye) {
		tunnel->lingers = true;
		tunnel_give_time(tunnel, TUNNEL_LINGER_US);
	}
}

/* An answer that lets it not in is on its way; then the client is to hang up. A body whose length
 * is not known is whole when the client thinks so. */
static void review_answer(struct ws_tunnel *tunnel)
{
	flow_finish(&tunnel->down);
	if (tunnel->down.broken || (tunnel->up.ended && !flow_wants_room(&tunnel->down)))
		end(tunnel);
}

/* What is on its way between the two counts as memory. */
static void report_held(struct ws_tunnel *tunnel)
{
	size_t held = (tunnel->up.held.len - tunnel->up.held_at) +
		      (tunnel->down.held.len - tunnel->down.held_at);

	if (held != tunnel->held && tunnel->session)
		engine_tunnel_holds(tunnel->tunnels->engine, tunnel->session, held);
	tunnel->held = held;
}

void tunnel_settle(struct ws_tunnel *tunnel)
{
	switch (tunnel->phase) {
	case TUNNEL_REACHING:
	case TUNNEL_ASKING:
		review_dial(tunnel);
		break;
	case TUNNEL_OPEN:
		review_open(tunnel);
		break;
	case TUNNEL_DECLINED:
	case TUNNEL_REFUSED:
		review_answer(tunnel);
		break;
	case TUNNEL_OVER:
		return;
	}
	report_held(tunnel);
	watch(tunnel);
}

static void on_client(void *context, int events)
{
	struct ws_tunnel *tunnel = context;

	if (events & tunnel->client.write_needs)
		move(tunnel, &tunnel->down);
	if (events & tunnel->client.read_needs)
		move(tunnel, &tunnel->up);
	tunnel_settle(tunnel);
}

void tunnel_on_upstream(void *context, int events)
{
	struct ws_tunnel *tunnel = context;

	if (events & tunnel->upstream.write_needs)
		move(tunnel, &tunnel->up);
	if (events & tunnel->upstream.read_needs)
		move(tunnel, &tunnel->down);
	tunnel_settle(tunnel);
}

void tunnel_say_goodbye(void *transport, uint16_t code, struct span reason)
{
	struct ws_tunnel *tunnel = transport;

	tunnel->goodbye = true;
	tunnel->code = code;
	snprintf(tunnel->reason, sizeof(tunnel->reason), "%.*s", (int)reason.len, reason.at);
	tunnel_give_time(tunnel, TUNNEL_GOODBYE_US);
	put_goodbye(tunnel);
	tunnel_settle(tunnel);
}

static void expire(struct ws_tunnel *tunnel)
{
	if (tunnel->phase == TUNNEL_REACHING || tunnel->phase == TUNNEL_ASKING) {
		tunnel_fail(tunnel, tunnel_cause(tunnel), "limits.handshake has passed");
		tunnel_settle(tunnel);
	} else {
		end(tunnel);
	}
}

void tunnels_init(struct tunnels *tunnels, struct ws_context *context, struct ws_dialer *dialer)
{
	*tunnels = (struct tunnels){.context = context, .dialer = dialer};
	list_init(&tunnels->all);
	list_init(&tunnels->ended);
	list_init(&tunnels->steps);
	timerq_init(&tunnels->timers, clock_monotonic_us());
}

void tunnels_set_engine(struct tunnels *tunnels, struct engine *engine)
{
	tunnels->engine = engine;
}

void tunnels_end(struct tunnels *tunnels)
{
	list_each(&tunnels->all, node)
		end(list_entry(node, struct ws_tunnel, link));
}

void tunnels_turn(struct tunnels *tunnels)
{
	struct list_node *node;

	reach_turn(&tunnels->steps);
	while ((node = list_pop(&tunnels->ended)))
		report_end(list_entry(node, struct ws_tunnel, link));
}

void tunnels_tick(struct tunnels *tunnels, uint64_t now_us)
{
	struct timer *timer;

	while ((timer = timerq_pop(&tunnels->timers, now_us)))
		expire(list_entry(timer, struct ws_tunnel, deadline));
}

static struct ws_tunnel *create(struct tunnels *tunnels)
{
	struct ws_tunnel *tunnel = calloc(1, sizeof(*tunnel));

	if (!tunnel)
		return NULL;
	tunnel->tunnels = tunnels;
	list_node_init(&tunnel->link);
	timer_init(&tunnel->deadline);
	stream_init(&tunnel->client);
	stream_init(&tunnel->upstream);
	flow_init(&tunnel->up, &tunnel->client, &tunnel->upstream);
	flow_init(&tunnel->down, &tunnel->upstream, &tunnel->client);
	strbuf_init(&tunnel->begun);
	strbuf_init(&tunnel->early);
	strbuf_init(&tunnel->answer);
	reach_init(&tunnel->reach, tunnels->context, NULL, &tunnels->steps, &tunnel->upstream);
	return tunnel;
}

void tunnels_take(struct tunnels *tunnels, struct http_socket *socket, const struct http_head *head,
		  const struct config *config, size_t listener, const struct admittance *verdict)
{
	const struct listener_settings *settings = &config->listeners[listener];
	struct ws_tunnel *tunnel = create(tunnels);
	char peer[STREAM_PEER_MAX];
	const struct tunnel_origin origin = {.peer = peer,
					     .tls = settings->tls.certificate != NULL,
					     .authenticated = settings->auth,
					     .auth_query = settings->auth_query};

	if (!tunnel) {
		http_socket_refuse(socket, 503, NULL, "no memory", 1, NULL);
		return;
	}
	stream_peer(&socket->wire.stream, peer);
	tunnel_head_begin(&tunnel->begun, head, &origin, &config->pools[settings->session_pool]);
	http_socket_surrender(socket, &tunnel->client, &tunnel->early);
	stream_hand(&tunnel->client, on_client, tunnel);
	stream_keep_alive(&tunnel->client);
	list_append(&tunnels->all, &tunnel->link);
	tunnel->session = engine_tunnel_begin(tunnels->engine, listener, verdict, tunnel,
					      clock_monotonic_us());
	tunnel_settle(tunnel);
}
