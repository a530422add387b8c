/* broker/exchange/fairqueue.h: who waits for a connection, served in turn over the clients.
 * Bounded in number and bytes; the age limit is a deadline of the waiting exchange itself. */
#ifndef WSB_BROKER_EXCHANGE_FAIRQUEUE_H
#define WSB_BROKER_EXCHANGE_FAIRQUEUE_H

#include <stddef.h>
#include <stdint.h>
#include "common/err.h"
#include "common/list.h"

struct fairqueue;

/* One client's line in one queue; lives in the client. In a round while it is not empty: that of
 * the queue, or one of those who wait for the same thing, which only their owner serves. */
struct fairparty {
	struct list waiting;
	struct list_node round_link;
	struct list *round; /* NULL: the queue's */
};

/* Embedded in what waits. */
struct fairitem {
	struct list_node link;	   /* in the party, or of those that rest */
	struct list_node age_link; /* in the queue, oldest first */
	size_t bytes;
	uint64_t since_us;
	uint64_t rest_until_us;	 /* not in its party's line before; 0: it is in it */
	struct fairparty *party; /* NULL while it does not wait */
};

struct fairqueue {
	struct list round;   /* parties with somebody waiting; the first is served next */
	struct list resting; /* items that wait beside their lines for a while */
	struct list by_age;
	size_t count;
	size_t bytes;
	size_t count_max;
	size_t bytes_max;
};

void fairqueue_init(struct fairqueue *queue, size_t count_max, size_t bytes_max);
void fairparty_init(struct fairparty *party);
void fairitem_init(struct fairitem *item);

/* At the end of the party's line. WSB_ELIMIT: a bound would be passed; the item does not wait. */
enum wsb_err fairqueue_push(struct fairqueue *queue, struct fairparty *party, struct fairitem *item,
			    size_t bytes, uint64_t now_us) WSB_CHECKED;
/* At its front and beyond the bounds: for what had been accepted and sent already, and must go
 * again. */
void fairqueue_push_again(struct fairqueue *queue, struct fairparty *party, struct fairitem *item,
			  size_t bytes, uint64_t now_us);
/* The same, but nobody serves it before until_us, nor does it stand in others' way. Of those that
 * come to rest until the same time, the last one comes first. */
void fairqueue_rest(struct fairqueue *queue, struct fairparty *party, struct fairitem *item,
		    size_t bytes, uint64_t until_us, uint64_t now_us);
/* Whoever has rested long enough goes to the front of its line. */
void fairqueue_wake(struct fairqueue *queue, uint64_t now_us);
/* To the end of another party's line, as old as it is; neither counts nor bounds change. */
void fairqueue_move(struct fairqueue *queue, struct fairparty *party, struct fairitem *item);
/* Whoever waits in this party waits in this round from now on; NULL: in the queue's. */
void fairqueue_place(struct fairqueue *queue, struct fairparty *party, struct list *round);
/* The first of the party whose turn it is, which then goes to the end of the round. NULL: nobody
 * waits there. */
struct fairitem *fairqueue_pop(struct fairqueue *queue);
struct fairitem *fairqueue_pop_from(struct fairqueue *queue, struct list *round);
/* Leaves its line; an item that does not wait is left alone. */
void fairqueue_remove(struct fairqueue *queue, struct fairitem *item);
/* How long the longest waiting one has waited; 0 when nobody does. */
uint64_t fairqueue_oldest_us(const struct fairqueue *queue, uint64_t now_us);

#endif
