#include "broker/admin/reads.h"

#include <stdio.h>
#include <string.h>
#include "broker/admin/answer.h"
#include "broker/admin/views.h"
#include "broker/admin/views_bus.h"
#include "broker/control/exposition.h"
#include "common/nearest.h"

void read_livez(struct admin_exchange *exchange)
{
	strbuf_text(&exchange->response->body, "ok\n");
	exchange->response->status = 200;
	exchange->response->content_type = "text/plain; charset=utf-8";
}

void read_readyz(struct admin_exchange *exchange)
{
	answer_json(exchange->response, exchange->snapshot->ready ? 200 : 503,
		    view_readiness(exchange->snapshot));
}

void read_metrics(struct admin_exchange *exchange)
{
	exposition_write(exchange->snapshot, &exchange->response->body);
	exchange->response->status = 200;
	exchange->response->content_type = EXPOSITION_TYPE;
	if (exchange->response->body.failed)
		answer_no_memory(exchange->response);
}

void read_status(struct admin_exchange *exchange)
{
	answer_json(exchange->response, 200, view_status(exchange->snapshot));
}

void read_brokers(struct admin_exchange *exchange)
{
	answer_json(exchange->response, 200, view_brokers(exchange->snapshot));
}

void read_pools(struct admin_exchange *exchange)
{
	answer_json(exchange->response, 200, view_pools(exchange->snapshot));
}

/* Which one may have been meant is said, too. */
static void answer_missing(struct admin_exchange *exchange, const char *what,
			   const struct nearest *nearest)
{
	struct strbuf detail;

	strbuf_init(&detail);
	strbuf_text(&detail, what);
	strbuf_plain(&detail, nearest->word);
	nearest_suggest(nearest, &detail);
	answer_problem(exchange->response, 404, strbuf_span(&detail).at);
	strbuf_fini(&detail);
}

/* NULL: the response says that there is none. */
static const struct pool_view *find_pool(struct admin_exchange *exchange)
{
	const char *name = exchange->call->names[0];
	struct nearest nearest;

	nearest_init(&nearest, span_text(name));
	for (size_t i = 0; i < exchange->snapshot->pool_count; i++) {
		if (strcmp(exchange->snapshot->pools[i].name, name) == 0)
			return &exchange->snapshot->pools[i];
		nearest_offer(&nearest, span_text(exchange->snapshot->pools[i].name));
	}
	answer_missing(exchange, "there is no pool ", &nearest);
	return NULL;
}

void read_pool(struct admin_exchange *exchange)
{
	const struct pool_view *pool = find_pool(exchange);

	if (pool)
		answer_json(exchange->response, 200, view_pool(pool));
}

void read_endpoints(struct admin_exchange *exchange)
{
	const struct pool_view *pool = find_pool(exchange);

	if (pool)
		answer_json(exchange->response, 200, view_endpoints(pool));
}

void read_all_endpoints(struct admin_exchange *exchange)
{
	answer_json(exchange->response, 200, view_all_endpoints(exchange->snapshot));
}

void read_endpoint(struct admin_exchange *exchange)
{
	const struct pool_view *pool = find_pool(exchange);
	const char *name = exchange->call->names[1];
	struct nearest nearest;
	char what[128];

	if (!pool)
		return;
	nearest_init(&nearest, span_text(name));
	for (size_t i = 0; i < pool->endpoint_count; i++) {
		if (strcmp(pool->endpoints[i].name, name) == 0) {
			answer_json(exchange->response, 200,
				    view_endpoint(pool, &pool->endpoints[i]));
			return;
		}
		nearest_offer(&nearest, span_text(pool->endpoints[i].name));
	}
	snprintf(what, sizeof(what), "pool %s has no endpoint ", pool->name);
	answer_missing(exchange, what, &nearest);
}

void read_connections(struct admin_exchange *exchange)
{
	answer_json(exchange->response, 200, view_connections(exchange->snapshot));
}

void read_clients(struct admin_exchange *exchange)
{
	answer_json(exchange->response, 200, view_clients(exchange->snapshot));
}

void read_client(struct admin_exchange *exchange)
{
	const struct snapshot *snapshot = exchange->snapshot;
	const char *name = exchange->call->names[0];
	uint64_t id = 0;

	for (size_t i = 0; admin_name_is_number(name, &id) && i < snapshot->client_count; i++) {
		if (snapshot->client_list[i].id == id) {
			answer_json(exchange->response, 200,
				    view_client(&snapshot->client_list[i]));
			return;
		}
	}
	answer_problemf(exchange->response, 404, "There is no client %s.", name);
}
