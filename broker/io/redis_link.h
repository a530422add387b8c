/* broker/io/redis_link.h: the connections to Redis. They carry words to it and answers back, and
 * know nothing of either. */
#ifndef WSB_BROKER_IO_REDIS_LINK_H
#define WSB_BROKER_IO_REDIS_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>
#include "broker/io/race.h"
#include "broker/io/redis_reply.h"
#include "broker/io/resolver.h"
#include "broker/io/stream.h"
#include "broker/journal/bus.h"
#include "broker/journal/settings.h"
#include "common/span.h"
#include "common/strbuf.h"

/* Called while the loop runs, never before a function of the link has returned. The link may be
 * closed and opened again in each. */
struct redis_link_hooks {
	void (*opened)(void *context, enum bus_link name);
	/* value is valid during the call. */
	void (*replied)(void *context, enum bus_link name, const struct redis_value *value);
	/* It has ended, or could not be opened; not called after redis_link_close. cause is a
	 * stable word: dns, connect, eof, io, protocol. */
	void (*lost)(void *context, enum bus_link name, const char *cause, const char *text);
};

enum redis_link_state {
	REDIS_LINK_CLOSED,
	REDIS_LINK_RESOLVING,
	REDIS_LINK_CONNECTING,
	REDIS_LINK_OPEN,
};

struct redis_link {
	enum redis_link_state state;
	enum bus_link name;
	uint64_t opening;    /* how often it has been opened: tells one life from the next */
	const char *failure; /* why it could not even begin; told with the next turn */
	const struct bus_url *url;
	uv_loop_t *loop;
	const struct redis_link_hooks *hooks;
	void *context;
	struct resolver_query *query; /* while resolving */
	struct race race;	      /* while connecting over TCP */
	char peer[RESOLVER_TEXT_MAX]; /* where it leads, or led last; "": nowhere yet */
	struct stream stream;
	redisReader *reader;
	struct strbuf out;
	size_t out_at; /* so much of it has been taken */
};

/* Borrows loop, hooks and context. */
void redis_link_init(struct redis_link *link, enum bus_link name, uv_loop_t *loop,
		     const struct redis_link_hooks *hooks, void *context);

/* Ends in opened or lost, unless it is closed before. url must stay. address: of its host, where
 * another link has been led already; NULL: it is looked up. */
void redis_link_open(struct redis_link *link, const struct bus_url *url, const char *address);

/* May be closed already. */
void redis_link_close(struct redis_link *link);

/* One command, written with the next turn. Nothing happens on a link that is not open. */
void redis_link_send(struct redis_link *link, const struct span *words, size_t count);

/* Once per turn of the loop: writes what was sent. */
void redis_link_turn(struct redis_link *link);

#endif
