#include "broker/engine/state.h"

struct lane *engine_lane_of_pool(struct engine *engine, const struct pool *pool)
{
	size_t i = 0;

	while (engine->lanes[i]->pool != pool)
		i++;
	return engine->lanes[i];
}

uint64_t engine_buffer_bytes(const struct engine *engine)
{
	return engine->client_outboxes.bytes + engine->connection_outboxes.bytes +
	       engine->exchanges.text_bytes + engine->tunnel_bytes +
	       engine->publish.subscriptions.bytes + engine->publish.held_bytes +
	       engine->pushes.bytes + engine->sessions.gathered_bytes;
}
