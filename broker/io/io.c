#include "broker/io/io.h"

#include <stdlib.h>
#include <string.h>
#include "broker/io/adopted.h"
#include "broker/io/entropy.h"
#include "broker/io/http_admin.h"
#include "broker/io/http_post.h"
#include "broker/io/lookups.h"
#include "broker/io/redis_links.h"
#include "broker/io/tunnel.h"
#include "broker/io/tls.h"
#include "broker/io/ws_context.h"
#include "broker/io/ws_dialer.h"
#include "broker/io/ws_server.h"
#include "common/clock.h"

/* Beside clients and upstreams: admin requests, look-ups, files. */
#define SPARE_DESCRIPTORS 256

struct io {
	struct ws_context context;
	struct adopted adopted;
	struct ws_dialer dialer;
	struct lookups lookups;
	struct redis_links redis;
	struct tunnels tunnels;
	struct http_admin admin;
	struct ws_server **servers; /* those that are configured, in its order; then retired ones */
	size_t server_count;
	struct ports ports;
	const struct config *config;
	struct engine *engine; /* NULL: not started */
	struct log *log;
	struct loop *loop;
	int client_descriptor_max; /* clients get descriptors below this number */
	int admin_descriptor_max;  /* and those who ask the admin API below this one */
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

static void port_bus_open(void *io, enum bus_link link, const struct bus_url *url)
{
	redis_links_open(&((struct io *)io)->redis, link, url);
}

static void port_bus_close(void *io, enum bus_link link)
{
	redis_link_close(&((struct io *)io)->redis.of[link]);
}

static void port_bus_send(void *io, enum bus_link link, const struct span *words, size_t count)
{
	redis_link_send(&((struct io *)io)->redis.of[link], words, count);
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
	.bus_open = port_bus_open,
	.bus_close = port_bus_close,
	.bus_send = port_bus_send,
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
 * they come to: upstreams have to be dialled, and the admin API has to say what is wrong. Nor may
 * those who ask the admin API have all that is left: Redis and the disk need some. */
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
	io->admin_descriptor_max = (int)(had - upstreams - (reserve - upstreams) / 2);
	if (had < clients + least)
		log_event(io->log, LOG_WARN, "io.descriptors_short", log_number("have", had),
			  log_number("need", clients + least),
			  log_text("hint", "raise the limit of open files (ulimit -n, LimitNOFILE) "
					   "or lower limits.clients"));
}

/* *out is set unless memory runs out, also when the address cannot be had. */
static enum wsb_err open_server(struct io *io, const struct config *config, size_t index,
				struct ws_server **out, struct strbuf *errors)
{
	struct ws_server *server = calloc(1, sizeof(*server));
	enum wsb_err err;

	*out = server;
	if (!server)
		return WSB_ENOMEM;
	err = ws_server_open(server, &io->context, config, index, errors);
	server->tunnels = &io->tunnels;
	server->listener.descriptor_max = io->client_descriptor_max;
	return err;
}

static void close_server(struct ws_server *server)
{
	ws_server_close(server);
	ws_server_fini(server);
	free(server);
}

static enum wsb_err open_all(struct io *io, struct strbuf *errors)
{
	const struct config *config = io->config;
	enum wsb_err first;

	tunnels_init(&io->tunnels, &io->context, &io->dialer);
	first = ws_dialer_init(&io->dialer, &io->context, config, errors);
	if (first)
		return first;
	io->servers = calloc(config->listener_count, sizeof(struct ws_server *));
	if (!io->servers)
		return WSB_ENOMEM;
	for (size_t i = 0; i < config->listener_count; i++) {
		enum wsb_err err = open_server(io, config, i, &io->servers[i], errors);

		if (io->servers[i])
			io->server_count++;
		first = first ? first : err;
	}
	if (http_admin_open(&io->admin, &io->context, config, errors))
		first = first ? first : WSB_EIO;
	io->admin.listener.descriptor_max = io->admin_descriptor_max;
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
	redis_links_init(&io->redis, &loop->uv);
	io->ports = port_table;
	io->ports.io = io;
	io->admin.listener.fd = -1;
	size_descriptors(io);
	err = adopted_init(&io->adopted, errors);
	if (!err)
		err = ws_context_init(&io->context, loop, log);
	if (err) {
		adopted_fini(&io->adopted);
		free(io);
		return err;
	}
	io->context.adopted = &io->adopted;
	err = open_all(io, errors);
	if (err) {
		if (io_end(io))
			io_destroy(io);
		return err;
	}
	adopted_report_unused(&io->adopted, log);
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

	io->engine = engine;
	ws_dialer_set_engine(&io->dialer, engine);
	io->lookups.engine = engine;
	io->redis.engine = engine;
	tunnels_set_engine(&io->tunnels, engine);
	for (size_t i = 0; i < io->server_count; i++) {
		err = ws_server_start(io->servers[i], engine);
		if (err)
			return err;
	}
	return http_admin_start(&io->admin, backend);
}

void io_turn(struct io *io)
{
	ws_dialer_turn(&io->dialer);
	tunnels_turn(&io->tunnels);
	redis_links_turn(&io->redis);
	http_admin_turn(&io->admin);
	ws_context_turn(&io->context);
}

void io_tick(struct io *io, uint64_t now_us)
{
	ws_context_tick(&io->context, now_us);
	tunnels_tick(&io->tunnels, now_us);
	for (size_t i = 0; i < io->server_count; i++)
		listener_tick(&io->servers[i]->listener, now_us);
	listener_tick(&io->admin.listener, now_us);
	http_admin_tick(&io->admin, now_us);
}

void io_close_listeners(struct io *io)
{
	for (size_t i = 0; i < io->server_count; i++)
		ws_server_close(io->servers[i]);
}

const char *io_data_address(const struct io *io, size_t listener)
{
	return listener_bound(&io->servers[listener]->listener);
}

const char *io_admin_address(const struct io *io)
{
	return listener_bound(&io->admin.listener);
}

bool io_listens(const struct io *io)
{
	for (size_t i = 0; i < io->server_count; i++)
		if (!io->servers[i]->retired && !listener_is_sound(&io->servers[i]->listener))
			return false;
	return listener_is_sound(&io->admin.listener);
}

bool io_end(struct io *io)
{
	bool settled;

	io_close_listeners(io);
	http_admin_close(&io->admin);
	ws_dialer_end(&io->dialer);
	tunnels_end(&io->tunnels);
	redis_links_end(&io->redis);
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
		close_server(io->servers[i]);
	free(io->servers);
	adopted_fini(&io->adopted);
	free(io);
}

/* The server of a listener's address; NULL: there is none (any more). */
static struct ws_server *find_server(const struct io *io, const struct address *address)
{
	for (size_t i = 0; i < io->server_count; i++) {
		struct ws_server *server = io->servers[i];

		if (!server->retired && strcmp(server->listener.address->text, address->text) == 0)
			return server;
	}
	return NULL;
}

static enum wsb_err prepare_server(struct io *io, const struct config *next, size_t index,
				   struct io_change *change, struct strbuf *errors)
{
	const struct listener_settings *settings = &next->listeners[index];
	struct ws_server *server = find_server(io, &settings->address);
	enum wsb_err err = WSB_OK;

	if (!server) {
		change->fresh[index] = true;
		return open_server(io, next, index, &change->servers[index], errors);
	}
	if (settings->tls.certificate)
		err = tls_server_create(&change->ssl_contexts[index], &settings->tls, errors);
	change->servers[index] = server;
	return err;
}

enum wsb_err io_prepare(struct io *io, const struct config *next, struct io_change *out,
			struct strbuf *errors)
{
	enum wsb_err err;

	*out = (struct io_change){.count = next->listener_count};
	out->servers = calloc(next->listener_count + io->server_count, sizeof(struct ws_server *));
	out->ssl_contexts = calloc(next->listener_count, sizeof(void *));
	out->fresh = calloc(next->listener_count, sizeof(bool));
	err = out->servers && out->ssl_contexts && out->fresh ? WSB_OK : WSB_ENOMEM;
	if (!err)
		err = http_admin_check(&io->admin, next, errors);
	if (!err)
		err = ws_dialer_prepare(&out->dialer, next, errors);
	for (size_t i = 0; !err && i < next->listener_count; i++)
		err = prepare_server(io, next, i, out, errors);
	for (size_t i = 0; !err && i < next->listener_count; i++)
		if (out->fresh[i])
			err = ws_server_start(out->servers[i], io->engine);
	if (err)
		io_forget(out);
	return err;
}

void io_forget(struct io_change *change)
{
	for (size_t i = 0; change->fresh && change->servers && i < change->count; i++)
		if (change->fresh[i] && change->servers[i])
			close_server(change->servers[i]);
	for (size_t i = 0; change->ssl_contexts && i < change->count; i++)
		tls_context_destroy(change->ssl_contexts[i]);
	ws_dialer_forget(&change->dialer);
	free(change->servers);
	free(change->ssl_contexts);
	free(change->fresh);
	*change = (struct io_change){0};
}

static bool is_kept(const struct io_change *change, const struct ws_server *server)
{
	for (size_t i = 0; i < change->count; i++)
		if (change->servers[i] == server)
			return true;
	return false;
}

void io_take(struct io *io, const struct config *config, struct io_change *change)
{
	size_t count = change->count;

	for (size_t i = 0; i < change->count; i++) {
		if (change->fresh[i])
			continue;
		ws_server_obey(change->servers[i], config, i, change->ssl_contexts[i]);
		change->ssl_contexts[i] = NULL;
		change->fresh[i] = false;
	}
	for (size_t i = 0; i < io->server_count; i++) {
		if (is_kept(change, io->servers[i]))
			continue;
		ws_server_retire(io->servers[i], config);
		change->servers[count++] = io->servers[i];
	}
	free(io->servers);
	io->servers = change->servers;
	io->server_count = count;
	change->servers = NULL;
	io->config = config;
	io->admin.listener.address = &config->admin.address;
	io->admin.site.handshake_us = config->limits.handshake_us;
	ws_dialer_take(&io->dialer, config, &change->dialer);
	size_descriptors(io);
	io->admin.listener.descriptor_max = io->admin_descriptor_max;
	for (size_t i = 0; i < io->server_count; i++)
		io->servers[i]->listener.descriptor_max = io->client_descriptor_max;
	io_forget(change);
}
