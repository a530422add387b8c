#include <criterion/criterion.h>
#include "common/list.h"

struct item {
	int number;
	struct list_node link;
};

static int number_of(struct list_node *node)
{
	return node ? list_entry(node, struct item, link)->number : -1;
}

Test(list, pops_in_order_and_counts)
{
	struct item items[3] = {{.number = 0}, {.number = 1}, {.number = 2}};
	struct list list;

	list_init(&list);
	for (int i = 0; i < 3; i++)
		list_node_init(&items[i].link);
	list_append(&list, &items[1].link);
	list_append(&list, &items[2].link);
	list_prepend(&list, &items[0].link);
	cr_assert_eq(list.count, 3);
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(number_of(list_first(&list)), i);
		cr_assert_eq(number_of(list_pop(&list)), i);
		cr_assert_not(list_is_linked(&items[i].link));
	}
	cr_assert_null(list_pop(&list));
	cr_assert_eq(list.count, 0);
}

Test(list, removing_twice_does_no_harm)
{
	struct item a = {.number = 1}, b = {.number = 2};
	struct list list;

	list_init(&list);
	list_node_init(&a.link);
	list_node_init(&b.link);
	list_append(&list, &a.link);
	list_append(&list, &b.link);
	list_remove(&list, &a.link);
	list_remove(&list, &a.link);
	cr_assert_eq(list.count, 1);
	cr_assert_eq(number_of(list_first(&list)), 2);
}

Test(list, each_allows_removing_the_current_node)
{
	struct item items[10];
	struct list list;
	int seen = 0;

	list_init(&list);
	for (int i = 0; i < 10; i++) {
		items[i].number = i;
		list_append(&list, &items[i].link);
	}
	list_each(&list, node) {
		cr_assert_eq(number_of(node), seen++);
		if (number_of(node) % 2 == 0)
			list_remove(&list, node);
	}
	cr_assert_eq(seen, 10);
	cr_assert_eq(list.count, 5);
	list_each(&list, node)
		cr_assert_eq(number_of(node) % 2, 1);
}
