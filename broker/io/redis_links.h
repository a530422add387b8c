/* broker/io/redis_links.h: the connections that the engine's bus asks for. */
#ifndef WSB_BROKER_IO_REDIS_LINKS_H
#define WSB_BROKER_IO_REDIS_LINKS_H

#include "broker/engine/engine.h"
#include "broker/io/redis_link.h"

struct redis_links {
	struct redis_link of[BUS_LINKS];
	struct engine *engine; /* NULL: not started, nothing is open */
	bool used;	       /* some link has been opened: turns have something to do */
};

/* Borrows loop. The links must stay where they are. */
void redis_links_init(struct redis_links *links, uv_loop_t *loop);

/* All lead to one server, also where a name has several addresses: to that of the commands. */
void redis_links_open(struct redis_links *links, enum bus_link name, const struct bus_url *url);

/* Once per turn of the loop. */
void redis_links_turn(struct redis_links *links);

/* Writes the last words, as far as the sockets take them, and closes all. */
void redis_links_end(struct redis_links *links);

#endif
