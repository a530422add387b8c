/* broker/console/rows.h: the objects of a list, in another order. Pure. */
#ifndef WSB_BROKER_CONSOLE_ROWS_H
#define WSB_BROKER_CONSOLE_ROWS_H

#include <jansson.h>
#include <stddef.h>
#include "common/err.h"

/* Sorts an array of objects by a member: the smallest first, or with a leading minus the largest;
 * equals keep their order, null comes last. WSB_EINVAL: rows have no such member; why names those
 * that they have. */
enum wsb_err rows_sort(json_t *rows, const char *column, char *why, size_t why_size) WSB_CHECKED;

#endif
