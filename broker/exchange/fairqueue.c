#include "broker/exchange/fairqueue.h"

#include <assert.h>

void fairqueue_init(struct fairqueue *queue, size_t count_max, size_t bytes_max)
{
	list_init(&queue->round);
	list_init(&queue->resting);
	list_init(&queue->by_age);
	queue->count = 0;
	queue->bytes = 0;
	queue->count_max = count_max;
	queue->bytes_max = bytes_max;
}

void fairparty_init(struct fairparty *party)
{
	list_init(&party->waiting);
	list_node_init(&party->round_link);
	party->round = NULL;
}

void fairitem_init(struct fairitem *item)
{
	list_node_init(&item->link);
	list_node_init(&item->age_link);
	item->party = NULL;
	item->bytes = 0;
	item->since_us = 0;
	item->rest_until_us = 0;
}

/* The items stand in order of age; nearly always the newcomer is the youngest. */
static void enter_by_age(struct fairqueue *queue, struct fairitem *item)
{
	struct list_node *older = queue->by_age.head.prev;

	while (older != &queue->by_age.head &&
	       list_entry(older, struct fairitem, age_link)->since_us > item->since_us)
		older = older->prev;
	list_insert_before(&queue->by_age, older->next, &item->age_link);
}

static struct list *round_of(struct fairqueue *queue, const struct fairparty *party)
{
	return party->round ? party->round : &queue->round;
}

/* The party's line holds the item already. */
static void join_round(struct fairqueue *queue, struct fairparty *party, struct fairitem *item)
{
	item->party = party;
	if (!list_is_linked(&party->round_link))
		list_append(round_of(queue, party), &party->round_link);
}

static void leave_line(struct fairqueue *queue, struct fairitem *item)
{
	struct fairparty *party = item->party;

	item->party = NULL;
	if (item->rest_until_us > 0) {
		list_remove(&queue->resting, &item->link);
		item->rest_until_us = 0;
		return;
	}
	list_remove(&party->waiting, &item->link);
	if (list_is_empty(&party->waiting))
		list_remove(round_of(queue, party), &party->round_link);
}

/* What all ways in have in common. */
static void enter(struct fairqueue *queue, struct fairitem *item, size_t bytes, uint64_t now_us)
{
	item->bytes = bytes;
	item->since_us = now_us;
	enter_by_age(queue, item);
	queue->count++;
	queue->bytes += bytes;
}

enum wsb_err fairqueue_push(struct fairqueue *queue, struct fairparty *party, struct fairitem *item,
			    size_t bytes, uint64_t now_us)
{
	assert(!item->party);
	/* What was pushed again may stand beyond the bounds, so no difference may be taken blindly.
	 */
	if (queue->count >= queue->count_max || queue->bytes > queue->bytes_max ||
	    bytes > queue->bytes_max - queue->bytes)
		return WSB_ELIMIT;
	list_append(&party->waiting, &item->link);
	join_round(queue, party, item);
	enter(queue, item, bytes, now_us);
	return WSB_OK;
}

void fairqueue_push_again(struct fairqueue *queue, struct fairparty *party, struct fairitem *item,
			  size_t bytes, uint64_t now_us)
{
	assert(!item->party);
	list_prepend(&party->waiting, &item->link);
	join_round(queue, party, item);
	enter(queue, item, bytes, now_us);
}

void fairqueue_rest(struct fairqueue *queue, struct fairparty *party, struct fairitem *item,
		    size_t bytes, uint64_t until_us, uint64_t now_us)
{
	assert(!item->party && until_us > 0);
	item->party = party;
	item->rest_until_us = until_us;
	list_prepend(&queue->resting, &item->link);
	enter(queue, item, bytes, now_us);
}

void fairqueue_wake(struct fairqueue *queue, uint64_t now_us)
{
	/* From the last to the first, as each goes to the front. */
	for (struct list_node *node = queue->resting.head.prev, *before = node->prev;
	     node != &queue->resting.head; node = before, before = node->prev) {
		struct fairitem *item = list_entry(node, struct fairitem, link);

		if (now_us < item->rest_until_us)
			continue;
		item->rest_until_us = 0;
		list_remove(&queue->resting, &item->link);
		list_prepend(&item->party->waiting, &item->link);
		join_round(queue, item->party, item);
	}
}

void fairqueue_move(struct fairqueue *queue, struct fairparty *party, struct fairitem *item)
{
	assert(item->party);
	leave_line(queue, item);
	list_append(&party->waiting, &item->link);
	join_round(queue, party, item);
}

void fairqueue_remove(struct fairqueue *queue, struct fairitem *item)
{
	if (!item->party)
		return;
	leave_line(queue, item);
	list_remove(&queue->by_age, &item->age_link);
	queue->count--;
	queue->bytes -= item->bytes;
}

void fairqueue_place(struct fairqueue *queue, struct fairparty *party, struct list *round)
{
	if (party->round == round)
		return;
	list_remove(round_of(queue, party), &party->round_link);
	party->round = round;
	if (!list_is_empty(&party->waiting))
		list_append(round_of(queue, party), &party->round_link);
}

struct fairitem *fairqueue_pop_from(struct fairqueue *queue, struct list *round)
{
	struct list_node *node = list_first(round);
	struct fairparty *party;
	struct fairitem *item;

	if (!node)
		return NULL;
	party = list_entry(node, struct fairparty, round_link);
	item = list_entry(list_first(&party->waiting), struct fairitem, link);
	fairqueue_remove(queue, item);
	if (list_is_linked(&party->round_link)) {
		list_remove(round, &party->round_link);
		list_append(round, &party->round_link);
	}
	return item;
}

struct fairitem *fairqueue_pop(struct fairqueue *queue)
{
	return fairqueue_pop_from(queue, &queue->round);
}

uint64_t fairqueue_oldest_us(const struct fairqueue *queue, uint64_t now_us)
{
	const struct list_node *node = list_first(&queue->by_age);
	const struct fairitem *item;

	if (!node)
		return 0;
	item = list_entry(node, struct fairitem, age_link);
	return now_us > item->since_us ? now_us - item->since_us : 0;
}
