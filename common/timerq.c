#include "common/timerq.h"

#include "common/clock.h"

#define LEVEL_BITS 8
#define SLOT_MASK  (TIMERQ_SLOTS - 1)
#define SPAN_TICKS (UINT64_C(1) << (TIMERQ_LEVELS * LEVEL_BITS))

_Static_assert(TIMERQ_SLOTS == 1 << LEVEL_BITS, "a level has one slot for each value of its bits");

void timerq_init(struct timerq *queue, uint64_t now_us)
{
	for (int level = 0; level < TIMERQ_LEVELS; level++) {
		for (int i = 0; i < TIMERQ_SLOTS; i++)
			list_init(&queue->slots[level][i]);
	}
	list_init(&queue->due);
	queue->tick = now_us / US_PER_MS;
	queue->now_us = now_us;
	queue->armed = 0;
}

void timer_init(struct timer *timer)
{
	list_node_init(&timer->link);
	timer->deadline_us = 0;
	timer->slot = NULL;
}

/* The first tick at whose beginning the deadline has passed. */
static uint64_t tick_of(uint64_t deadline_us)
{
	return deadline_us / US_PER_MS + (deadline_us % US_PER_MS > 0);
}

/* Level n holds what is due in less than 256^(n+1) ticks, in the slot that the bits of n in the
 * due tick name; the slot is emptied when the clock's own bits reach that value. What lies beyond
 * the last level waits in its furthest slot and is looked at again from there. */
static struct list *slot_for(struct timerq *queue, uint64_t deadline_us)
{
	uint64_t due = tick_of(deadline_us);
	uint64_t delta;
	int level = 0;

	if (deadline_us <= queue->now_us || due <= queue->tick)
		return &queue->due;
	delta = due - queue->tick;
	if (delta >= SPAN_TICKS) {
		delta = SPAN_TICKS - 1;
		due = queue->tick + delta;
	}
	while (delta >> ((level + 1) * LEVEL_BITS) > 0)
		level++;
	return &queue->slots[level][due >> (level * LEVEL_BITS) & SLOT_MASK];
}

static void place(struct timerq *queue, struct timer *timer)
{
	timer->slot = slot_for(queue, timer->deadline_us);
	list_append(timer->slot, &timer->link);
}

void timerq_arm(struct timerq *queue, struct timer *timer, uint64_t deadline_us)
{
	timerq_disarm(queue, timer);
	timer->deadline_us = deadline_us;
	place(queue, timer);
	queue->armed++;
}

void timerq_disarm(struct timerq *queue, struct timer *timer)
{
	if (!timer->slot)
		return;
	list_remove(timer->slot, &timer->link);
	timer->slot = NULL;
	queue->armed--;
}

/* Counts first: what lies beyond the span may come back into this very slot. */
static void empty_slot(struct timerq *queue, struct list *slot)
{
	for (size_t left = slot->count; left > 0; left--)
		place(queue, list_entry(list_pop(slot), struct timer, link));
}

/* Passes over all ticks up to tick at once: on each level only the slots between the old and the
 * new position are emptied, each once, so that a clock that was away for a minute costs some
 * hundred looks at a list and not sixty thousand. */
static void advance(struct timerq *queue, uint64_t tick)
{
	uint64_t old = queue->tick;

	queue->tick = tick;
	if (queue->armed == queue->due.count)
		return;
	for (int level = TIMERQ_LEVELS - 1; level >= 0; level--) {
		uint64_t from = old >> (level * LEVEL_BITS);
		uint64_t passed = (tick >> (level * LEVEL_BITS)) - from;

		if (passed > TIMERQ_SLOTS)
			passed = TIMERQ_SLOTS;
		for (uint64_t i = 1; i <= passed; i++)
			empty_slot(queue, &queue->slots[level][(from + i) & SLOT_MASK]);
	}
}

struct timer *timerq_pop(struct timerq *queue, uint64_t now_us)
{
	struct list_node *node;
	struct timer *timer;

	if (now_us > queue->now_us) {
		uint64_t tick = now_us / US_PER_MS;

		queue->now_us = now_us;
		if (tick > queue->tick)
			advance(queue, tick);
	}
	node = list_first(&queue->due);
	if (!node)
		return NULL;
	timer = list_entry(node, struct timer, link);
	timerq_disarm(queue, timer);
	return timer;
}
