#include "swarm.h"

#include "frame.h"
#include "handshake.h"
#include "message.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_MAX	   160 /* frame header, fixed text, 20 digits and the body */
#define HANDSHAKE_DEADLINE 10  /* seconds */

struct slot {
	uint64_t since_ns;
	uint64_t id; /* 0 when free */
	char body[SWARM_BODY_SIZE];
};

struct swarm_client {
	struct wire wire;
	struct slot *slots;
	uint32_t *free_slots; /* a stack of indices */
	size_t free_count;
	uint64_t next_round; /* makes the ids of a slot differ */
};

static size_t put_decimal(unsigned char *out, uint64_t value)
{
	char digits[20];
	size_t count = 0;
	do {
		digits[count++] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	for (size_t i = 0; i < count; i++)
		out[i] = (unsigned char)digits[count - 1 - i];
	return count;
}

static void put_hex(char out[16], uint64_t value)
{
	for (int i = 15; i >= 0; i--, value >>= 4)
		out[i] = "0123456789abcdef"[value & 15];
}

/* Appends a masked frame to out. */
static void push_frame(struct swarm *swarm, unsigned int opcode, const void *payload, size_t len)
{
	unsigned char *out = swarm->out + swarm->out_len;
	uint32_t key = frame_next_key(&swarm->random);
	size_t header = frame_write_header(out, opcode, len, &key);
	memcpy(out + header, payload, len);
	frame_mask(out + header, len, key);
	swarm->out_len += header + len;
}

/* Appends the next request of a client that has a free slot. */
static void push_request(struct swarm *swarm, struct swarm_client *client, uint64_t since_ns)
{
	static const char head[] = "{\"jsonrpc\":\"2.0\",\"id\":";
	static const char middle[] = ",\"method\":\"echo\",\"params\":\"";
	unsigned char text[REQUEST_MAX];
	uint32_t index = client->free_slots[--client->free_count];
	struct slot *slot = &client->slots[index];

	slot->id = client->next_round++ * swarm->depth + index + 1;
	slot->since_ns = since_ns;
	uint64_t number = (uint64_t)(client - swarm->clients);
	put_hex(slot->body, swarm->keys ? 0 : number);
	put_hex(slot->body + 16, swarm->keys ? (slot->id + number) % swarm->keys : slot->id);

	size_t len = sizeof(head) - 1;
	memcpy(text, head, len);
	len += put_decimal(text + len, slot->id);
	memcpy(text + len, middle, sizeof(middle) - 1);
	len += sizeof(middle) - 1;
	memcpy(text + len, slot->body, SWARM_BODY_SIZE);
	len += SWARM_BODY_SIZE;
	text[len++] = '"';
	text[len++] = '}';
	push_frame(swarm, FRAME_TEXT, text, len);
	swarm->in_flight++;
}

static void client_lost(struct swarm *swarm, struct swarm_client *client)
{
	wire_close(&client->wire);
	swarm->lost_clients++;
	swarm->in_flight -= swarm->depth - client->free_count;
	client->free_count = 0;
}

static void client_send(struct swarm *swarm, struct swarm_client *client)
{
	if (!wire_send(&client->wire, swarm->out, swarm->out_len))
		client_lost(swarm, client);
	swarm->out_len = 0;
}

static bool parse_id(const struct token *token, uint64_t *id)
{
	uint64_t value = 0;
	if (!token->len || token->len > 19)
		return false;
	for (size_t i = 0; i < token->len; i++) {
		if (token->text[i] < '0' || token->text[i] > '9')
			return false;
		value = value * 10 + (uint64_t)(token->text[i] - '0');
	}
	*id = value;
	return true;
}

/* False when the answer is not the one that this client waits for. */
static bool take_answer(struct swarm *swarm, struct swarm_client *client, const struct frame *frame,
			uint64_t now)
{
	struct token token, body;
	uint64_t id;

	if (!message_scan((const char *)frame->payload, frame->payload_len, "result", &token,
			  &body) ||
	    !parse_id(&token, &id) || !id)
		return false;
	uint32_t index = (uint32_t)((id - 1) % swarm->depth);
	struct slot *slot = &client->slots[index];
	if (slot->id != id)
		return false;
	bool right = body.len == SWARM_BODY_SIZE + 2 && body.text[0] == '"' &&
		     memcmp(body.text + 1, slot->body, SWARM_BODY_SIZE) == 0;
	histogram_add(&swarm->latency, now - slot->since_ns);
	slot->id = 0;
	client->free_slots[client->free_count++] = index;
	swarm->in_flight--;
	swarm->answered++;
	return right;
}

/* Of a flood of pings it is enough to answer some (RFC 6455 section 5.5.3). */
static void push_pong(struct swarm *swarm, const struct frame *ping)
{
	if (WIRE_BUFFER_SIZE - swarm->out_len > ping->payload_len + REQUEST_MAX)
		push_frame(swarm, FRAME_PONG, ping->payload, ping->payload_len);
}

/* False when the connection is to end. */
static bool take_frame(struct swarm *swarm, struct swarm_client *client, const struct frame *frame,
		       uint64_t now)
{
	if (frame->opcode == FRAME_CLOSE)
		return false;
	if (frame->opcode == FRAME_PING)
		push_pong(swarm, frame);
	else if (frame->opcode != FRAME_PONG && !take_answer(swarm, client, frame, now))
		swarm->wrong++;
	return true;
}

static bool client_readable(struct swarm *swarm, struct swarm_client *client)
{
	struct frame frame;
	enum frame_verdict verdict;
	size_t len, used = 0;

	if (!wire_read(&client->wire, swarm->in, &len))
		return false;
	uint64_t now = clock_ns();
	while ((verdict = frame_read(swarm->in + used, len - used, false, &frame)) == FRAME_WHOLE) {
		used += frame.size;
		if (!take_frame(swarm, client, &frame, now))
			return false;
	}
	if (verdict == FRAME_BAD) {
		swarm->wrong++;
		return false;
	}
	wire_keep(&client->wire, swarm->in + used, len - used);
	return true;
}

static void push_requests(struct swarm *swarm, struct swarm_client *client)
{
	uint64_t now = clock_ns();
	while (client->free_count && WIRE_BUFFER_SIZE - swarm->out_len > REQUEST_MAX)
		push_request(swarm, client, now);
}

static void client_event(struct swarm *swarm, struct swarm_client *client, uint32_t events)
{
	bool alive = true;
	if (events & EPOLLOUT)
		alive = wire_flush(&client->wire);
	if (alive && events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		alive = client_readable(swarm, client);
	if (!alive) {
		swarm->out_len = 0;
		client_lost(swarm, client);
		return;
	}
	if (swarm->refill)
		push_requests(swarm, client);
	client_send(swarm, client);
}

void swarm_turn(struct swarm *swarm, uint64_t timeout_ns)
{
	struct timespec timeout = {(time_t)(timeout_ns / 1000000000u),
				   (long)(timeout_ns % 1000000000u)};
	int count = epoll_pwait2(swarm->epoll_fd, swarm->events, SWARM_EVENTS_MAX, &timeout, NULL);

	if (count < 0 && errno != EINTR)
		die("epoll_pwait2");
	for (int i = 0; i < count; i++)
		client_event(swarm, swarm->events[i].data.ptr, swarm->events[i].events);
}

void swarm_fill(struct swarm *swarm, size_t client)
{
	push_requests(swarm, &swarm->clients[client]);
	client_send(swarm, &swarm->clients[client]);
}

bool swarm_request(struct swarm *swarm, size_t client, uint64_t since_ns)
{
	if (!swarm->clients[client].free_count)
		return false;
	push_request(swarm, &swarm->clients[client], since_ns);
	client_send(swarm, &swarm->clients[client]);
	return true;
}

void swarm_reset(struct swarm *swarm)
{
	histogram_reset(&swarm->latency);
	swarm->answered = 0;
}

/* Blocking, with a deadline: the upgrade is not what is measured. */
static void upgrade(int fd, const struct sockaddr_in *address, const char *path)
{
	static const char key[] = "dGhlIHNhbXBsZSBub25jZQ==";
	char head[HANDSHAKE_HEAD_MAX], accept[HANDSHAKE_ACCEPT_SIZE];
	size_t len = 0, head_len = 0, value_len;
	const char *value;
	int size = snprintf(head, sizeof(head),
			    "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUpgrade: websocket\r\n"
			    "Connection: Upgrade\r\nSec-WebSocket-Key: %s\r\n"
			    "Sec-WebSocket-Version: 13\r\n\r\n",
			    path, ntohs(address->sin_port), key);

	if (size >= (int)sizeof(head) || write(fd, head, (size_t)size) != size)
		die("cannot send the upgrade");
	while (!head_len && len < sizeof(head)) {
		ssize_t count = read(fd, head + len, sizeof(head) - len);
		if (count <= 0)
			die("no answer to the upgrade");
		len += (size_t)count;
		head_len = handshake_head_length(head, len);
	}
	errno = 0;
	if (len != head_len || memcmp(head, "HTTP/1.1 101 ", 13) != 0)
		die("upgrade refused: %.*s", (int)len, head);
	if (!handshake_accept(key, sizeof(key) - 1, accept) ||
	    !handshake_header(head, head_len, "Sec-WebSocket-Accept", &value, &value_len) ||
	    value_len != strlen(accept) || memcmp(value, accept, value_len) != 0)
		die("wrong Sec-WebSocket-Accept");
}

static int dial(const struct sockaddr_in *address, const char *path)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1;
	struct timeval deadline = {.tv_sec = HANDSHAKE_DEADLINE};

	if (fd < 0)
		die("socket");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof(deadline));
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) != 0)
		die("connect to port %u", ntohs(address->sin_port));
	upgrade(fd, address, path);
	if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
		die("fcntl");
	return fd;
}

static void *allocate(size_t count, size_t size)
{
	void *memory = calloc(count, size);
	if (!memory)
		die("out of memory");
	return memory;
}

struct swarm *swarm_create(const struct sockaddr_in *address, const char *path, size_t client_count,
			   size_t depth)
{
	struct swarm *swarm = allocate(1, sizeof(*swarm));
	swarm->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (swarm->epoll_fd < 0)
		die("epoll_create1");
	swarm->client_count = client_count;
	swarm->depth = depth;
	swarm->random = clock_ns() | 1;
	swarm->clients = allocate(client_count, sizeof(*swarm->clients));
	for (size_t i = 0; i < client_count; i++) {
		struct swarm_client *client = &swarm->clients[i];
		client->slots = allocate(depth, sizeof(*client->slots));
		client->free_slots = allocate(depth, sizeof(*client->free_slots));
		for (size_t slot = 0; slot < depth; slot++)
			client->free_slots[client->free_count++] = (uint32_t)slot;
		wire_open(&client->wire, dial(address, path), swarm->epoll_fd, client,
			  EPOLLIN | EPOLLOUT);
	}
	return swarm;
}

void swarm_destroy(struct swarm *swarm)
{
	static const unsigned char normal_closure[] = {1000 >> 8, 1000 & 0xFF};
	for (size_t i = 0; i < swarm->client_count; i++) {
		struct swarm_client *client = &swarm->clients[i];
		if (client->wire.fd >= 0) {
			push_frame(swarm, FRAME_CLOSE, normal_closure, sizeof(normal_closure));
			client_send(swarm, client);
		}
		if (client->wire.fd >= 0)
			wire_close(&client->wire);
		free(client->slots);
		free(client->free_slots);
	}
	close(swarm->epoll_fd);
	free(swarm->clients);
	free(swarm);
}
