#include "broker/io/ws_context.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/resource.h>
#include "broker/io/deflate.h"
#include "broker/io/wire.h"
#include "common/clock.h"

enum wsb_err ws_context_init(struct ws_context *context, struct loop *loop, struct log *log)
{
	*context = (struct ws_context){.loop = loop, .log = log};
	timerq_init(&context->timers, clock_monotonic_us());
	list_init(&context->wires);
	list_init(&context->dirty);
	list_init(&context->ended);
	context->received = malloc(WS_RECEIVED_BYTES);
	return context->received ? WSB_OK : WSB_ENOMEM;
}

void ws_context_end(struct ws_context *context)
{
	context->ending = true;
	list_each(&context->wires, node)
		wire_abort(list_entry(node, struct wire, step));
}

void ws_context_fini(struct ws_context *context)
{
	assert(list_is_empty(&context->wires) && list_is_empty(&context->ended));
	deflater_destroy(context->deflater);
	free(context->received);
}

/* What the next ones will need is on its way while one is written: a wire, then the outbox that it
 * points at, then the bytes that this does. */
static void foresee_writes(const struct ws_context *context)
{
	const struct list_node *const end = &context->dirty.head;
	const struct list_node *node = end->next;
	const struct outbox *outbox;

	if (node == end)
		return;
	outbox = list_entry(node, struct wire, dirty)->outbox;
	if (outbox && outbox->data)
		cacheline_foresee(outbox->data + outbox->head, CACHE_LINE);
	node = node->next;
	if (node == end)
		return;
	outbox = list_entry(node, struct wire, dirty)->outbox;
	if (outbox)
		cacheline_foresee(outbox, sizeof(*outbox));
	node = node->next;
	if (node != end)
		wire_foresee(list_entry(node, struct wire, dirty));
}

/* A write may end its wire, and an end may give others something to write. */
void ws_context_turn(struct ws_context *context)
{
	struct list_node *node;

	do {
		while ((node = list_pop(&context->dirty))) {
			foresee_writes(context);
			wire_flush(list_entry(node, struct wire, dirty));
		}
		while ((node = list_pop(&context->ended)))
			wire_report_end(list_entry(node, struct wire, step));
	} while (!list_is_empty(&context->dirty));
}

void ws_context_tick(struct ws_context *context, uint64_t now_us)
{
	struct timer *timer;

	while ((timer = timerq_pop(&context->timers, now_us)))
		wire_expire(list_entry(timer, struct wire, deadline));
}

size_t ws_context_raise_descriptors(size_t wanted)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return 0;
	if (limit.rlim_cur < wanted) {
		limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &limit))
			getrlimit(RLIMIT_NOFILE, &limit);
	}
	return limit.rlim_cur < INT_MAX ? (size_t)limit.rlim_cur : INT_MAX;
}
