/* Which connection's pushes count: an event that all connections receive is handled once. */
#include "broker/pool/pool.h"

static bool may_be_source(const struct connection *connection)
{
	return connection->state == CONNECTION_READY && !connection->doom &&
	       endpoint_serves(connection->endpoint);
}

/* Withdraws those that may not be it any more, and notes whose endpoints have one. Returns whether
 * any has. */
static bool review_sources(struct pool *pool)
{
	bool any = false;

	for (size_t i = 0; i < pool->endpoint_count; i++)
		pool->endpoints[i]->has_source = false;
	list_each(&pool->states[CONNECTION_READY], node) {
		struct connection *connection = list_entry(node, struct connection, state_link);

		if (connection->push_source && !may_be_source(connection)) {
			connection->push_source = false;
			pool->sources_lost++;
		}
		connection->endpoint->has_source |= connection->push_source;
		any |= connection->push_source;
	}
	return any;
}

/* Those of the tier in use know most; standby ones are better than none. The dedicated one is made
 * for it. */
static int fitness(const struct connection *connection)
{
	if (connection->pool->settings->push_source == PUSH_SOURCE_DEDICATED)
		return connection->dedicated ? 1 : 0;
	return connection->carries ? 2 : 1;
}

struct connection *pool_elect_source(struct pool *pool)
{
	bool each = pool->settings->push_source == PUSH_SOURCE_ENDPOINT;
	bool any = review_sources(pool);
	struct connection *fittest = NULL;

	if (any && !each)
		return NULL;
	/* The oldest first: they have proven themselves. */
	list_each(&pool->states[CONNECTION_READY], node) {
		struct connection *connection = list_entry(node, struct connection, state_link);

		if (!may_be_source(connection) || fitness(connection) == 0 ||
		    (each && connection->endpoint->has_source))
			continue;
		if (!fittest || fitness(connection) > fitness(fittest))
			fittest = connection;
	}
	if (fittest)
		fittest->push_source = true;
	return fittest;
}
