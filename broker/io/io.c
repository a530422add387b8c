#include "broker/io/io.h"

#include <stdlib.h>
#include "broker/io/entropy.h"
#include "broker/io/http_admin.h"
#include "broker/io/http_post.h"
#include "broker/io/lookups.h"
#include "broker/io/tunnel.h"
#include "broker/io/ws_context.h"
#include "broker/io/ws_dialer.h"
#include "broker/io/ws_server.h"
#include "common/clock.h"

/* Beside clients and upstreams: admin requests, look-ups, files. */
#define SPARE_DESCRIPTORS 256

struct io {
	struct ws_context context;
	struct ws_dialer dialer;
	struct lookups lookups;
	struct tunnels tunnels;
	struct http_admin admin;
	struct ws_server *servers;
	size_t server_count;
	struct ports ports;
	const struct config *config;
	struct log *log;
	struct loop *loop;
	int client_descriptor_max; /* clients get descriptors below this number */
};

static void port_dial(void *io, struct connection *connection)
{
	ws_dialer_dial(&((struct io *)io)->dialer, connection);
}

static void port_abort_dial(void *io, struct connection *connection)
{
	ws_dialer_abort_dial(&((struct io *)io)->dialer, connection);
}

static void port_want_write(void *io, void *transport)
{
	(void)io;
	wire_want_write(transport);
}

static void port_close(void *io, void *transport, uint16_t code, struct span reason)
{
	(void)io;
	if (ws_dialer_owns(transport))
		ws_dialer_asked(transport);
	wire_close(transport, code, reason);
}

static void port_abort(void *io, void *transport)
{
	(void)io;
	if (ws_dialer_owns(transport))
		ws_dialer_asked(transport);
	wire_abort(transport);
}

static void port_pause(void *io, void *transport, bool paused)
{
	(void)io;
	wire_pause(transport, paused);
}

static void port_resolve(void *io, uint64_t look_up, const char *host)
{
	lookups_ask(&((struct io *)io)->lookups, look_up, host);
}

static void port_http_respond(void *io, void *transport, int status, uint32_t retry_after_s,
			      enum encoding encoding, struct span body)
{
	(void)io;
	http_post_respond(http_socket_of(transport), status, retry_after_s, encoding, body);
}

static void port_tunnel_dial(void *io, void *transport, const struct endpoint *endpoint,
			     uint64_t deadline_us)
{
	(void)io;
	tunnel_dial(transport, endpoint, deadline_us);
}

static void port_tunnel_refuse(void *io, void *transport, const struct admittance *verdict)
{
	(void)io;
	tunnel_refuse(transport, verdict);
}

static void port_tunnel_close(void *io, void *transport, uint16_t code, struct span reason)
{
	(void)io;
	tunnel_say_goodbye(transport, code, reason);
}

static uint64_t port_wall_us(void *io)
{
	(void)io;
	return clock_wall_us();
}

static void port_random(void *io, void *out, size_t len)
{
	(void)io;
	entropy_fill(out, len);
}

static const struct ports port_table = {
	.dial = port_dial,
	.abort_dial = port_abort_dial,
	.want_write = port_want_write,
	.close = port_close,
	.abort = port_abort,
	.pause = port_pause,
	.http_respond = port_http_respond,
	.resolve = port_resolve,
	.tunnel_dial = port_tunnel_dial,
	.tunnel_refuse = port_tunnel_refuse,
	.tunnel_close = port_tunnel_close,
	.wall_us = port_wall_us,
	.random = port_random,
};

/* What the pools need as they are configured, and as much as they may be resized to. */
static void count_upstreams(const struct config *config, size_t *least, size_t *most)
{
	*least = *most = 0;
	for (size_t i = 0; i < config->pool_count; i++) {
		const struct pool_settings *pool = &config->pools[i];

		*least += pool->size + pool->endpoint_count;
		*most += POOL_SIZE_MAX + pool->endpoint_count;
	}
}

/* Of what the system allows: upstreams get half of what clients leave, as many as they are
 * configured to be at least, but never more than half of all. Clients may not have those, whatever
 * they come to: upstreams have to be dialled, and the admin API has to say what is wrong. */
static void size_descriptors(struct io *io)
{
	size_t clients = io->config->limits.clients + SPARE_DESCRIPTORS;
	size_t least, most, had, upstreams, reserve;

	count_upstreams(io->config, &least, &most);
	had = ws_context_raise_descriptors(clients + SPARE_DESCRIPTORS + 2 * most);
	upstreams = had > clients ? (had - clients) / 2 : 0;
	if (upstreams > most)
		upstreams = most;
	if (upstreams < least)
		upstreams = least;
	reserve = upstreams + SPARE_DESCRIPTORS;
	if (reserve > had / 2) {
		reserve = had / 2;
		upstreams = upstreams < reserve / 2 ? upstreams : reserve / 2;
	}
	io->ports.connections_max = upstreams;
	io->client_descriptor_max = (int)(had - reserve);
	if (had < clients + least)
		log_event(io->log, LOG_WARN, "io.descriptors_short", log_number("have", had),
			  log_number("need", clients + least),
			  log_text("hint", "raise the limit of open files (ulimit -n, LimitNOFILE) "
					   "or lower limits.clients"));
}

static enum wsb_err open_all(struct io *io, struct strbuf *errors)
{
	const struct config *config = io->config;
	enum wsb_err first;

	tunnels_init(&io->tunnels, &io->context, &io->dialer);
	first = ws_dialer_init(&io->dialer, &io->context, config, errors);
	if (first)
		return first;
	io->servers = calloc(config->listener_count, sizeof(*io->servers));
	if (!io->servers)
		return WSB_ENOMEM;
	for (size_t i = 0; i < config->listener_count; i++) {
		enum wsb_err err = ws_server_open(&io->servers[i], &io->context, config, i, errors);

		io->servers[i].tunnels = &io->tunnels;
		io->servers[i].listener.descriptor_max = io->client_descriptor_max;
		io->server_count++;
		first = first ? first : err;
	}
	if (http_admin_open(&io->admin, &io->context, config, errors))
		first = first ? first : WSB_EIO;
	return first;
}

enum wsb_err io_create(struct io **out, const struct config *config, struct log *log,
		       struct loop *loop, struct strbuf *errors)
{
	struct io *io = calloc(1, sizeof(*io));
	enum wsb_err err;

	*out = NULL;
	if (!io)
		return WSB_ENOMEM;
	io->config = config;
	io->log = log;
	io->loop = loop;
	lookups_init(&io->lookups, &loop->uv);
	io->ports = port_table;
	io->ports.io = io;
	io->admin.listener.fd = -1;
	size_descriptors(io);
	err = ws_context_init(&io->context, loop, log);
	if (err) {
		free(io);
		return err;
	}
	err = open_all(io, errors);
	if (err) {
		if (io_end(io))
			io_destroy(io);
		return err;
	}
	*out = io;
	return WSB_OK;
}

const struct ports *io_ports(struct io *io)
{
	return &io->ports;
}

enum wsb_err io_start(struct io *io, struct engine *engine, const struct admin_backend *backend)
{
	enum wsb_err err;

	ws_dialer_set_engine(&io->dialer, engine);
	io->lookups.engine = engine;
	tunnels_set_engine(&io->tunnels, engine);
	for (size_t i = 0; i < io->server_count; i++) {
		err = ws_server_start(&io->servers[i], engine);
		if (err)
			return err;
	}
	return http_admin_start(&io->admin, backend);
}

void io_turn(struct io *io)
{
	ws_dialer_turn(&io->dialer);
	tunnels_turn(&io->tunnels);
	ws_context_turn(&io->context);
}

void io_tick(struct io *io, uint64_t now_us)
{
	ws_context_tick(&io->context, now_us);
	tunnels_tick(&io->tunnels, now_us);
	for (size_t i = 0; i < io->server_count; i++)
		listener_tick(&io->servers[i].listener, now_us);
	listener_tick(&io->admin.listener, now_us);
	http_admin_tick(&io->admin, now_us);
}

void io_close_listeners(struct io *io)
{
	for (size_t i = 0; i < io->server_count; i++)
		ws_server_close(&io->servers[i]);
}

bool io_end(struct io *io)
{
	bool settled;

	io_close_listeners(io);
	http_admin_close(&io->admin);
	if (io->dialer.pools)
		ws_dialer_end(&io->dialer);
	tunnels_end(&io->tunnels);
	lookups_end(&io->lookups);
	ws_context_end(&io->context);
	settled = loop_settle(io->loop);
	/* The turns have ended with the loop: what they would still have reported is done here. */
	tunnels_turn(&io->tunnels);
	ws_context_turn(&io->context);
	return settled;
}

void io_destroy(struct io *io)
{
	if (!io)
		return;
	ws_context_fini(&io->context);
	ws_dialer_fini(&io->dialer);
	for (size_t i = 0; i < io->server_count; i++)
		ws_server_fini(&io->servers[i]);
	free(io->servers);
	free(io);
}
