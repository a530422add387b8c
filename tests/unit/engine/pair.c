#include "tests/unit/engine/pair.h"

#include <criterion/criterion.h>

void pair_init(struct pair *pair)
{
	stage_init(&pair->stage);
	pair->stage.pool->size = 2;
	pair->stage.pool->balancer = BALANCER_ROUND_ROBIN;
	setup_endpoint(pair->stage.pool, "b");
}

void pair_begin_unread(struct pair *pair)
{
	stage_begin_ready(&pair->stage);
	stage_pass(&pair->stage, 100 * STAGE_MS);
	stage_open_dials(&pair->stage);
	pair->lane = pair->stage.outside.engine->lanes[0];
	pair->client = stage_client(&pair->stage);
	pair->a = stage_upstream(&pair->stage, 0);
	pair->b = stage_upstream(&pair->stage, 1);
	cr_assert_not_null(pair->b);
	cr_assert_eq(pair->b->connection->state, CONNECTION_READY);
}

void pair_begin(struct pair *pair)
{
	pair_begin_unread(pair);
	expect_silence(pair->a);
	expect_silence(pair->b);
}

struct peer *pair_taker(const struct pair *pair)
{
	return is_spoken_to(pair->a) ? pair->a : pair->b;
}

struct peer *pair_other(const struct pair *pair, const struct peer *peer)
{
	return peer == pair->a ? pair->b : pair->a;
}

void pair_ask(struct pair *pair, const char *request)
{
	says(pair->client, request);
	pair->first = pair_taker(pair);
	pair->second = pair_other(pair, pair->first);
}
