#include "broker/engine/affinity.h"

#include "broker/engine/link.h"
#include "broker/engine/settle.h"

/* Behind requests of its own that still run on a drained connection a client waits this long, or
 * half of the queue's patience; then order counts for less than the answer. */
#define AFFINITY_PATIENCE_US (1 * US_PER_S)

static void seat_take(struct engine *engine, struct lane *lane, struct session *session,
		      struct seat *seat, struct connection *connection)
{
	log_event(engine->log, LOG_DEBUG, seat->taken_before ? "client.moved" : "client.seated",
		  log_number("client", session->id), log_text("pool", lane->pool->settings->name),
		  log_text("endpoint", connection->endpoint->settings->name),
		  log_number("connection", connection->id));
	if (seat->taken_before)
		lane->traffic.seats_moved++;
	else
		lane->traffic.seats_taken++;
	seat->taken_before = true;
	seat->connection = connection;
	seat->in_flight = 0;
	list_append(&connection->clients, &seat->link);
	fairqueue_place(&lane->queue, &seat->party, &connection->waiting);
}

static void seat_leave(struct lane *lane, struct seat *seat)
{
	list_remove(&seat->connection->clients, &seat->link);
	seat->connection = NULL;
	fairqueue_place(&lane->queue, &seat->party, NULL);
}

/* The seat of whoever sent this; NULL: the client has gone, or memory has run out. */
static struct seat *seat_of(const struct exchange *exchange)
{
	return exchange->session ? client_seat(exchange->session, exchange->lane) : NULL;
}

enum lease_verdict affinity_lease(struct engine *engine, struct lane *lane,
				  struct exchange *exchange, uint64_t now_us,
				  struct connection **out)
{
	struct seat *seat = client_seat(exchange->session, lane);
	struct connection *connection;
	enum lease_verdict verdict;

	/* Nobody is asked twice at once, and there is nobody else to ask. */
	if (!seat || exchange_attempts_out(exchange) > 0)
		return LEASE_ALL_FULL;
	exchange->affinity = STORY_KEPT;
	if (seat->connection && !seat->connection->carries) {
		affinity_sweep(engine, seat->connection, now_us);
		if (seat->in_flight > 0)
			return LEASE_ALL_FULL;
		seat_leave(lane, seat);
	}
	if (!seat->connection) {
		connection = pool_choose_for_client(lane->pool, now_us);
		if (!connection)
			return lane->pool->ready_count > 0 ? LEASE_ALL_FULL : LEASE_NONE_READY;
		exchange->affinity = seat->taken_before ? STORY_MOVED : STORY_ASSIGNED;
		seat_take(engine, lane, exchange->session, seat, connection);
	}
	affinity_sweep(engine, seat->connection, now_us);
	verdict = pool_lease_on(seat->connection, now_us);
	if (verdict == LEASE_OK)
		*out = seat->connection;
	return verdict;
}

bool affinity_is_next(struct lane *lane, const struct exchange *exchange)
{
	const struct seat *seat = seat_of(exchange);

	return seat && list_is_empty(seat->party.round ? seat->party.round : &lane->queue.round);
}

void affinity_sent(const struct exchange *exchange, const struct connection *connection)
{
	struct seat *seat = seat_of(exchange);

	if (seat && seat->connection == connection)
		seat->in_flight++;
}

void affinity_ended(const struct exchange *exchange, const struct connection *connection)
{
	struct seat *seat = seat_of(exchange);

	if (seat && seat->connection == connection && seat->in_flight > 0)
		seat->in_flight--;
}

/* They left in the order in which they were put into the outbox. */
void affinity_sweep(struct engine *engine, struct connection *connection, uint64_t now_us)
{
	struct list_node *node;

	while ((node = list_first(&connection->notifications))) {
		struct attempt *attempt = list_entry(node, struct attempt, link);

		if (attempt->position >= connection->outbox.handed_bytes)
			return;
		settle_silently(engine, attempt->exchange, RESULT_COUNT, now_us);
		link_notified(engine, connection, now_us);
	}
}

/* Those whose own requests there have ended, and those who have waited for that long enough. When
 * the connection has been given up its end is near, and moves what it has not sent. */
static void let_go_from(struct lane *lane, struct connection *connection, uint64_t now_us)
{
	uint64_t patience_us = lane->pool->settings->queue.age_us / 2;

	if (patience_us > AFFINITY_PATIENCE_US)
		patience_us = AFFINITY_PATIENCE_US;
	list_each(&connection->waiting, node) {
		struct fairparty *party = list_entry(node, struct fairparty, round_link);
		struct seat *seat = list_entry(party, struct seat, party);
		const struct fairitem *item =
			list_entry(list_first(&party->waiting), struct fairitem, link);

		if (seat->in_flight == 0 ||
		    (!connection->doom && now_us >= item->since_us + patience_us))
			seat_leave(lane, seat);
	}
}

void affinity_let_go(struct engine *engine, struct lane *lane, uint64_t now_us)
{
	static const enum connection_state states[] = {CONNECTION_READY, CONNECTION_DRAINING};

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		list_each(&lane->pool->states[states[i]], node) {
			struct connection *connection =
				list_entry(node, struct connection, state_link);

			affinity_sweep(engine, connection, now_us);
			if (!connection->carries)
				let_go_from(lane, connection, now_us);
		}
	}
}

void affinity_lose(struct lane *lane, struct connection *connection)
{
	list_each(&connection->clients, node)
		seat_leave(lane, list_entry(node, struct seat, link));
}

void affinity_forget_client(struct session *session)
{
	for (struct seat *seat = session->seats; seat; seat = seat->next) {
		if (seat->connection)
			seat_leave(seat->lane, seat);
	}
}
