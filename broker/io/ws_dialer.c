#include "broker/io/ws_dialer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "broker/io/dial_headers.h"
#include "broker/io/tls.h"
#include "broker/pool/pool.h"
#include "common/clock.h"

/* One upstream socket. */
struct ws_dial {
	struct ws_client client;
	struct ws_target target;
	struct ws_dialer *dialer;
	struct ws_dialer_pool *pool;
	struct connection *connection;
	struct list_node dialing;
};

struct subprotocol {
	struct list_node link;
	char name[];
};

static struct ws_dial *dial_of(struct ws_client *client)
{
	return list_entry(client, struct ws_dial, client);
}

static enum wsb_err add_headers(struct ws_client *client, char **at, size_t room)
{
	struct ws_dial *dial = dial_of(client);

	return dial_headers_append(dial->connection->pool->settings, at, room);
}

static void on_opened(struct ws_client *client)
{
	struct ws_dial *dial = dial_of(client);

	list_remove(&dial->dialer->dialing, &dial->dialing);
	engine_connection_opened(dial->dialer->engine, dial->connection, &client->wire,
				 clock_monotonic_us());
}

static void on_data(struct ws_client *client, bool binary, struct span piece, uint64_t frame_left,
		    bool ends_message)
{
	struct ws_dial *dial = dial_of(client);

	engine_connection_data(dial->dialer->engine, dial->connection, binary, piece, frame_left,
			       ends_message, dial->dialer->context->now_us);
}

static void on_pong(struct ws_client *client)
{
	struct ws_dial *dial = dial_of(client);

	engine_connection_pong(dial->dialer->engine, dial->connection,
			       dial->dialer->context->now_us);
}

static void on_closed(struct ws_client *client, const struct ws_end *end)
{
	struct ws_dial *dial = dial_of(client);

	list_remove(&dial->dialer->dialing, &dial->dialing);
	engine_connection_closed(
		dial->dialer->engine, dial->connection,
		dial->connection->pool->settings->tunnels && end->status ? "answered" : end->cause,
		end->code, end->text, clock_monotonic_us());
	free(dial);
}

static const struct ws_client_events events = {
	.headers = add_headers,
	.opened = on_opened,
	.data = on_data,
	.pong = on_pong,
	.closed = on_closed,
};

static bool pool_uses_tls(const struct pool_settings *settings)
{
	for (size_t i = 0; i < settings->endpoint_count; i++) {
		if (settings->endpoints[i].tls)
			return true;
	}
	return false;
}

/* A subprotocol that outlives every configuration; few are ever asked for. NULL: none. */
static const char *keep_subprotocol(struct ws_dialer *dialer, const char *name)
{
	struct subprotocol *kept;

	if (!name)
		return NULL;
	list_each(&dialer->subprotocols, node) {
		kept = list_entry(node, struct subprotocol, link);
		if (strcmp(kept->name, name) == 0)
			return kept->name;
	}
	kept = malloc(sizeof(*kept) + strlen(name) + 1);
	if (!kept)
		abort();
	memcpy(kept->name, name, strlen(name) + 1);
	list_node_init(&kept->link);
	list_append(&dialer->subprotocols, &kept->link);
	return kept->name;
}

static struct ws_dialer_pool *find_pool(struct ws_dialer *dialer, const char *name)
{
	list_each(&dialer->pools, node) {
		struct ws_dialer_pool *pool = list_entry(node, struct ws_dialer_pool, link);

		if (strcmp(pool->name, name) == 0)
			return pool;
	}
	return NULL;
}

static void remove_pool(struct ws_dialer *dialer, struct ws_dialer_pool *pool)
{
	list_remove(&dialer->pools, &pool->link);
	ws_client_group_fini(&pool->group);
	free(pool->name);
	free(pool);
}

/* Without TLS yet. Without memory for this little there is nothing sensible left to do. */
static struct ws_dialer_pool *add_pool(struct ws_dialer *dialer,
				       const struct pool_settings *settings)
{
	struct ws_dialer_pool *pool = calloc(1, sizeof(*pool));
	struct strbuf none;

	if (!pool)
		abort();
	pool->name = strdup(settings->name);
	strbuf_init(&none);
	if (!pool->name ||
	    ws_client_group_init(&pool->group, dialer->context, &events, NULL, &none))
		abort();
	pool->group.subprotocol = keep_subprotocol(dialer, settings->subprotocol);
	pool->group.late = "limits.handshake has passed";
	list_node_init(&pool->link);
	list_append(&dialer->pools, &pool->link);
	return pool;
}

enum wsb_err ws_dialer_prepare(struct ws_dialer_next *out, const struct config *next,
			       struct strbuf *errors)
{
	enum wsb_err err = WSB_OK;

	*out = (struct ws_dialer_next){.count = next->pool_count};
	out->ssl_contexts = calloc(next->pool_count + 1, sizeof(void *));
	if (!out->ssl_contexts)
		return WSB_ENOMEM;
	for (size_t i = 0; !err && i < next->pool_count; i++) {
		if (pool_uses_tls(&next->pools[i]))
			err = tls_client_create(&out->ssl_contexts[i], &next->pools[i].tls, errors);
	}
	if (err)
		ws_dialer_forget(out);
	return err;
}

void ws_dialer_forget(struct ws_dialer_next *next)
{
	for (size_t i = 0; next->ssl_contexts && i < next->count; i++)
		tls_context_destroy(next->ssl_contexts[i]);
	free(next->ssl_contexts);
	*next = (struct ws_dialer_next){0};
}

static bool is_configured(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->pool_count; i++)
		if (strcmp(config->pools[i].name, name) == 0)
			return true;
	return false;
}

void ws_dialer_take(struct ws_dialer *dialer, const struct config *config,
		    struct ws_dialer_next *next)
{
	dialer->config = config;
	for (size_t i = 0; i < next->count; i++) {
		const struct pool_settings *settings = &config->pools[i];
		struct ws_dialer_pool *pool = find_pool(dialer, settings->name);

		if (!pool)
			pool = add_pool(dialer, settings);
		tls_context_destroy(pool->group.ssl_context);
		pool->group.ssl_context = next->ssl_contexts[i];
		pool->group.verify = settings->tls.verify;
		pool->group.subprotocol = keep_subprotocol(dialer, settings->subprotocol);
		next->ssl_contexts[i] = NULL;
	}
	list_each(&dialer->pools, node) {
		struct ws_dialer_pool *pool = list_entry(node, struct ws_dialer_pool, link);

		if (list_is_empty(&pool->group.clients) && !is_configured(config, pool->name))
			remove_pool(dialer, pool);
	}
	ws_dialer_forget(next);
}

enum wsb_err ws_dialer_init(struct ws_dialer *dialer, struct ws_context *context,
			    const struct config *config, struct strbuf *errors)
{
	struct ws_dialer_next next;
	enum wsb_err err;

	*dialer = (struct ws_dialer){.context = context, .config = config};
	list_init(&dialer->dialing);
	list_init(&dialer->pools);
	list_init(&dialer->subprotocols);
	err = ws_dialer_prepare(&next, config, errors);
	if (!err)
		ws_dialer_take(dialer, config, &next);
	return err;
}

void ws_dialer_set_engine(struct ws_dialer *dialer, struct engine *engine)
{
	dialer->engine = engine;
}

void ws_dialer_end(struct ws_dialer *dialer)
{
	list_each(&dialer->pools, node)
		ws_client_group_end(&list_entry(node, struct ws_dialer_pool, link)->group);
}

void ws_dialer_fini(struct ws_dialer *dialer)
{
	struct list_node *node;

	if (!dialer->context)
		return; /* never begun */
	assert(list_is_empty(&dialer->dialing));
	while ((node = list_first(&dialer->pools)))
		remove_pool(dialer, list_entry(node, struct ws_dialer_pool, link));
	while ((node = list_pop(&dialer->subprotocols)))
		free(list_entry(node, struct subprotocol, link));
	*dialer = (struct ws_dialer){0};
}

/* An endpoint that joined later may be the first that needs TLS. Without a context its dials fail,
 * and say so. */
static void prepare_tls(struct ws_dialer *dialer, struct ws_dialer_pool *pool,
			const struct pool_tls_settings *tls)
{
	struct strbuf errors;

	pool->group.verify = tls->verify;
	strbuf_init(&errors);
	if (tls_client_create(&pool->group.ssl_context, tls, &errors))
		log_event(dialer->context->log, LOG_ERROR, "io.tls_unusable",
			  log_text("pool", pool->name), log_span("detail", strbuf_span(&errors)));
	strbuf_fini(&errors);
}

static struct ws_dialer_pool *pool_for(struct ws_dialer *dialer, const struct endpoint *endpoint)
{
	const struct pool_settings *settings = endpoint->pool->settings;
	struct ws_dialer_pool *pool = find_pool(dialer, settings->name);

	/* One that retires may still want to dial after all that it had is gone. */
	if (!pool)
		pool = add_pool(dialer, settings);
	if (endpoint->settings->tls && !pool->group.ssl_context)
		prepare_tls(dialer, pool, &settings->tls);
	return pool;
}

const struct ws_client_group *ws_dialer_group(struct ws_dialer *dialer,
					      const struct endpoint *endpoint)
{
	return &pool_for(dialer, endpoint)->group;
}

void ws_dialer_dial(struct ws_dialer *dialer, struct connection *connection)
{
	const struct endpoint_settings *endpoint = connection->endpoint->settings;
	struct ws_dial *dial = calloc(1, sizeof(*dial));

	/* Without memory for this little there is nothing sensible left to do. */
	if (!dial)
		abort();
	dial->dialer = dialer;
	dial->pool = pool_for(dialer, connection->endpoint);
	dial->connection = connection;
	dial->target = (struct ws_target){
		.host = endpoint->host,
		.address = endpoint->address,
		.port = endpoint->port,
		.tls = endpoint->tls,
		.path = endpoint->path,
	};
	list_node_init(&dial->dialing);
	list_append(&dialer->dialing, &dial->dialing);
	ws_client_dial(&dial->client, &dial->pool->group, &dial->target, &connection->outbox,
		       clock_monotonic_us() + dialer->config->limits.handshake_us);
}

void ws_dialer_abort_dial(struct ws_dialer *dialer, struct connection *connection)
{
	list_each(&dialer->dialing, node) {
		struct ws_dial *dial = list_entry(node, struct ws_dial, dialing);

		if (dial->connection != connection)
			continue;
		dial->client.asked = true;
		ws_client_drop(&dial->client, "asked", "");
		return;
	}
}

void ws_dialer_turn(struct ws_dialer *dialer)
{
	list_each(&dialer->pools, node)
		ws_client_group_turn(&list_entry(node, struct ws_dialer_pool, link)->group);
}

void ws_dialer_asked(struct wire *wire)
{
	ws_client_of(wire)->asked = true;
}

bool ws_dialer_owns(struct wire *wire)
{
	return ws_client_of(wire) != NULL;
}
