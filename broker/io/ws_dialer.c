#include "broker/io/ws_dialer.h"

#include <assert.h>
#include <stdlib.h>
#include "broker/io/tls.h"
#include "broker/io/ws_dial.h"
#include "broker/pool/pool.h"
#include "common/clock.h"

#define STEPS_PER_TURN 256

static bool pool_uses_tls(const struct pool_settings *settings)
{
	for (size_t i = 0; i < settings->endpoint_count; i++) {
		if (settings->endpoints[i].tls)
			return true;
	}
	return false;
}

/* Each pool has a vhost of its own, since that is what the library hangs a client's TLS on. */
static enum wsb_err init_pool(struct ws_dialer_pool *pool, struct ws_context *context,
			      const struct pool_settings *settings, struct strbuf *errors)
{
	struct lws_context_creation_info info =
		ws_context_vhost_info(settings->name, ws_dial_protocols);

	pool->settings = settings;
	info.port = CONTEXT_PORT_NO_LISTEN;
	if (pool_uses_tls(settings)) {
		enum wsb_err err =
			tls_client_create(&pool->ssl_context, &settings->tls, errors);

		if (err)
			return err;
		info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
		info.provided_client_ssl_ctx = pool->ssl_context;
	}
	pool->vhost = lws_create_vhost(context->lws, &info);
	return pool->vhost ? WSB_OK : WSB_EIO;
}

enum wsb_err ws_dialer_init(struct ws_dialer *dialer, struct ws_context *context,
			    const struct config *config, struct strbuf *errors)
{
	*dialer = (struct ws_dialer){.context = context, .config = config};
	list_init(&dialer->dialing);
	list_init(&dialer->steps);
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
	list_each(&dialer->dialing, node)
		ws_dial_give_up(list_entry(node, struct ws_dial, dialing), "asked", "");
}

void ws_dialer_fini(struct ws_dialer *dialer)
{
	assert(!dialer->pools || list_is_empty(&dialer->dialing));
	for (size_t i = 0; i < dialer->pool_count; i++)
		tls_client_destroy(dialer->pools[i].ssl_context);
	free(dialer->pools);
	*dialer = (struct ws_dialer){0};
}

static struct ws_dialer_pool *pool_of(struct ws_dialer *dialer, const struct connection *connection)
{
	for (size_t i = 0; i < dialer->pool_count; i++) {
		if (dialer->pools[i].settings == connection->pool->settings)
			return &dialer->pools[i];
	}
	assert(!"a connection of a pool that is not configured");
	return NULL;
}

void ws_dialer_dial(struct ws_dialer *dialer, struct connection *connection)
{
	struct ws_dial *dial = calloc(1, sizeof(*dial));

	/* Without memory for this little there is nothing sensible left to do. */
	if (!dial)
		abort();
	wire_init(&dial->wire, dialer->context, &ws_dial_wire);
	dial->dialer = dialer;
	dial->pool = pool_of(dialer, connection);
	dial->connection = connection;
	list_node_init(&dial->dialing);
	list_node_init(&dial->step);
	list_append(&dialer->dialing, &dial->dialing);
	list_append(&dialer->steps, &dial->step);
	wire_give_time(&dial->wire, clock_monotonic_us() + dialer->config->limits.handshake_us);
}

void ws_dialer_abort_dial(struct ws_dialer *dialer, struct connection *connection)
{
	list_each(&dialer->dialing, node) {
		struct ws_dial *dial = list_entry(node, struct ws_dial, dialing);

		if (dial->connection != connection)
			continue;
		dial->asked = true;
		ws_dial_give_up(dial, "asked", "");
		return;
	}
}

/* A step may add another one, of the same dial or of a new one. The bound keeps a dial that fails at
 * once and is tried again at once from holding up everybody else. */
void ws_dialer_turn(struct ws_dialer *dialer)
{
	struct list_node *node;

	for (int i = 0; i < STEPS_PER_TURN && (node = list_pop(&dialer->steps)); i++)
		ws_dial_step(list_entry(node, struct ws_dial, step));
}

void ws_dialer_asked(struct wire *wire)
{
	struct ws_dial *dial = (struct ws_dial *)((char *)wire - offsetof(struct ws_dial, wire));

	dial->asked = true;
}

bool ws_dialer_owns(const struct wire *wire)
{
	return wire->kind == &ws_dial_wire;
}
