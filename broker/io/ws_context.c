#include "broker/io/ws_context.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include "broker/io/wire.h"
#include "common/clock.h"

/* One read of a client takes as much as this: many requests at once. */
#define SERVICE_BUFFER_BYTES (128 * 1024)

#define KEEP_ALIVE_S 60

/* The library's own time limits only catch what ours have missed. */
#define SPARE_TIME_S 5

/* Never: zero means that no ping is sent and nothing is hung up. */
static const lws_retry_bo_t no_keep_alive = {.secs_since_valid_ping = 0,
					     .secs_since_valid_hangup = 0};

/* The library's log callback carries no context: the one thing in the process that must be static.
 */
static struct log *library_log;

static void on_library_log(int level, const char *line)
{
	size_t len = strlen(line);

	while (len > 0 && line[len - 1] == '\n')
		len--;
	log_event(library_log, level == LLL_ERR ? LOG_WARN : LOG_DEBUG, "io.library",
		  log_span("text", span_of(line, len)));
}

static void route_library_log(struct log *log)
{
	library_log = log;
	lws_set_log_level(LLL_ERR | (log_wants(log, LOG_DEBUG) ? LLL_WARN : 0), on_library_log);
}

static unsigned int seconds_behind(uint64_t us)
{
	return (unsigned int)(us / US_PER_S) + SPARE_TIME_S;
}

enum wsb_err ws_context_init(struct ws_context *context, struct loop *loop, struct log *log,
			     uint64_t handshake_us)
{
	struct lws_context_creation_info info = {0};
	void *loops[1] = {&loop->uv};

	*context = (struct ws_context){.loop = loop, .log = log};
	timerq_init(&context->timers, clock_monotonic_us());
	list_init(&context->dirty);
	context->received = malloc(WS_RECEIVED_BYTES);
	if (!context->received)
		return WSB_ENOMEM;
	route_library_log(log);
	info.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
		       LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
	info.foreign_loops = loops;
	info.pcontext = &context->lws;
	info.pt_serv_buf_size = SERVICE_BUFFER_BYTES;
	info.max_http_header_data = WS_HEAD_BYTES_MAX;
	info.timeout_secs = seconds_behind(handshake_us);
	info.retry_and_idle_policy = &no_keep_alive;
	info.alpn = "http/1.1";
	info.user = context;
	context->lws = lws_create_context(&info);
	if (context->lws)
		return WSB_OK;
	free(context->received);
	return WSB_EIO;
}

void ws_context_end(struct ws_context *context)
{
	context->ending = true;
	if (context->lws)
		lws_context_destroy(context->lws);
}

/* On a loop that is not its own the library closes its handles and then waits to be asked a
 * second time. */
void ws_context_fini(struct ws_context *context)
{
	if (context->lws)
		lws_context_destroy(context->lws);
	assert(list_is_empty(&context->dirty));
	library_log = NULL;
	free(context->received);
}

void ws_context_turn(struct ws_context *context)
{
	struct list_node *node;

	while ((node = list_pop(&context->dirty)))
		wire_flush(list_entry(node, struct wire, dirty));
	if (context->wake && context->lws && !context->ending)
		lws_cancel_service(context->lws);
	context->wake = false;
}

void ws_context_tick(struct ws_context *context, uint64_t now_us)
{
	struct timer *timer;

	while ((timer = timerq_pop(&context->timers, now_us)))
		wire_expire(list_entry(timer, struct wire, deadline));
}

struct lws_context_creation_info ws_context_vhost_info(const char *name,
						       const struct lws_protocols *protocols)
{
	struct lws_context_creation_info info = {0};

	info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
	info.vhost_name = name;
	info.protocols = protocols;
	info.alpn = "http/1.1";
	info.keepalive_timeout = KEEP_ALIVE_S;
	info.retry_and_idle_policy = &no_keep_alive;
	return info;
}

/* The library allocates and clears a table entry for each descriptor the process may have, so a
 * generous limit is not left as it is, but set to what is needed. */
size_t ws_context_raise_descriptors(size_t wanted)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return 0;
	limit.rlim_cur = wanted;
	if (limit.rlim_max != RLIM_INFINITY && limit.rlim_cur > limit.rlim_max)
		limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		getrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_cur;
}
