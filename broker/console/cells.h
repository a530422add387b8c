/* broker/console/cells.h: members of JSON objects as cells of a table and words of a line. Pure.
 * What is missing or null is shown as "-". */
#ifndef WSB_BROKER_CONSOLE_CELLS_H
#define WSB_BROKER_CONSOLE_CELLS_H

#include <jansson.h>
#include "broker/console/human.h"
#include "broker/console/table.h"

const char *cells_text_of(const json_t *object, const char *key);
void cells_duration_text(const json_t *object, const char *key, char text[HUMAN_TEXT_MAX]);

void cell_text(struct table *table, const json_t *object, const char *key);
void cell_number(struct table *table, const json_t *object, const char *key);
void cell_share(struct table *table, const json_t *object, const char *part,
		const char *whole); /* 7/10 */
void cell_duration(struct table *table, const json_t *object, const char *key);
void cell_bytes(struct table *table, const json_t *object, const char *key);
void cell_rate(struct table *table, const json_t *object, const char *key);

#endif
