/* tests/bench/upstream.c: the fastest honest JSON-RPC server over WebSocket that we could write.
 * It answers {"id":I,"params":P,...} with {"jsonrpc":"2.0","id":I,"result":P}: one read takes all
 * that has come, one write answers all of it. Loopback only, one thread, until SIGTERM. */
#include "frame.h"
#include "handshake.h"
#include "message.h"
#include "wire.h"

#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS_MAX	1024
#define ANSWER_OVERHEAD 64 /* more than header and fixed text of an answer */

struct peer {
	struct wire wire;
	size_t delayed; /* parcels that still point here */
	bool upgraded;
	bool gone;
};

/* Answers on their way with --delay-ms. All wait equally long, so a queue keeps them in order. */
struct parcel {
	struct parcel *next;
	struct peer *peer;
	uint64_t due_ns;
	size_t len;
	unsigned char bytes[];
};

struct upstream {
	int epoll_fd;
	int listen_fd;
	uint64_t delay_ns;
	struct parcel *first;
	struct parcel **last;
	size_t out_len;
	struct epoll_event events[EVENTS_MAX];
	unsigned char in[WIRE_BUFFER_SIZE];
	unsigned char out[WIRE_BUFFER_SIZE];
};

static void peer_free_unless_awaited(struct peer *peer)
{
	if (peer->gone && !peer->delayed)
		free(peer);
}

static void peer_close(struct peer *peer)
{
	wire_close(&peer->wire);
	peer->gone = true;
	peer_free_unless_awaited(peer);
}

static void accept_all(struct upstream *upstream)
{
	int fd;
	while ((fd = accept4(upstream->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		int on = 1;
		struct peer *peer = calloc(1, sizeof(*peer));
		if (!peer)
			die("out of memory");
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		/* A peer that does not read is not read either. */
		wire_open(&peer->wire, fd, upstream->epoll_fd, peer, EPOLLOUT);
	}
	if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)
		die("accept");
}

static void delay(struct upstream *upstream, struct peer *peer)
{
	struct parcel *parcel = malloc(sizeof(*parcel) + upstream->out_len);
	if (!parcel)
		die("out of memory");
	*parcel = (struct parcel){
		.peer = peer, .due_ns = clock_ns() + upstream->delay_ns, .len = upstream->out_len};
	memcpy(parcel->bytes, upstream->out, upstream->out_len);
	*upstream->last = parcel;
	upstream->last = &parcel->next;
	peer->delayed++;
}

/* Sends what was gathered in out, now or later. False when the socket failed. */
static bool dispatch(struct upstream *upstream, struct peer *peer)
{
	bool alive = true;
	if (upstream->out_len && upstream->delay_ns)
		delay(upstream, peer);
	else if (upstream->out_len)
		alive = wire_send(&peer->wire, upstream->out, upstream->out_len);
	upstream->out_len = 0;
	return alive;
}

static void deliver_due(struct upstream *upstream)
{
	uint64_t now = upstream->first ? clock_ns() : 0;
	while (upstream->first && upstream->first->due_ns <= now) {
		struct parcel *parcel = upstream->first;
		struct peer *peer = parcel->peer;
		upstream->first = parcel->next;
		if (!upstream->first)
			upstream->last = &upstream->first;
		peer->delayed--;
		if (peer->gone)
			peer_free_unless_awaited(peer);
		else if (!wire_send(&peer->wire, parcel->bytes, parcel->len))
			peer_close(peer);
		free(parcel);
	}
}

static unsigned char *put(unsigned char *out, const char *text, size_t len)
{
	memcpy(out, text, len);
	return out + len;
}

/* Answers ping or close at once, also where other answers are delayed. */
static bool send_control(struct peer *peer, unsigned int opcode, const struct frame *asked)
{
	unsigned char out[FRAME_HEADER_MAX + FRAME_CONTROL_MAX];
	size_t header = frame_write_header(out, opcode, asked->payload_len, NULL);
	memcpy(out + header, asked->payload, asked->payload_len);
	return wire_send(&peer->wire, out, header + asked->payload_len);
}

static bool push_answer(struct upstream *upstream, const struct frame *frame)
{
	static const char head[] = "{\"jsonrpc\":\"2.0\",\"id\":";
	static const char middle[] = ",\"result\":";
	static const struct token null = {"null", 4};
	struct token id, body;

	if (frame->payload_len > FRAME_PAYLOAD_MAX - ANSWER_OVERHEAD ||
	    !message_scan((const char *)frame->payload, frame->payload_len, "params", &id, &body))
		return false;
	if (!id.text)
		return true; /* a notification */
	if (!body.text)
		body = null;
	size_t len = sizeof(head) - 1 + id.len + sizeof(middle) - 1 + body.len + 1;
	unsigned char *out = upstream->out + upstream->out_len;
	out += frame_write_header(out, FRAME_TEXT, len, NULL);
	out = put(out, head, sizeof(head) - 1);
	out = put(out, id.text, id.len);
	out = put(out, middle, sizeof(middle) - 1);
	out = put(out, body.text, body.len);
	*out++ = '}';
	upstream->out_len = (size_t)(out - upstream->out);
	return true;
}

/* False when the peer is to be closed. */
static bool take_frame(struct upstream *upstream, struct peer *peer, const struct frame *frame)
{
	if (WIRE_BUFFER_SIZE - upstream->out_len < frame->payload_len + ANSWER_OVERHEAD &&
	    !dispatch(upstream, peer))
		return false;
	switch (frame->opcode) {
	case FRAME_TEXT:
		return push_answer(upstream, frame);
	case FRAME_PING:
		return dispatch(upstream, peer) && send_control(peer, FRAME_PONG, frame);
	case FRAME_PONG:
		return true;
	case FRAME_CLOSE:
		if (dispatch(upstream, peer))
			(void)send_control(peer, FRAME_CLOSE, frame);
		return false;
	default:
		return false;
	}
}

static bool take_frames(struct upstream *upstream, struct peer *peer, unsigned char *data,
			size_t len)
{
	struct frame frame;
	enum frame_verdict verdict = FRAME_PARTIAL;
	size_t used = 0;
	bool open = true;

	while (open &&
	       (verdict = frame_read(data + used, len - used, true, &frame)) == FRAME_WHOLE) {
		used += frame.size;
		open = take_frame(upstream, peer, &frame);
	}
	wire_keep(&peer->wire, data + used, len - used);
	return dispatch(upstream, peer) && open && verdict != FRAME_BAD;
}

/* Answers the upgrade. *used is the length of the head, 0 while it is incomplete. */
static bool upgrade(struct upstream *upstream, struct peer *peer, size_t len, size_t *used)
{
	const char *head = (const char *)upstream->in;
	const char *key;
	size_t key_len;
	char accept[HANDSHAKE_ACCEPT_SIZE];
	char answer[256];

	*used = handshake_head_length(head, len);
	if (!*used)
		return len < HANDSHAKE_HEAD_MAX;
	if (!handshake_header(head, *used, "Sec-WebSocket-Key", &key, &key_len) ||
	    !handshake_accept(key, key_len, accept))
		return false;
	int size = snprintf(answer, sizeof(answer),
			    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
			    "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
			    accept);
	peer->upgraded = true;
	return wire_send(&peer->wire, (const unsigned char *)answer, (size_t)size);
}

static bool peer_readable(struct upstream *upstream, struct peer *peer)
{
	size_t len, used = 0;
	if (!wire_read(&peer->wire, upstream->in, &len))
		return false;
	if (!peer->upgraded && !upgrade(upstream, peer, len, &used))
		return false;
	if (!peer->upgraded) {
		wire_keep(&peer->wire, upstream->in, len);
		return true;
	}
	return take_frames(upstream, peer, upstream->in + used, len - used);
}

static void peer_event(struct upstream *upstream, struct peer *peer, uint32_t events)
{
	bool alive = true;
	if (events & EPOLLOUT)
		alive = wire_flush(&peer->wire);
	if (alive && events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		alive = peer_readable(upstream, peer);
	if (!alive)
		peer_close(peer);
}

/* How long to sleep: until the next answer is due, NULL for as long as nothing comes. */
static const struct timespec *timeout(const struct upstream *upstream, struct timespec *storage)
{
	if (!upstream->first)
		return NULL;
	uint64_t now = clock_ns();
	uint64_t due = upstream->first->due_ns;
	uint64_t wait = due <= now ? 0 : due - now;
	*storage = (struct timespec){(time_t)(wait / 1000000000u), (long)(wait % 1000000000u)};
	return storage;
}

_Noreturn static void serve(struct upstream *upstream)
{
	struct epoll_event *events = upstream->events;
	for (;;) {
		struct timespec storage;
		int count = epoll_pwait2(upstream->epoll_fd, events, EVENTS_MAX,
					 timeout(upstream, &storage), NULL);
		if (count < 0 && errno != EINTR)
			die("epoll_pwait2");
		for (int i = 0; i < count; i++) {
			if (events[i].data.ptr)
				peer_event(upstream, events[i].data.ptr, events[i].events);
			else
				accept_all(upstream);
		}
		deliver_due(upstream);
	}
}

/* Port 0 lets the kernel choose; the address in use is printed for whoever started us. */
static int listen_on(uint16_t port)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1;
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons(port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, 4096) != 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &len) != 0)
		die("port %u", port);
	printf("listening on 127.0.0.1:%u\n", ntohs(address.sin_port));
	fflush(stdout);
	return fd;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"port", required_argument, NULL, 'p'},
						{"delay-ms", required_argument, NULL, 'd'},
						{0}};
	struct upstream *upstream = calloc(1, sizeof(*upstream));
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
	uint16_t port = 0;
	int option;

	if (!upstream)
		die("out of memory");
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'p')
			port = (uint16_t)parse_number(optarg, UINT16_MAX);
		else if (option == 'd')
			upstream->delay_ns = parse_number(optarg, 60000) * 1000000u;
		else
			return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	raise_file_limit(UINT64_MAX);
	upstream->last = &upstream->first;
	upstream->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	upstream->listen_fd = listen_on(port);
	if (upstream->epoll_fd < 0 ||
	    epoll_ctl(upstream->epoll_fd, EPOLL_CTL_ADD, upstream->listen_fd, &event) != 0)
		die("epoll");
	serve(upstream);
}
