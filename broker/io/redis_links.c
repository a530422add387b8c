#include "broker/io/redis_links.h"

#include "common/clock.h"

static void on_opened(void *context, enum bus_link name)
{
	struct redis_links *links = context;

	engine_bus_opened(links->engine, name, clock_monotonic_us());
}

static void on_replied(void *context, enum bus_link name, const struct redis_value *value)
{
	struct redis_links *links = context;

	engine_bus_replied(links->engine, name, value, clock_monotonic_us());
}

static void on_lost(void *context, enum bus_link name, const char *cause, const char *text)
{
	struct redis_links *links = context;

	engine_bus_lost(links->engine, name, cause, text, clock_monotonic_us());
}

void redis_links_init(struct redis_links *links, uv_loop_t *loop)
{
	static const struct redis_link_hooks hooks = {
		.opened = on_opened, .replied = on_replied, .lost = on_lost};

	links->engine = NULL;
	links->used = false;
	for (size_t i = 0; i < BUS_LINKS; i++)
		redis_link_init(&links->of[i], (enum bus_link)i, loop, &hooks, links);
}

void redis_links_open(struct redis_links *links, enum bus_link name, const struct bus_url *url)
{
	const struct redis_link *commands = &links->of[BUS_COMMANDS];
	bool follows = name != BUS_COMMANDS && commands->state == REDIS_LINK_OPEN &&
		       commands->url == url && commands->peer[0] != '\0';

	links->used = true;
	redis_link_open(&links->of[name], url, follows ? commands->peer : NULL);
}

void redis_links_turn(struct redis_links *links)
{
	if (!links->used)
		return;
	if (links->engine)
		engine_bus_turn(links->engine, clock_monotonic_us());
	for (size_t i = 0; i < BUS_LINKS; i++)
		redis_link_turn(&links->of[i]);
}

void redis_links_end(struct redis_links *links)
{
	if (links->engine)
		engine_bus_leave(links->engine, clock_monotonic_us());
	redis_links_turn(links);
	for (size_t i = 0; i < BUS_LINKS; i++)
		redis_link_close(&links->of[i]);
}
