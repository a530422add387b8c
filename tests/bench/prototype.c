/* tests/bench/prototype.c: a bare pool on libwebsockets, the least that could stand in the broker's
 * place on that library (broker/decisions/007).
 *
 * Usage: bench_prototype LISTEN_PORT UPSTREAM_PORT SIZE. All clients share SIZE upstream
 * connections, taken in turn. A yardstick, no product: it reads no message strictly, but takes what
 * stands behind the first "id": of the text, which is right for the messages of this bench and for
 * few others. It has no limits, no deadlines and no answers of its own, retries nothing, and ends
 * when it loses an upstream connection. What it does, it does as fast as the library allows:
 *
 * - libwebsockets runs on a libuv loop (its own looks at all sockets in each turn) and reads large
 *   pieces;
 * - messages are appended to a buffer of the receiving socket as ready frames, the id spliced into
 *   the text as it came; nothing is allocated for a message;
 * - each touched socket is written once in each turn of the loop, raw: LWS_WRITE_HTTP on an
 *   upgraded socket sends the bytes as they are. WRITEABLE comes only after a partial write. */
#include "frame.h"
#include "message.h"
#include "wire.h"

#include <libwebsockets.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define POOL_SIZE_MAX 1000
#define IN_FLIGHT_MAX 65536
#define FILES_MAX     20000 /* the library clears tables of this size when it starts */
#define READ_SIZE     (128 * 1024)
#define ID_MAX	      24

/* One WebSocket, of a client or to the upstream. */
struct peer {
	struct lws *wsi; /* NULL while it is not open */
	struct peer *next_dirty;
	bool is_dirty;
	bool is_client;
	struct wire_bytes in;  /* the begin of a message that comes in pieces */
	struct wire_bytes out; /* whole frames */
};

/* A request on its way: its index is its id upstream. */
struct slot {
	struct peer *client; /* NULL when it has gone, or the slot is free */
	struct slot *next_free;
	size_t id_len;
	char id[ID_MAX]; /* as it stood in the client's text */
};

struct prototype {
	struct peer upstreams[POOL_SIZE_MAX];
	size_t upstream_count;
	size_t turn;
	struct peer *dirty;
	struct slot slots[IN_FLIGHT_MAX];
	size_t slot_count; /* those from here on were never used */
	struct slot *free_slot;
	uint64_t random;
	uv_loop_t loop;
	uv_prepare_t before_sleep;
};

/* What the socket does not take is copied by the library, which calls back as WRITEABLE once that
 * is out. A socket that cannot be written will be reported as closed. */
static void flush(struct peer *peer)
{
	if (!peer->out.len || !peer->wsi || lws_partial_buffered(peer->wsi))
		return;
	(void)lws_write(peer->wsi, peer->out.data, peer->out.len, LWS_WRITE_HTTP);
	peer->out.len = 0;
}

static void flush_dirty(uv_prepare_t *handle)
{
	struct prototype *prototype = handle->data;
	struct peer *peer;

	while ((peer = prototype->dirty)) {
		prototype->dirty = peer->next_dirty;
		peer->is_dirty = false;
		flush(peer);
	}
}

static unsigned char *put(unsigned char *out, const char *text, size_t len)
{
	memcpy(out, text, len);
	return out + len;
}

/* Appends the text with another id as one frame, masked when there is a key. */
static void push_spliced(struct prototype *prototype, struct peer *peer, const struct token *text,
			 const struct token *old_id, const struct token *new_id,
			 const uint32_t *key)
{
	size_t before = (size_t)(old_id->text - text->text);
	size_t behind = before + old_id->len;
	size_t len = text->len - old_id->len + new_id->len;
	unsigned char *frame = wire_bytes_room(&peer->out, FRAME_HEADER_MAX + len);
	size_t header = frame_write_header(frame, FRAME_TEXT, len, key);
	unsigned char *out = put(frame + header, text->text, before);

	out = put(out, new_id->text, new_id->len);
	(void)put(out, text->text + behind, text->len - behind);
	if (key)
		frame_mask(frame + header, len, *key);
	peer->out.len += header + len;
	if (peer->is_dirty)
		return;
	peer->is_dirty = true;
	peer->next_dirty = prototype->dirty;
	prototype->dirty = peer;
}

static bool find_id(const struct token *text, struct token *id)
{
	static const char name[] = "\"id\":";
	const char *end = text->text + text->len;
	const char *at = memmem(text->text, text->len, name, sizeof(name) - 1);

	if (!at)
		return false;
	at += sizeof(name) - 1;
	id->text = at;
	while (at < end && *at != ',' && *at != '}')
		at++;
	id->len = (size_t)(at - id->text);
	return id->len <= ID_MAX;
}

static struct slot *take_slot(struct prototype *prototype)
{
	struct slot *slot = prototype->free_slot;

	if (!slot && prototype->slot_count == IN_FLIGHT_MAX)
		die("more than %d requests in flight", IN_FLIGHT_MAX);
	if (!slot)
		return &prototype->slots[prototype->slot_count++];
	prototype->free_slot = slot->next_free;
	return slot;
}

static void take_request(struct prototype *prototype, struct peer *client, const struct token *text,
			 const struct token *id)
{
	struct slot *slot = take_slot(prototype);
	size_t index = (size_t)(slot - prototype->slots);
	uint32_t key = frame_next_key(&prototype->random);
	char digits[20];
	char *first = digits + sizeof(digits);

	slot->client = client;
	slot->id_len = id->len;
	memcpy(slot->id, id->text, id->len);
	do
		*--first = (char)('0' + index % 10);
	while (index /= 10);
	struct token slot_id = {first, (size_t)(digits + sizeof(digits) - first)};
	push_spliced(prototype, &prototype->upstreams[prototype->turn], text, id, &slot_id, &key);
	prototype->turn = (prototype->turn + 1) % prototype->upstream_count;
}

static void take_answer(struct prototype *prototype, const struct token *text,
			const struct token *id)
{
	size_t index = 0;

	for (size_t i = 0; i < id->len; i++)
		index = index * 10 + (size_t)(id->text[i] - '0');
	if (index >= prototype->slot_count)
		die("an answer to nothing: %.*s", (int)text->len, text->text);
	struct slot *slot = &prototype->slots[index];
	struct token client_id = {slot->id, slot->id_len};
	if (slot->client)
		push_spliced(prototype, slot->client, text, id, &client_id, NULL);
	slot->client = NULL;
	slot->next_free = prototype->free_slot;
	prototype->free_slot = slot;
}

/* The library hands on what one read has brought, so a message may come in pieces. What this
 * program cannot read ends the connection. */
static int receive(struct prototype *prototype, struct peer *peer, const char *piece, size_t len)
{
	bool ends = lws_is_final_fragment(peer->wsi) && !lws_remaining_packet_payload(peer->wsi);
	struct token text = {piece, len};
	struct token id;

	if (!ends || peer->in.len) {
		memcpy(wire_bytes_room(&peer->in, len), piece, len);
		peer->in.len += len;
		text = (struct token){(char *)peer->in.data, peer->in.len};
	}
	if (text.len > FRAME_PAYLOAD_MAX - ID_MAX)
		return -1;
	if (!ends)
		return 0;
	peer->in.len = 0;
	if (!find_id(&text, &id))
		return -1;
	if (peer->is_client)
		take_request(prototype, peer, &text, &id);
	else
		take_answer(prototype, &text, &id);
	return 0;
}

/* The memory of the client itself is the library's. Flushing empties the list it may stand on. */
static void forget(struct prototype *prototype, struct peer *client)
{
	client->wsi = NULL;
	flush_dirty(&prototype->before_sleep);
	for (size_t i = 0; i < prototype->slot_count; i++) {
		if (prototype->slots[i].client == client)
			prototype->slots[i].client = NULL;
	}
	free(client->in.data);
	free(client->out.data);
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		    size_t len)
{
	struct peer *peer = user;

	switch ((int)reason) {
	case LWS_CALLBACK_ESTABLISHED:
		*peer = (struct peer){.wsi = wsi, .is_client = true};
		return 0;
	case LWS_CALLBACK_CLIENT_ESTABLISHED:
		peer->wsi = wsi;
		flush(peer);
		return 0;
	case LWS_CALLBACK_RECEIVE:
	case LWS_CALLBACK_CLIENT_RECEIVE:
		return receive(lws_context_user(lws_get_context(wsi)), peer, in, len);
	case LWS_CALLBACK_SERVER_WRITEABLE:
	case LWS_CALLBACK_CLIENT_WRITEABLE:
		flush(peer);
		return 0;
	case LWS_CALLBACK_CLOSED:
		forget(lws_context_user(lws_get_context(wsi)), peer);
		return 0;
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
	case LWS_CALLBACK_CLIENT_CLOSED:
		die("an upstream connection is lost");
	default:
		return 0;
	}
}

/* rx_buffer_size is allocated for each socket: it is most of what an idle client costs. */
static const struct lws_protocols protocols[] = {
	{.name = "client",
	 .callback = on_event,
	 .per_session_data_size = sizeof(struct peer),
	 .rx_buffer_size = 4096,
	 .tx_packet_size = 1024 * 1024},
	{.name = "upstream",
	 .callback = on_event,
	 .rx_buffer_size = READ_SIZE / 2,
	 .tx_packet_size = 1024 * 1024},
	{.name = NULL},
};

/* Never: a ping of the library's behind a raw partial write would spoil the stream. */
static const lws_retry_bo_t no_keep_alive = {.secs_since_valid_ping = 0};

static struct lws_context *listen_on(struct prototype *prototype, uint16_t port)
{
	void *loops[] = {&prototype->loop};
	struct lws_context_creation_info info = {.options = LWS_SERVER_OPTION_LIBUV,
						 .foreign_loops = loops,
						 .port = port,
						 .iface = "127.0.0.1",
						 .protocols = protocols,
						 .pt_serv_buf_size = READ_SIZE,
						 .retry_and_idle_policy = &no_keep_alive,
						 .user = prototype};
	struct lws_context *context = lws_create_context(&info);

	if (!context)
		die("libwebsockets does not start on port %u", port);
	return context;
}

static void dial(struct lws_context *context, uint16_t port, struct peer *upstream)
{
	struct lws_client_connect_info info = {.context = context,
					       .address = "127.0.0.1",
					       .port = port,
					       .path = "/",
					       .host = "127.0.0.1",
					       .ietf_version_or_minus_one = -1,
					       .local_protocol_name = "upstream",
					       .retry_and_idle_policy = &no_keep_alive,
					       .userdata = upstream};

	if (!lws_client_connect_via_info(&info))
		die("no connection to port %u", port);
}

int main(int argc, char **argv)
{
	struct prototype *prototype = calloc(1, sizeof(*prototype));

	if (!prototype || uv_loop_init(&prototype->loop) != 0)
		die("out of memory");
	if (argc != 4 || !(prototype->upstream_count = parse_number(argv[3], POOL_SIZE_MAX)))
		die("usage: bench_prototype LISTEN_PORT UPSTREAM_PORT SIZE");
	signal(SIGPIPE, SIG_IGN);
	raise_file_limit(FILES_MAX);
	lws_set_log_level(LLL_ERR | LLL_WARN, NULL);
	prototype->random = clock_ns() | 1;
	uint16_t upstream_port = (uint16_t)parse_number(argv[2], UINT16_MAX);
	struct lws_context *context =
		listen_on(prototype, (uint16_t)parse_number(argv[1], UINT16_MAX));
	for (size_t i = 0; i < prototype->upstream_count; i++)
		dial(context, upstream_port, &prototype->upstreams[i]);
	uv_prepare_init(&prototype->loop, &prototype->before_sleep);
	prototype->before_sleep.data = prototype;
	uv_prepare_start(&prototype->before_sleep, flush_dirty);
	return uv_run(&prototype->loop, UV_RUN_DEFAULT);
}
