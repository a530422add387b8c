/* Which connection's pushes count: an event that all connections receive is handled once. */
#include "broker/pool/pool.h"

static bool may_be_source(const struct connection *connection)
{
	return connection->state == CONNECTION_READY && !connection->doom &&
	       endpoint_serves(connection->endpoint);
}

/* Whether two connections stand for the same events. */
static bool share_source(const struct connection *one, const struct connection *other)
{
	return one->pool->settings->push_source != PUSH_SOURCE_ENDPOINT ||
	       one->endpoint == other->endpoint;
}

static bool has_source(const struct pool *pool, const struct connection *like)
{
	list_each(&pool->states[CONNECTION_READY], node) {
		const struct connection *connection =
			list_entry(node, struct connection, state_link);

		if (connection->push_source && share_source(connection, like))
			return true;
	}
	return false;
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
	struct connection *fittest = NULL;

	list_each(&pool->states[CONNECTION_READY], node) {
		struct connection *connection = list_entry(node, struct connection, state_link);

		if (connection->push_source && !may_be_source(connection))
			connection->push_source = false;
	}
	/* The oldest first: they have proven themselves. */
	list_each(&pool->states[CONNECTION_READY], node) {
		struct connection *connection = list_entry(node, struct connection, state_link);

		if (!may_be_source(connection) || fitness(connection) == 0 ||
		    has_source(pool, connection))
			continue;
		if (!fittest || fitness(connection) > fitness(fittest))
			fittest = connection;
	}
	if (fittest)
		fittest->push_source = true;
	return fittest;
}
