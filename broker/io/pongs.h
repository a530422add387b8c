/* broker/io/pongs.h: the pings of one peer that wait to be answered: a few, in order. */
#ifndef WSB_BROKER_IO_PONGS_H
#define WSB_BROKER_IO_PONGS_H

#include <stddef.h>
#include <stdint.h>
#include "common/outbox.h"
#include "common/span.h"
#include "common/wsframe.h"

#define PONGS_MAX 64

struct pongs {
	struct pong *ring; /* NULL unless any waits: most peers ping rarely */
	size_t first;
	size_t count;
};

void pongs_init(struct pongs *pongs);
void pongs_fini(struct pongs *pongs);

/* Remembers to answer a ping with this payload, of WS_CONTROL_MAX bytes at most. When PONGS_MAX
 * wait already, the oldest is forgotten, as RFC 6455 allows (section 5.5.3). Without memory the
 * ping is not answered. */
void pongs_add(struct pongs *pongs, struct span payload);

/* Appends all that wait to outbox, each under a fresh mask that draw_mask makes; NULL: bare. */
void pongs_append(struct pongs *pongs, struct outbox *outbox,
		  void (*draw_mask)(void *mask, size_t len));

#endif
