#include <stdio.h>
#include <string.h>
#include "broker/io/dial_headers.h"
#include "broker/io/http_reply.h"
#include "broker/io/http_text.h"
#include "broker/io/tunnel_head.h"
#include "broker/io/tunnel_state.h"
#include "broker/pool/pool.h"
#include "common/clock.h"

const char *tunnel_cause(const struct ws_tunnel *tunnel)
{
	return tunnel->phase == TUNNEL_REACHING ? reach_cause(&tunnel->reach) : "upgrade";
}

/* Nothing of the dial is left, so that another one can begin. */
static void forget_dial(struct ws_tunnel *tunnel)
{
	reach_give_up(&tunnel->reach);
	stream_close(&tunnel->upstream);
	timerq_disarm(&tunnel->tunnels->timers, &tunnel->deadline);
	flow_fini(&tunnel->up);
	strbuf_fini(&tunnel->answer);
	tunnel->answer_seen = 0;
	tunnel->up.broken = tunnel->up.deaf = false;
	tunnel->down.ended = tunnel->down.failed = false;
}

void tunnel_fail(struct ws_tunnel *tunnel, const char *cause, const char *text)
{
	forget_dial(tunnel);
	tunnel->phase = TUNNEL_REACHING;
	engine_tunnel_failed(tunnel->tunnels->engine, tunnel->session, cause, text,
			     clock_monotonic_us());
}

static void on_reached(struct reach *reach)
{
	struct ws_tunnel *tunnel = list_entry(reach, struct ws_tunnel, reach);
	char host[DIAL_HOST_MAX];
	struct strbuf request;

	stream_hand(&tunnel->upstream, tunnel_on_upstream, tunnel);
	stream_keep_alive(&tunnel->upstream);
	tunnel->phase = TUNNEL_ASKING;
	dial_host_write(tunnel->target.host, tunnel->target.port, tunnel->target.tls, host);
	strbuf_init(&request);
	if (tunnel_head_finish(&request, strbuf_span(&tunnel->begun), host,
			       tunnel->endpoint->pool->settings))
		tunnel_fail(tunnel, "upgrade", "the headers are too long");
	else
		flow_put(&tunnel->up, strbuf_span(&request));
	strbuf_fini(&request);
	tunnel_settle(tunnel);
}

static void on_unreached(struct reach *reach, const char *cause, const char *text)
{
	struct ws_tunnel *tunnel = list_entry(reach, struct ws_tunnel, reach);

	tunnel_fail(tunnel, cause, text);
	tunnel_settle(tunnel);
}

static const struct reach_events reach_events = {.done = on_reached, .failed = on_unreached};

/* It lets the client not in: it is passed on as it is. */
static void decline(struct ws_tunnel *tunnel, const struct tunnel_answer *answer, struct span head,
		    struct span rest)
{
	struct strbuf out;

	strbuf_init(&out);
	tunnel_head_decline(&out, head);
	flow_put(&tunnel->down, strbuf_span(&out));
	strbuf_fini(&out);
	tunnel->body_counted = answer->has_length || answer->status == 204;
	tunnel->body_left = answer->content_length;
	engine_tunnel_declined(tunnel->tunnels->engine, tunnel->session, answer->status,
			       clock_monotonic_us());
	tunnel_on_declined(tunnel, rest);
}

/* One head. False: another one follows, or comes later. */
static bool take_head(struct ws_tunnel *tunnel, struct span head, struct span rest)
{
	struct tunnel_answer answer;

	tunnel_head_read(&answer, head);
	if (answer.status == 0 || (answer.status == 101 && !answer.websocket))
		tunnel_fail(tunnel, "upgrade", "the answer is not one to an upgrade");
	else if (answer.status == 101)
		tunnel_on_opened(tunnel, head, rest);
	else if (answer.status >= 200)
		decline(tunnel, &answer, head, rest);
	else
		return false;
	return true;
}

/* Its head may come in pieces, and others (103) before it. */
void tunnel_take_answer(struct ws_tunnel *tunnel, struct span bytes)
{
	struct strbuf whole;
	struct span left;
	bool taken = false;

	strbuf_add(&tunnel->answer, bytes);
	whole = tunnel->answer;
	left = strbuf_span(&whole);
	strbuf_init(&tunnel->answer);
	while (!taken && left.len > 0 && !whole.failed) {
		size_t len = http_head_len(left, &tunnel->answer_seen);
		struct span head = span_of(left.at, len);

		if (len > HTTP_HEAD_MAX || (len == 0 && left.len > HTTP_HEAD_MAX))
			break;
		if (len == 0) {
			strbuf_add(&tunnel->answer, left);
			taken = true;
			continue;
		}
		tunnel->answer_seen = 0;
		left = span_of(left.at + len, left.len - len);
		taken = take_head(tunnel, head, left);
	}
	if (!taken && (whole.failed || left.len > 0))
		tunnel_fail(tunnel, "upgrade", "the head of the answer is too long");
	strbuf_fini(&whole);
}

void tunnel_dial(void *transport, const struct endpoint *endpoint, uint64_t deadline_us)
{
	struct ws_tunnel *tunnel = transport;
	struct tunnels *tunnels = tunnel->tunnels;
	const struct endpoint_settings *settings = endpoint->settings;
	const struct ws_client_group *group;

	tunnel->phase = TUNNEL_REACHING;
	tunnel->endpoint = endpoint;
	tunnel->target = (struct ws_target){.host = settings->host,
					    .address = settings->address,
					    .port = settings->port,
					    .tls = settings->tls};
	group = ws_dialer_group(tunnels->dialer, endpoint);
	reach_init(&tunnel->reach, tunnels->context, &reach_events, &tunnels->steps,
		   &tunnel->upstream);
	reach_begin(&tunnel->reach, &tunnel->target, group->ssl_context, group->verify);
	timerq_arm(&tunnels->timers, &tunnel->deadline, deadline_us);
}

void tunnel_refuse(void *transport, const struct admittance *verdict)
{
	struct ws_tunnel *tunnel = transport;
	struct http_reply reply = {.status = verdict->status,
				   .content_type = "application/problem+json",
				   .retry_after_s = verdict->retry_after_s,
				   .close = true};
	struct strbuf problem, out;

	forget_dial(tunnel);
	tunnel->session = NULL;
	tunnel->phase = TUNNEL_REFUSED;
	tunnel->up.deaf = true;
	strbuf_init(&problem);
	strbuf_init(&out);
	http_problem_write(verdict->status, verdict->title, verdict->detail, &problem);
	reply.body = strbuf_span(&problem);
	http_reply_write(&reply, &out);
	flow_put(&tunnel->down, strbuf_span(&out));
	strbuf_fini(&problem);
	strbuf_fini(&out);
	tunnel->down.ended = true;
	tunnel_give_time(tunnel, TUNNEL_REFUSE_US);
	tunnel_settle(tunnel);
}
