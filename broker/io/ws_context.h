/* broker/io/ws_context.h: libwebsockets on our loop, and the sockets that have something to write
 * or a deadline to keep. */
#ifndef WSB_BROKER_IO_WS_CONTEXT_H
#define WSB_BROKER_IO_WS_CONTEXT_H

#include <libwebsockets.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "broker/io/loop.h"
#include "common/err.h"
#include "common/list.h"
#include "common/log.h"
#include "common/timerq.h"

/* Longest request or answer head that is taken in. */
#define WS_HEAD_BYTES_MAX 16384

/* What one raw write may pass to the library: far above what is ever handed over at once. */
#define WS_TX_PACKET_BYTES (1024 * 1024)

/* One read of an upstream: many answers at once. */
#define WS_RECEIVED_BYTES ((size_t)64 * 1024)

struct ws_context {
	struct lws_context *lws; /* NULL once the library has let go of it */
	struct loop *loop;
	struct log *log;
	struct timerq timers; /* deadlines of wires */
	struct list dirty;    /* wires to be written at the end of the turn */
	char *received;	      /* WS_RECEIVED_BYTES, shared by all outgoing sockets */
	bool wake;	      /* the library has to look at its own timers soon */
	bool ending;	      /* every socket is being closed; nothing new may begin */
};

/* Borrows loop and log. The library's own time limits stand safely behind handshake_us. WSB_EIO,
 * WSB_ENOMEM. */
enum wsb_err ws_context_init(struct ws_context *context, struct loop *loop, struct log *log,
			     uint64_t handshake_us) WSB_CHECKED;

/* Begins to close every socket; each reports its end as usual. Let the loop settle, then call
 * ws_context_fini. */
void ws_context_end(struct ws_context *context);
void ws_context_fini(struct ws_context *context);

/* Writes what has gathered. Call once per turn. */
void ws_context_turn(struct ws_context *context);

/* Ends what is past its deadline. */
void ws_context_tick(struct ws_context *context, uint64_t now_us);

/* What every vhost of ours has in common: no listening port, HTTP/1.1 only, no extensions, no
 * keep-alive of the library's own. The caller adds the rest and hands it to lws_create_vhost. */
struct lws_context_creation_info ws_context_vhost_info(const char *name,
						       const struct lws_protocols *protocols);

/* Raises the limit of open descriptors to what `wanted` of them need, as far as the system lets
 * us; returns how many there are now. Call before ws_context_init. */
size_t ws_context_raise_descriptors(size_t wanted);

#endif
