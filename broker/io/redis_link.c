#include "broker/io/redis_link.h"

#include <stdio.h>
#include <string.h>

#define READ_BYTES 65536

void redis_link_init(struct redis_link *link, enum bus_link name, uv_loop_t *loop,
		     const struct redis_link_hooks *hooks, void *context)
{
	*link = (struct redis_link){
		.name = name,
		.loop = loop,
		.hooks = hooks,
		.context = context,
	};
	stream_init(&link->stream);
	race_init(&link->race);
	strbuf_init(&link->out);
}

void redis_link_close(struct redis_link *link)
{
	if (link->query)
		resolver_forget(link->query);
	link->query = NULL;
	race_end(&link->race);
	stream_close(&link->stream);
	if (link->reader)
		redisReaderFree(link->reader);
	link->reader = NULL;
	strbuf_fini(&link->out);
	strbuf_init(&link->out);
	link->out_at = 0;
	link->failure = NULL;
	link->state = REDIS_LINK_CLOSED;
}

static void lose(struct redis_link *link, const char *cause, const char *text)
{
	char copy[128]; /* it may stand in the reader */

	snprintf(copy, sizeof(copy), "%s", text);
	redis_link_close(link);
	link->hooks->lost(link->context, link->name, cause, copy);
}

/* Gives everything that came to the hooks, of which each may close the link. */
static bool take_replies(struct redis_link *link)
{
	uint64_t opening = link->opening;
	void *value = NULL;

	while (link->state == REDIS_LINK_OPEN && link->opening == opening) {
		if (redisReaderGetReply(link->reader, &value)) {
			lose(link, "protocol", link->reader->errstr);
			return false;
		}
		if (!value)
			return true;
		link->hooks->replied(link->context, link->name, value);
		redis_reply_free(value);
	}
	return false;
}

/* One portion a turn: others want to be read too. */
static void read_some(struct redis_link *link)
{
	char bytes[READ_BYTES];
	size_t len;

	switch (stream_read(&link->stream, bytes, sizeof(bytes), &len)) {
	case STREAM_BLOCKED:
		return;
	case STREAM_ENDED:
		lose(link, "eof", "Redis has closed the connection");
		return;
	case STREAM_FAILED:
		lose(link, "io", "the connection has failed");
		return;
	case STREAM_DONE:
		break;
	}
	if (redisReaderFeed(link->reader, bytes, len)) {
		lose(link, "protocol", link->reader->errstr);
		return;
	}
	if (take_replies(link) && link->reader->len - link->reader->pos > REDIS_REPLY_BYTES_MAX)
		lose(link, "protocol", "an answer is too long");
}

static void watch(struct redis_link *link)
{
	stream_watch(&link->stream, UV_READABLE | (link->out.len > link->out_at ? UV_WRITABLE : 0));
}

static void write_some(struct redis_link *link)
{
	size_t len;

	while (link->out_at < link->out.len) {
		enum stream_verdict verdict = stream_write(
			&link->stream,
			span_of(link->out.text + link->out_at, link->out.len - link->out_at), &len);

		if (verdict == STREAM_BLOCKED)
			break;
		if (verdict != STREAM_DONE) {
			lose(link, "io", "the connection has failed");
			return;
		}
		link->out_at += len;
	}
	if (link->out_at == link->out.len) {
		strbuf_clear(&link->out);
		link->out_at = 0;
	}
	watch(link);
}

static void begin_talking(struct redis_link *link)
{
	link->state = REDIS_LINK_OPEN;
	stream_keep_alive(&link->stream);
	watch(link);
	link->hooks->opened(link->context, link->name);
}

/* Over a Unix socket. */
static void finish_connecting(struct redis_link *link)
{
	int error = stream_connect_error(&link->stream);

	if (error)
		lose(link, "connect", strerror(error));
	else
		begin_talking(link);
}

static void on_ready(void *context, int events)
{
	struct redis_link *link = context;
	uint64_t opening = link->opening;

	if (link->state == REDIS_LINK_CONNECTING) {
		finish_connecting(link);
		return;
	}
	if (events & UV_READABLE)
		read_some(link);
	if (link->state == REDIS_LINK_OPEN && link->opening == opening && events & UV_WRITABLE)
		write_some(link);
}

static void on_raced(void *context, struct stream *stream, const char *address, const char *text)
{
	struct redis_link *link = context;

	if (!stream) {
		lose(link, "connect", text);
		return;
	}
	stream_move(&link->stream, stream);
	stream_hand(&link->stream, on_ready, link);
	snprintf(link->peer, sizeof(link->peer), "%s", address);
	begin_talking(link);
}

static void connect_to(struct redis_link *link, const struct resolver_answer *addresses)
{
	link->state = REDIS_LINK_CONNECTING;
	race_begin(&link->race, link->loop, addresses, link->url->port, on_raced, link);
}

/* Where it was last comes last: it may have been reached and be of no use, silent or a replica. */
static void rotate(struct resolver_answer *answer, const char *last)
{
	for (size_t i = 0; i + 1 < answer->count; i++) {
		char moved[RESOLVER_TEXT_MAX];

		if (strcmp(answer->addresses[i], last) != 0)
			continue;
		memcpy(moved, answer->addresses[i], sizeof(moved));
		memmove(answer->addresses[i], answer->addresses[i + 1],
			(answer->count - i - 1) * sizeof(moved));
		memcpy(answer->addresses[answer->count - 1], moved, sizeof(moved));
		return;
	}
}

static void on_resolved(void *context, const struct resolver_answer *answer)
{
	struct redis_link *link = context;
	struct resolver_answer addresses = *answer;

	link->query = NULL;
	if (answer->count == 0) {
		lose(link, "dns", answer->error);
		return;
	}
	rotate(&addresses, link->peer);
	connect_to(link, &addresses);
}

static void begin_tcp(struct redis_link *link, const char *address)
{
	struct resolver_answer one = {.count = 1};

	if (resolver_is_address(address)) {
		snprintf(one.addresses[0], RESOLVER_TEXT_MAX, "%s", address);
		connect_to(link, &one);
		return;
	}
	link->state = REDIS_LINK_RESOLVING;
	if (resolver_ask(&link->query, link->loop, address, on_resolved, link))
		link->failure = "the look-up could not be begun";
}

void redis_link_open(struct redis_link *link, const struct bus_url *url, const char *address)
{
	int error = 0;

	redis_link_close(link);
	link->opening++;
	link->url = url;
	link->state = REDIS_LINK_CONNECTING;
	link->reader = redis_reply_reader();
	if (!link->reader) {
		link->failure = "no memory";
	} else if (url->host) {
		begin_tcp(link, address ? address : url->host);
	} else {
		error = stream_connect_unix(&link->stream, link->loop, url->path, on_ready, link);
		if (error)
			link->failure = strerrordesc_np(error);
	}
}

/* A command is written for each turn of the loop, of up to hundreds of words. */
static void add_count(struct strbuf *out, char kind, size_t count)
{
	char text[24];
	char *end = text + sizeof(text);
	char *at = end - 2;

	memcpy(at, "\r\n", 2);
	do {
		*--at = (char)('0' + count % 10);
		count /= 10;
	} while (count > 0);
	*--at = kind;
	strbuf_add(out, span_of(at, (size_t)(end - at)));
}

void redis_link_send(struct redis_link *link, const struct span *words, size_t count)
{
	if (link->state != REDIS_LINK_OPEN)
		return;
	add_count(&link->out, '*', count);
	for (size_t i = 0; i < count; i++) {
		add_count(&link->out, '$', words[i].len);
		strbuf_add(&link->out, words[i]);
		strbuf_text(&link->out, "\r\n");
	}
}

void redis_link_turn(struct redis_link *link)
{
	if (link->failure) {
		lose(link, "connect", link->failure);
		return;
	}
	race_turn(&link->race);
	if (link->state != REDIS_LINK_OPEN || link->out.len == 0)
		return;
	if (link->out.failed)
		lose(link, "io", "no memory");
	else if (!(link->stream.watched & UV_WRITABLE))
		write_some(link);
}
