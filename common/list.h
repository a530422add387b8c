/* common/list.h: intrusive doubly linked lists.
 * A node that is on no list is linked to itself, so removing it twice does no harm. */
#ifndef WSB_COMMON_LIST_H
#define WSB_COMMON_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list_node {
	struct list_node *prev;
	struct list_node *next;
};

struct list {
	struct list_node head;
	size_t count;
};

/* The object that holds the node. */
#define list_entry(node, type, member) ((type *)((char *)(node)-offsetof(type, member)))

static inline void list_node_init(struct list_node *node)
{
	node->prev = node->next = node;
}

static inline void list_init(struct list *list)
{
	list_node_init(&list->head);
	list->count = 0;
}

static inline bool list_is_linked(const struct list_node *node)
{
	return node->next != node;
}

static inline bool list_is_empty(const struct list *list)
{
	return list->head.next == &list->head;
}

static inline void list_insert_before(struct list *list, struct list_node *place,
				      struct list_node *node)
{
	node->prev = place->prev;
	node->next = place;
	place->prev->next = node;
	place->prev = node;
	list->count++;
}

static inline void list_append(struct list *list, struct list_node *node)
{
	list_insert_before(list, &list->head, node);
}

static inline void list_prepend(struct list *list, struct list_node *node)
{
	list_insert_before(list, list->head.next, node);
}

/* list must be the one the node is on; an unlinked node is left alone. */
static inline void list_remove(struct list *list, struct list_node *node)
{
	if (!list_is_linked(node))
		return;
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_node_init(node);
	list->count--;
}

/* NULL when the list is empty. */
static inline struct list_node *list_first(const struct list *list)
{
	return list_is_empty(list) ? NULL : list->head.next;
}

/* The first node, taken off the list; NULL when it is empty. */
static inline struct list_node *list_pop(struct list *list)
{
	struct list_node *node = list_first(list);

	if (node)
		list_remove(list, node);
	return node;
}

/* Walks the list; the body may remove node (and no other one). */
#define list_each(list, node)                                                                      \
	for (struct list_node *node = (list)->head.next, *node##_next = node->next;                \
	     node != &(list)->head; node = node##_next, node##_next = node->next)

#endif
