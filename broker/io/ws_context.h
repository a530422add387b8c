/* broker/io/ws_context.h: what the sockets of one loop share: which of them have something to
 * write, a deadline to keep or an end to report. */
#ifndef WSB_BROKER_IO_WS_CONTEXT_H
#define WSB_BROKER_IO_WS_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "broker/io/loop.h"
#include "common/err.h"
#include "common/list.h"
#include "common/log.h"
#include "common/timerq.h"

/* One read of a socket: many messages at once. */
#define WS_RECEIVED_BYTES ((size_t)64 * 1024)

struct deflater;
struct adopted;

struct ws_context {
	struct loop *loop;
	struct log *log;
	struct timerq timers;	   /* deadlines of wires */
	struct list wires;	   /* all that are not dead */
	struct list dirty;	   /* those to be written at the end of the turn */
	struct list ended;	   /* those whose end is to be reported */
	struct adopted *adopted;   /* sockets that were handed over; NULL: none */
	struct deflater *deflater; /* NULL until a socket is compressed */
	uint64_t now_us; /* when what is being handed on was received; read once for each read */
	char *received;	 /* WS_RECEIVED_BYTES, shared by all sockets */
	size_t opening;	 /* clients that have been let in and hear the 101 */
	bool ending;	 /* every socket is being closed; nothing new may begin */
};

/* Borrows loop and log, which may be NULL. WSB_ENOMEM. */
enum wsb_err ws_context_init(struct ws_context *context, struct loop *loop,
			     struct log *log) WSB_CHECKED;

/* Drops every socket. Let the loop settle, call ws_context_turn for their ends, then
 * ws_context_fini. */
void ws_context_end(struct ws_context *context);
void ws_context_fini(struct ws_context *context);

/* Writes what has gathered, and reports what has ended. Call once per turn. */
void ws_context_turn(struct ws_context *context);

/* Ends what is past its deadline. */
void ws_context_tick(struct ws_context *context, uint64_t now_us);

/* Raises the limit of open descriptors to `wanted`, as far as the system lets us; returns how many
 * there are now. */
size_t ws_context_raise_descriptors(size_t wanted);

#endif
