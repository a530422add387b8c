#include "broker/io/http_admin.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "broker/io/tls.h"
#include "common/clock.h"

#define FOLLOWERS_MAX 1024
/* Who has shown no token yet may hold connections open, and descriptors are for clients, too. */
#define SOCKETS_MAX (FOLLOWERS_MAX + 256)

/* A request under way. */
struct visit {
	struct list_node link; /* among the followers, once it is a stream */
	struct http_socket *socket;
	struct admin_call call;
	enum admin_stream stream; /* meaningful while it is linked */
	union {
		struct feed feed;
		struct invalidation_feed invalidations;
	};
};

static struct http_admin *admin_of(const struct http_socket *socket)
{
	return socket->site->context;
}

/* The system says whose process is at the other end of a Unix socket. */
static struct admin_peer peer_of(const struct http_socket *socket)
{
	struct admin_peer peer = {
		.local = !admin_of(socket)->listener.form.tcp,
		.uid = UINT32_MAX,
		.broker_uid = geteuid(),
	};
	struct ucred credentials;
	socklen_t size = sizeof(credentials);

	if (peer.local &&
	    getsockopt(socket->wire.stream.fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0)
		peer.uid = credentials.uid;
	return peer;
}

/* As it came: a name in it may hold an escaped slash. */
static struct span raw_path(struct span target)
{
	const char *query = memchr(target.at, '?', target.len);

	return query ? span_of(target.at, (size_t)(query - target.at)) : target;
}

static struct admin_request request_of(const struct http_socket *socket,
				       const struct http_head *head)
{
	return (struct admin_request){
		.method = span_is(head->method, "HEAD") ? span_text("GET") : head->method,
		.path = raw_path(head->target),
		.query = head->query,
		.content_type = head->content_type,
		.accept = head->accept,
		.last_event_id = head->last_event_id,
		.has_body = http_head_has_body(head),
		.content_length = head->content_length,
		.credentials = {.peer = peer_of(socket),
				.authorization = head->authorization,
				.host = head->host,
				.origin = head->origin,
				.sha256 = tls_sha256},
		.wall_us = clock_wall_us(),
	};
}

static void add_lines(const struct admin_response *response, struct strbuf *extra)
{
	strbuf_text(extra, "Cache-Control: no-store\r\n");
	if (response->challenge)
		strbuf_text(extra, "WWW-Authenticate: Bearer realm=\"wsbroker\"\r\n");
	if (response->location[0])
		strbuf_printf(extra, "Location: %s\r\n", response->location);
	if (response->link[0])
		strbuf_printf(extra, "Link: %s\r\n", response->link);
}

static void follow(struct http_socket *socket, const struct admin_response *response,
		   const struct http_reply *reply)
{
	struct http_admin *admin = admin_of(socket);
	struct visit *visit = socket->session;

	if (admin->followers.count >= FOLLOWERS_MAX) {
		http_socket_refuse(socket, 503, NULL, "as many streams as are served are open", 1,
				   NULL);
		return;
	}
	visit->stream = response->stream;
	if (visit->stream == STREAM_INVALIDATIONS) {
		visit->invalidations = response->invalidations;
	} else {
		visit->feed = response->feed;
		feed_moved(&visit->feed);
	}
	list_append(&admin->followers, &visit->link);
	http_socket_stream(socket, reply);
}

static void reply(struct http_socket *socket, const struct admin_response *response, bool head_only)
{
	struct strbuf extra;
	struct http_reply reply = {
		.status = response->status,
		.content_type = response->content_type,
		.body = strbuf_span(&response->body),
		.head_only = head_only,
		.allow = response->allow[0] ? response->allow : NULL,
	};

	strbuf_init(&extra);
	add_lines(response, &extra);
	reply.extra = strbuf_span(&extra).at;
	if (response->stream != STREAM_NONE && !head_only)
		follow(socket, response, &reply);
	else
		http_socket_reply(socket, &reply);
	strbuf_fini(&extra);
}

static void finish(struct http_socket *socket, struct span body, bool head_only)
{
	struct visit *visit = socket->session;
	struct admin_response response = {.status = 500};

	strbuf_init(&response.body);
	admin_finish(admin_of(socket)->backend, &visit->call, body, &response);
	reply(socket, &response, head_only);
	strbuf_fini(&response.body);
}

static void end_visit(struct http_socket *socket)
{
	struct visit *visit = socket->session;

	list_remove(&admin_of(socket)->followers, &visit->link);
	free(visit);
	socket->session = NULL;
}

/* The visit outlives the head, of which nothing is kept while a body comes or a stream goes on. */
static void begin_visit(struct http_socket *socket, const struct http_head *head,
			const struct admin_call *call)
{
	struct visit *visit = malloc(sizeof(*visit));

	if (!visit) {
		wire_abort(&socket->wire);
		return;
	}
	visit->call = *call;
	visit->socket = socket;
	list_node_init(&visit->link);
	socket->session = visit;
	if (http_head_has_body(head) && !span_is(head->method, "GET") &&
	    !span_is(head->method, "HEAD")) {
		http_socket_take_body(socket, head, ADMIN_BODY_BYTES_MAX);
		return;
	}
	finish(socket, span_of(NULL, 0), span_is(head->method, "HEAD"));
	if (!list_is_linked(&visit->link))
		end_visit(socket);
}

/* Somebody may be trying keys. */
static void note_refusal(const struct http_socket *socket, const struct http_head *head, int status)
{
	char peer[STREAM_PEER_MAX];

	if (status != 401 && status != 403)
		return;
	stream_peer(&socket->wire.stream, peer);
	log_event(admin_of(socket)->context->log, LOG_WARN, "admin.refused",
		  log_number("status", (uint64_t)status), log_text("peer", peer),
		  log_span("method", head->method), log_span("path", head->path));
}

static void on_request(struct http_socket *socket, const struct http_head *head)
{
	struct admin_request request = request_of(socket, head);
	struct admin_response response = {.status = 500};
	struct admin_call call;

	strbuf_init(&response.body);
	if (admin_begin(admin_of(socket)->backend, &request, &call, &response)) {
		begin_visit(socket, head, &call);
	} else {
		note_refusal(socket, head, response.status);
		reply(socket, &response, span_is(head->method, "HEAD"));
	}
	strbuf_fini(&response.body);
}

static void on_body(struct http_socket *socket, struct span body)
{
	finish(socket, body, false);
	end_visit(socket);
}

/* False: it is to be cut. */
static bool step(struct http_admin *admin, struct visit *visit, uint64_t now_us,
		 struct strbuf *text)
{
	/* Whoever is slow to read gets the rest later: history and journal keep it. */
	if (visit->stream == STREAM_INVALIDATIONS &&
	    !journal_holds(admin->backend->journal, visit->invalidations.cursor))
		return false;
	if (http_socket_waiting(visit->socket) >= FEED_STEP_BYTES)
		return true;
	strbuf_clear(text);
	if (visit->stream == STREAM_INVALIDATIONS) {
		if (!invalidation_feed_step(&visit->invalidations, admin->backend,
					    journal_share(admin->followers.count), now_us, text))
			return false;
	} else {
		feed_step(&visit->feed, admin->backend->history, now_us, text);
	}
	if (text->len > 0)
		http_socket_add(visit->socket, strbuf_span(text));
	return true;
}

static void tell_one(struct http_admin *admin, struct visit *visit, uint64_t now_us,
		     struct strbuf *text)
{
	if (step(admin, visit, now_us, text))
		return;
	log_event(admin->context->log, LOG_WARN, "admin.slow_reader",
		  log_text("stream", "invalidations"));
	wire_abort(&visit->socket->wire);
}

/* One after another, for as long as the pace allows; those that were not reached are the first
 * ones the next time, which is then due at once. */
static void tell(struct http_admin *admin, bool all, uint64_t now_us)
{
	size_t left = admin->followers.count;
	struct strbuf text;

	if (left == 0)
		return;
	if (!pace_begin(&admin->pace, now_us)) {
		admin->behind = true;
		return;
	}
	strbuf_init(&text);
	for (; left > 0 && pace_goes_on(&admin->pace, now_us); left--) {
		struct list_node *node = list_pop(&admin->followers);
		struct visit *visit = list_entry(node, struct visit, link);

		if (!node)
			break;
		list_append(&admin->followers, node);
		if (!all && visit->stream != STREAM_INVALIDATIONS)
			continue;
		tell_one(admin, visit, now_us, &text);
		now_us = clock_monotonic_us();
	}
	pace_end(&admin->pace, now_us);
	admin->behind = left > 0;
	strbuf_fini(&text);
}

void http_admin_tick(struct http_admin *admin, uint64_t now_us)
{
	tell(admin, true, now_us);
}

void http_admin_turn(struct http_admin *admin)
{
	journal_cursor end;

	if (list_is_empty(&admin->followers))
		return;
	end = journal_end(admin->backend->journal);
	if (end == admin->told && !admin->behind)
		return;
	admin->told = end;
	tell(admin, admin->behind, clock_monotonic_us());
}

static void on_accepted(void *context, int fd)
{
	struct http_admin *admin = context;

	if (http_socket_accept(&admin->site, admin->context, fd))
		log_event(admin->context->log, LOG_WARN, "listener.accept_failed",
			  log_text("address", admin->listener.address->text));
}

enum wsb_err http_admin_open(struct http_admin *admin, struct ws_context *context,
			     const struct config *config, struct strbuf *errors)
{
	enum wsb_err err;

	*admin = (struct http_admin){.context = context, .listener = {.fd = -1}};
	list_init(&admin->followers);
	admin->site = (struct http_site){
		.context = admin,
		.handshake_us = config->limits.handshake_us,
		.open = &admin->open,
		.request = on_request,
		.body = on_body,
		.closed = end_visit,
	};
	err = listener_open(&admin->listener, context, &config->admin.address, LISTENER_ADMIN,
			    errors);
	admin->listener.open = &admin->open;
	admin->listener.open_max = SOCKETS_MAX;
	return err ? err : http_admin_check(admin, config, errors);
}

/* Of an address that is written out the configuration's own check has seen to it. */
enum wsb_err http_admin_check(const struct http_admin *admin, const struct config *config,
			      struct strbuf *errors)
{
	if (admin->listener.form.local || config->admin.tokens.count > 0)
		return WSB_OK;
	strbuf_printf(errors,
		      "%s: other machines can reach this socket (%s): the admin listener needs "
		      "`admin.tokens`\n",
		      admin->listener.address->text, listener_bound(&admin->listener));
	return WSB_EINVAL;
}

enum wsb_err http_admin_start(struct http_admin *admin, const struct admin_backend *backend)
{
	admin->backend = backend;
	return listener_start(&admin->listener, on_accepted, admin);
}

void http_admin_close(struct http_admin *admin)
{
	listener_close(&admin->listener);
}
