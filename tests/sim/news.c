#include "tests/sim/news.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/sim/sim.h"
#include "tests/support/compose.h"
#include "tests/support/must.h"

#define MARK	 "news-"
#define MARK_LEN (sizeof(MARK) - 1)
#define DIGITS	 6

static struct push_settings rules[] = {{.method = "p?.news", .forward = FORWARD_NONE}};

void news_plan(struct sim *sim)
{
	sim->tells = sim_chance(sim, 50);
	if (!sim->tells)
		return;
	sim->setup.config.push = rules;
	sim->setup.config.push_count = 1;
	for (size_t i = 0; i < sim->plain; i++)
		if (sim_chance(sim, 25))
			sim->setup.pools[i].push_source = PUSH_SOURCE_DEDICATED;
	agenda_add(&sim->agenda, sim->outside.now_us, EVENT_NEWS, NULL);
}

/* Whether it is a pool still, and one that matters. */
static bool is_there(const struct sim *sim, const struct pool *pool)
{
	const struct engine *engine = sim->outside.engine;

	for (size_t i = 0; i < engine->lane_count; i++)
		if (engine->lanes[i]->pool == pool)
			return !engine->lanes[i]->retiring && !engine->draining;
	return false;
}

static struct sim_news *news_add(struct sim *sim, const struct pool *pool)
{
	struct sim_news *news;

	if (sim->news_count == sim->news_capacity) {
		sim->news_capacity = sim->news_capacity ? 2 * sim->news_capacity : 64;
		sim->news = must_realloc(sim->news, sim->news_capacity * sizeof(*sim->news));
	}
	news = &sim->news[sim->news_count++];
	*news = (struct sim_news){
		.pool = pool, .gaps = pool->push_gaps, .excused = !is_there(sim, pool)};
	return news;
}

static void tell(struct sim *sim, struct sim_upstream *upstream, uint32_t number)
{
	enum encoding encoding = sim->setup.pools[upstream->pool].encoding;
	uint64_t most_us = upstream->temper->answer_us;
	char json[96];

	snprintf(json, sizeof(json),
		 "{\"jsonrpc\":\"2.0\",\"method\":\"p%u.news\",\"params\":[\"" MARK "%06u\"]}",
		 upstream->pool, number);
	strbuf_clear(&sim->scratch);
	compose_json(&sim->scratch, encoding, json);
	upstream_say_later(sim, upstream, &sim->scratch, sim_pick(sim, 0, most_us));
}

void news_break(struct sim *sim)
{
	const struct engine *engine = sim->outside.engine;
	struct lane *lane = engine->lanes[sim_pick(sim, 0, engine->lane_count - 1)];
	uint32_t number = sim->news_count;
	struct sim_news *news;
	bool hangs = false;

	if (sim->outside.now_us < sim->calm_us)
		agenda_add(&sim->agenda, sim->outside.now_us + sim_pick(sim, 0, 60 * MS),
			   EVENT_NEWS, NULL);
	if (lane->pool->settings->tunnels)
		return;
	news = news_add(sim, lane->pool);
	list_each(&sim->outside.peers, node) {
		struct peer *peer = list_entry(node, struct peer, link);
		struct sim_upstream *upstream = peer->actor;

		if (peer->kind != PEER_UPSTREAM || peer->state != PEER_OPEN ||
		    peer->connection->pool != lane->pool)
			continue;
		hangs |= upstream->hangs;
		if (upstream->hangs)
			continue;
		news->heard |= peer->connection->push_source && !peer->connection->doom;
		news->copies++;
		tell(sim, upstream, number);
	}
	news->heard &= !hangs;
	sim_trace(sim, "news %u: %u copies of pool %s", number, news->copies,
		  lane->pool->settings->name);
}

static struct sim_news *news_of(struct sim *sim, struct span words, uint32_t *number)
{
	const char *at = words.at ? memmem(words.at, words.len, MARK, MARK_LEN) : NULL;
	char digits[DIGITS + 1] = "";

	if (!sim->tells || !at)
		return NULL;
	memcpy(digits, at + MARK_LEN, DIGITS);
	*number = (uint32_t)strtoul(digits, NULL, 10);
	return &sim->news[*number];
}

static uint64_t handled(const struct sim *sim)
{
	const struct engine *engine = sim->outside.engine;
	uint64_t count = 0;

	for (size_t i = 0; i < engine->lane_count; i++)
		count += engine->lanes[i]->traffic.pushes_dropped;
	return count;
}

void news_arrive(struct sim *sim)
{
	sim->news_handled = handled(sim);
}

void news_arrived(struct sim *sim, struct span words)
{
	uint32_t number;
	struct sim_news *news = news_of(sim, words, &number);

	if (!news)
		return;
	news->copies--;
	news->handled += (uint32_t)(handled(sim) - sim->news_handled);
	if (news->excused || !is_there(sim, news->pool) || news->pool->push_gaps != news->gaps)
		return;
	if (news->handled > 1)
		sim_fail(sim, "a push is handled once", "news %u: %u times", number, news->handled);
	if (news->copies == 0 && news->handled == 0 && news->heard)
		sim_fail(sim, "no push is missed unless a source is lost", "news %u", number);
}

void news_late(struct sim *sim, struct span words)
{
	uint32_t number;
	struct sim_news *news = news_of(sim, words, &number);

	if (news)
		news->excused = true;
}

void news_all_late(struct sim *sim)
{
	for (uint32_t i = 0; i < sim->news_count; i++)
		sim->news[i].excused = true;
}

void news_upstream_ends(struct sim *sim, const struct sim_upstream *upstream)
{
	const struct connection *connection = upstream->peer->connection;

	for (uint32_t i = 0; connection->handover && i < sim->news_count; i++)
		sim->news[i].excused |= sim->news[i].pool == connection->pool;
}

void news_reloaded(struct sim *sim)
{
	for (uint32_t i = 0; i < sim->news_count; i++)
		sim->news[i].excused |= !is_there(sim, sim->news[i].pool);
}

void news_free(struct sim *sim)
{
	free(sim->news);
}
