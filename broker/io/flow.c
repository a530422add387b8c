#include "broker/io/flow.h"

void flow_init(struct flow *flow, struct stream *from, struct stream *to)
{
	*flow = (struct flow){.from = from, .to = to};
	strbuf_init(&flow->held);
	wstrack_init(&flow->track);
}

void flow_fini(struct flow *flow)
{
	strbuf_fini(&flow->held);
	flow->held_at = 0;
}

/* As much as `to` takes now; false: it takes nothing any more. */
static bool write_now(struct flow *flow, struct span *bytes)
{
	while (bytes->len > 0) {
		size_t len;
		enum stream_verdict verdict = stream_write(flow->to, *bytes, &len);

		if (verdict == STREAM_BLOCKED)
			return true;
		if (verdict != STREAM_DONE)
			return false;
		*bytes = span_of(bytes->at + len, bytes->len - len);
	}
	return true;
}

static void give_up(struct flow *flow)
{
	flow->broken = true;
	flow->deaf = true;
	flow_fini(flow);
}

void flow_put(struct flow *flow, struct span bytes)
{
	if (flow->broken || flow->finished)
		return;
	if (flow->held.len == flow->held_at && !write_now(flow, &bytes)) {
		give_up(flow);
		return;
	}
	strbuf_add(&flow->held, bytes);
	if (flow->held.failed)
		give_up(flow);
}

/* A flow that waits for nothing holds no memory. */
void flow_push(struct flow *flow)
{
	struct span left = span_of(flow->held.text + flow->held_at, flow->held.len - flow->held_at);

	if (flow->broken || left.len == 0)
		return;
	if (!write_now(flow, &left)) {
		give_up(flow);
		return;
	}
	flow->held_at = flow->held.len - left.len;
	if (left.len == 0)
		flow_fini(flow);
}

void flow_pass(struct flow *flow, struct span bytes)
{
	if (flow->deaf)
		return;
	if (flow->framed)
		wstrack_pass(&flow->track, bytes);
	flow_put(flow, bytes);
}

size_t flow_pull(struct flow *flow, char *bytes, size_t size)
{
	size_t len = 0;
	enum stream_verdict verdict = stream_read(flow->from, bytes, size, &len);

	if (verdict == STREAM_BLOCKED)
		return 0;
	if (verdict != STREAM_DONE) {
		flow->ended = true;
		flow->failed = verdict == STREAM_FAILED;
		return 0;
	}
	return len;
}

void flow_finish(struct flow *flow)
{
	if (!flow->ended || flow->finished || flow->broken || flow_wants_room(flow))
		return;
	stream_finish(flow->to);
	flow->finished = true;
}
