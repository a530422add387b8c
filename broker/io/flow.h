/* broker/io/flow.h: bytes on their way from one stream to another, untouched. What the other does
 * not take is held, and nothing more is read meanwhile: at most one read, and a close frame. */
#ifndef WSB_BROKER_IO_FLOW_H
#define WSB_BROKER_IO_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "broker/io/stream.h"
#include "common/span.h"
#include "common/strbuf.h"
#include "common/wstrack.h"

struct flow {
	struct stream *from;
	struct stream *to;
	struct strbuf held; /* of this, what lies behind held_at waits for `to` */
	size_t held_at;
	struct wstrack track; /* of frames; see framed */
	bool framed;	      /* what passes are frames */
	bool ended;	      /* `from` will send nothing more */
	bool failed;	      /* ... for it has failed */
	bool deaf;	      /* what still comes is thrown away */
	bool broken;	      /* `to` takes nothing any more */
	bool finished;	      /* `to` has been told the end */
};

void flow_init(struct flow *flow, struct stream *from, struct stream *to);
void flow_fini(struct flow *flow);

/* Whether bytes are wanted of `from`; whether `to` is to say when it takes more. */
static inline bool flow_wants_bytes(const struct flow *flow)
{
	return !flow->ended && flow->held.len == flow->held_at;
}
static inline bool flow_wants_room(const struct flow *flow)
{
	return flow->held.len > flow->held_at && !flow->broken;
}

/* Gives bytes to `to`, and holds what it does not take. */
void flow_put(struct flow *flow, struct span bytes);

/* Writes what is held. */
void flow_push(struct flow *flow);

/* Reads once into bytes[0..size), for flow_pass. Returns how many came; 0: none did, and ended
 * tells whether more can come. */
size_t flow_pull(struct flow *flow, char *bytes, size_t size);

/* Bytes that have been received. */
void flow_pass(struct flow *flow, struct span bytes);

/* Once all is out after the end of `from`, `to` is told so. */
void flow_finish(struct flow *flow);

/* Nothing is left to do in this direction. */
static inline bool flow_is_over(const struct flow *flow)
{
	return flow->broken || flow->finished;
}

#endif
