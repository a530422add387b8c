#include "broker/io/ws_dialer.h"

#include <assert.h>
#include <stdlib.h>
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

static struct ws_dial *dial_of(struct ws_client *client)
{
	return list_entry(client, struct ws_dial, client);
}

static enum wsb_err add_headers(struct ws_client *client, char **at, size_t room)
{
	struct ws_dial *dial = dial_of(client);

	return dial_headers_append(dial->pool->settings, at, room);
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
	engine_connection_closed(dial->dialer->engine, dial->connection,
				 dial->pool->settings->tunnels && end->status ? "answered"
									      : end->cause,
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

static enum wsb_err init_pool(struct ws_dialer_pool *pool, struct ws_context *context,
			      const struct pool_settings *settings, struct strbuf *errors)
{
	const struct pool_tls_settings *tls = pool_uses_tls(settings) ? &settings->tls : NULL;
	enum wsb_err err = ws_client_group_init(&pool->group, context, &events, tls, errors);

	pool->settings = settings;
	pool->group.subprotocol = settings->subprotocol;
	pool->group.late = "limits.handshake has passed";
	return err;
}

enum wsb_err ws_dialer_init(struct ws_dialer *dialer, struct ws_context *context,
			    const struct config *config, struct strbuf *errors)
{
	*dialer = (struct ws_dialer){.context = context, .config = config};
	list_init(&dialer->dialing);
	dialer->pools = calloc(config->pool_count, sizeof(*dialer->pools));
	if (!dialer->pools)
		return WSB_ENOMEM;
	for (size_t i = 0; i < config->pool_count; i++) {
		enum wsb_err err;

		dialer->pool_count++;
		err = init_pool(&dialer->pools[i], context, &config->pools[i], errors);
		if (err)
			return err;
	}
	return WSB_OK;
}

void ws_dialer_set_engine(struct ws_dialer *dialer, struct engine *engine)
{
	dialer->engine = engine;
}

void ws_dialer_end(struct ws_dialer *dialer)
{
	for (size_t i = 0; i < dialer->pool_count; i++)
		ws_client_group_end(&dialer->pools[i].group);
}

void ws_dialer_fini(struct ws_dialer *dialer)
{
	assert(!dialer->pools || list_is_empty(&dialer->dialing));
	for (size_t i = 0; i < dialer->pool_count; i++)
		ws_client_group_fini(&dialer->pools[i].group);
	free(dialer->pools);
	*dialer = (struct ws_dialer){0};
}

/* Every connection is of a pool that is configured. */
static struct ws_dialer_pool *pool_of(struct ws_dialer *dialer,
				      const struct pool_settings *settings)
{
	size_t i = 0;

	while (i < dialer->pool_count && dialer->pools[i].settings != settings)
		i++;
	assert(i < dialer->pool_count);
	return &dialer->pools[i];
}

/* An endpoint that joined later may be the first that needs TLS. Without a context its dials fail,
 * and say so. */
static void prepare_tls(struct ws_dialer *dialer, struct ws_dialer_pool *pool)
{
	const struct pool_tls_settings *tls = &pool->settings->tls;
	struct strbuf errors;

	pool->group.verify = tls->verify;
	strbuf_init(&errors);
	if (tls_client_create(&pool->group.ssl_context, tls, &errors))
		log_event(dialer->context->log, LOG_ERROR, "io.tls_unusable",
			  log_text("pool", pool->settings->name),
			  log_span("detail", strbuf_span(&errors)));
	strbuf_fini(&errors);
}

static struct ws_dialer_pool *pool_for(struct ws_dialer *dialer, const struct endpoint *endpoint)
{
	struct ws_dialer_pool *pool = pool_of(dialer, endpoint->pool->settings);

	if (endpoint->settings->tls && !pool->group.ssl_context)
		prepare_tls(dialer, pool);
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
	for (size_t i = 0; i < dialer->pool_count; i++)
		ws_client_group_turn(&dialer->pools[i].group);
}

void ws_dialer_asked(struct wire *wire)
{
	ws_client_of(wire)->asked = true;
}

bool ws_dialer_owns(struct wire *wire)
{
	return ws_client_of(wire) != NULL;
}
