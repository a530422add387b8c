#include "broker/pool/source.h"

#include "broker/pool/handover.h"

static bool each_has_its_own(const struct pool *pool)
{
	return pool->settings->push_source == PUSH_SOURCE_ENDPOINT;
}

/* An endpoint that is drained keeps its connections; where its events are its own, nobody else
 * could tell them. */
static bool may_be_source(const struct connection *connection)
{
	const struct endpoint *endpoint = connection->endpoint;

	if (connection->state != CONNECTION_READY)
		return false;
	return endpoint_serves(endpoint) ||
	       (endpoint->wish == WISH_DRAIN && each_has_its_own(connection->pool));
}

bool pool_push_counts(struct connection *connection, struct span text, uint64_t now_us)
{
	if (connection->handover)
		return handover_hears(connection->handover, connection, text, now_us);
	return connection->push_source;
}

/* Whether what it tells has not been heard by anybody for a while. */
static bool *deafness(const struct connection *connection)
{
	return each_has_its_own(connection->pool) ? &connection->endpoint->deaf
						  : &connection->pool->deaf;
}

void source_ended(struct connection *connection)
{
	struct handover *handover = connection->handover;
	const bool another = handover && handover->next == connection && handover->old;

	if (connection->push_source && !another) {
		*deafness(connection) = true;
		connection->pool->push_gaps++;
	}
	connection->push_source = false;
	if (!handover)
		return;
	if (handover->old == connection)
		handover->next->push_source = true;
	handover_end(handover);
}

/* Those of the tier in use know most; standby ones are better than none. The dedicated one is made
 * for it. */
static int fitness(const struct connection *connection)
{
	if (connection->pool->settings->push_source == PUSH_SOURCE_DEDICATED)
		return connection->dedicated ? 1 : 0;
	return connection->carries ? 2 : 1;
}

/* Who is to follow leaver, or, where that is NULL, to fill a place that nobody has. Of equals the
 * oldest: they have proven themselves. */
static struct connection *find_fittest(const struct pool *pool, const struct connection *leaver)
{
	const bool each = each_has_its_own(pool);
	struct connection *fittest = NULL;

	list_each(&pool->states[CONNECTION_READY], node) {
		struct connection *connection = list_entry(node, struct connection, state_link);

		if (!may_be_source(connection) || fitness(connection) == 0 ||
		    connection->push_source || connection->handover)
			continue;
		if (each && (leaver ? connection->endpoint != leaver->endpoint
				    : connection->endpoint->has_source))
			continue;
		if (!fittest || fitness(connection) > fitness(fittest))
			fittest = connection;
	}
	return fittest;
}

static void step_handovers(struct pool *pool, uint64_t now_us)
{
	list_each(&pool->handovers, node) {
		struct handover *handover = list_entry(node, struct handover, link);

		/* It cannot follow any more, and is not needed yet. */
		if (!handover->next->push_source && !may_be_source(handover->next))
			handover_end(handover);
		else
			handover_step(handover, now_us);
	}
}

/* One that has to go. Where nobody hears pushes it does so at once. True: it stays for now. */
static bool stays_for_now(struct connection *connection)
{
	if (connection->pool->hears_pushes)
		return true;
	if (connection->handover)
		handover_end(connection->handover);
	connection->push_source = false;
	return false;
}

/* From here on nothing more is missed; what was until now is not known. */
static void note_hearing(struct connection *connection)
{
	bool *deaf = deafness(connection);

	if (!*deaf || !greeting_is_over(&connection->greeting))
		return;
	*deaf = false;
	connection->pool->push_gaps++;
}

/* Notes whose endpoints have a source. Returns whether any has; *leaver: one that has to go and
 * could be followed; NULL: there is none. */
static bool review_sources(struct pool *pool, struct connection **leaver)
{
	static const enum connection_state looked_at[] = {CONNECTION_READY, CONNECTION_DRAINING};
	bool any = false;

	*leaver = NULL;
	for (size_t i = 0; i < pool->endpoint_count; i++)
		pool->endpoints[i]->has_source = false;
	for (size_t i = 0; i < 2; i++) {
		list_each(&pool->states[looked_at[i]], node) {
			struct connection *connection =
				list_entry(node, struct connection, state_link);
			const bool leaves = !may_be_source(connection);

			if (!connection->push_source || (leaves && !stays_for_now(connection)))
				continue;
			connection->endpoint->has_source = any = true;
			note_hearing(connection);
			if (leaves && !connection->handover && find_fittest(pool, connection))
				*leaver = connection;
		}
	}
	return any;
}

struct connection *pool_elect_source(struct pool *pool, uint64_t now_us)
{
	struct connection *leaver, *fittest;
	bool any;

	step_handovers(pool, now_us);
	any = review_sources(pool, &leaver);
	if (!leaver && any && !each_has_its_own(pool))
		return NULL;
	fittest = find_fittest(pool, leaver);
	if (!fittest || (leaver && handover_begin(leaver, fittest, now_us) == WSB_OK))
		return fittest;
	if (leaver)
		leaver->push_source = false;
	fittest->push_source = true;
	return fittest;
}

static bool another_serves(const struct endpoint *endpoint)
{
	const struct pool *pool = endpoint->pool;

	for (size_t i = 0; i < pool->endpoint_count; i++)
		if (pool->endpoints[i] != endpoint && endpoint_serves(pool->endpoints[i]))
			return true;
	return false;
}

/* One that is only drained may be the source for as long as it takes, so nobody waits for who is
 * not there yet. */
static bool may_be_followed(const struct connection *connection)
{
	const struct endpoint *endpoint = connection->endpoint;

	if (endpoint_serves(endpoint))
		return true;
	if (each_has_its_own(connection->pool))
		return false;
	return connection->state == CONNECTION_DRAINING ? another_serves(endpoint)
							: pool_can_do_without(endpoint);
}

bool pool_source_is_awaited(const struct connection *connection)
{
	return connection->push_source && connection->pool->hears_pushes &&
	       !may_be_source(connection) && (connection->handover || may_be_followed(connection));
}

bool endpoint_hands_over(const struct endpoint *endpoint)
{
	const struct pool *pool = endpoint->pool;

	for (size_t state = CONNECTION_READY; state <= CONNECTION_DRAINING; state++) {
		list_each(&pool->states[state], node) {
			const struct connection *connection =
				list_entry(node, struct connection, state_link);

			if (connection->endpoint == endpoint && pool_source_is_awaited(connection))
				return true;
		}
	}
	return false;
}
