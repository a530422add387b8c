#include "broker/engine/probing.h"

#include "broker/engine/link.h"
#include "broker/pool/health.h"
#include "proto/own_request.h"
#include "proto/partial.h"

/* The last place of the slab of exchanges is never given to one: ids with that place are ours, and
 * the generation counts the calls of all pools, so that a late answer is known for what it is. */
static uint64_t next_id(struct engine *engine)
{
	engine->probe_calls++;
	return ((engine->probe_calls & EXCHANGE_GENERATION_MASK) + 1) << EXCHANGE_INDEX_BITS;
}

static bool is_probe_id(uint64_t id)
{
	return (id & ((UINT64_C(1) << EXCHANGE_INDEX_BITS) - 1)) == 0;
}

/* Returns the id of the call; 0: it could not be sent. */
static uint64_t send_call(struct engine *engine, struct connection *connection)
{
	const struct probe_settings *probe = &connection->pool->settings->probe;
	const struct config *config = engine->config;
	uint64_t id = next_id(engine);

	strbuf_clear(&engine->scratch2);
	if (own_request(config->envelope_is_jsonrpc ? NULL : &config->envelope, id, probe->method,
			probe->params, &engine->scratch2) ||
	    link_send_text(engine, connection, strbuf_span(&engine->scratch2)))
		return 0;
	return id;
}

void probing_first(struct engine *engine, struct connection *connection, uint64_t now_us)
{
	connection->call_id = send_call(engine, connection);
	connection->call_us = now_us;
	if (connection->call_id == 0)
		link_abort(engine, connection, "probe", now_us);
}

static enum probe_result judge(const struct probe_settings *settings, const struct message *answer)
{
	bool matches = true;
	json_t *tree;

	if (answer->failed)
		return PROBE_REFUSED;
	if (settings->expect) {
		tree = answer->result.at ? message_tree(answer->encoding, answer->result) : NULL;
		matches = tree && partial_match(settings->expect, tree);
		json_decref(tree);
	}
	return matches ? PROBE_PASSED : PROBE_REFUSED;
}

static void first_answered(struct engine *engine, struct connection *connection,
			   enum probe_result result, uint64_t now_us)
{
	struct probe *probe = &connection->endpoint->probe;

	connection->call_id = 0;
	probe->results[result]++;
	if (result != PROBE_PASSED) {
		link_abort(engine, connection, "probe", now_us);
		return;
	}
	probe->rtt_us = now_us > connection->call_us ? now_us - connection->call_us : 1;
	connection->first_call = true;
	link_warm(engine, connection, now_us);
}

bool probing_answered(struct engine *engine, struct connection *connection, uint64_t id,
		      const struct message *answer, uint64_t now_us)
{
	const struct probe_settings *settings = &connection->pool->settings->probe;
	struct endpoint *endpoint = connection->endpoint;

	if (!is_probe_id(id) || !settings->method)
		return false;
	if (id == connection->call_id && connection->state == CONNECTION_WARMING)
		first_answered(engine, connection, judge(settings, answer), now_us);
	else if (endpoint->probe.sent_us > 0 && id == endpoint->probe.id)
		health_probed(endpoint, judge(settings, answer), now_us);
	return true;
}

void probing_forget(struct connection *connection, uint64_t now_us)
{
	struct probe *probe = &connection->endpoint->probe;

	if (probe->sent_us > 0 && connection->call_id == probe->id)
		probe_forget(probe, now_us);
}

/* Any of its ready connections, another one each time; NULL: it has none. */
static struct connection *choose_connection(struct engine *engine, const struct endpoint *endpoint)
{
	uint64_t nth = endpoint->ready > 0 ? rng_below(&engine->rng, endpoint->ready) : 0;

	list_each(&endpoint->pool->states[CONNECTION_READY], node) {
		struct connection *connection = list_entry(node, struct connection, state_link);

		if (connection->endpoint == endpoint && nth-- == 0)
			return connection;
	}
	return NULL;
}

static void upkeep_endpoint(struct engine *engine, struct endpoint *endpoint, uint64_t now_us)
{
	const struct probe_settings *settings = &endpoint->pool->settings->probe;
	struct connection *connection;
	uint64_t id;

	if (probe_is_late(&endpoint->probe, settings, now_us))
		health_probed(endpoint, PROBE_LATE, now_us);
	if (!probe_is_due(&endpoint->probe, settings, now_us))
		return;
	connection = choose_connection(engine, endpoint);
	id = connection ? send_call(engine, connection) : 0;
	if (id == 0)
		return;
	connection->call_id = id;
	probe_sent(&endpoint->probe, id, now_us);
}

void probing_upkeep(struct engine *engine, struct pool *pool, uint64_t now_us)
{
	if (!pool->settings->probe.method || engine->upstreams_paused)
		return;
	list_each(&pool->states[CONNECTION_WARMING], node) {
		struct connection *connection = list_entry(node, struct connection, state_link);

		if (connection->call_id && !connection->doom &&
		    now_us >= connection->call_us + pool->settings->probe.timeout_us)
			first_answered(engine, connection, PROBE_LATE, now_us);
	}
	for (size_t i = 0; i < pool->endpoint_count; i++)
		upkeep_endpoint(engine, pool->endpoints[i], now_us);
}
