/* broker/admin/answer.h: responses, written. Pure. */
#ifndef WSB_BROKER_ADMIN_ANSWER_H
#define WSB_BROKER_ADMIN_ANSWER_H

#include <jansson.h>
#include "broker/admin/admin.h"

/* Takes the reference. A value that is NULL, because memory ran out, becomes a 500. */
void answer_json(struct admin_response *response, int status, json_t *value);

/* application/problem+json of RFC 9457; the title is that of the status. detail is a sentence, and
 * may hold what a stranger sent. */
void answer_problem(struct admin_response *response, int status, const char *detail);
void answer_problemf(struct admin_response *response, int status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* One problem for several reasons, a line each: detail is the reason where there is one, else how
 * many there are; all of them are the member `errors`. */
void answer_problems(struct admin_response *response, int status, struct span lines);

void answer_no_memory(struct admin_response *response);

/* A JSON string of text that may hold bytes that are not UTF-8: they become U+FFFD. null for NULL
 * and "". */
json_t *answer_text(const char *text);

/* The lines of a text, as an array of texts. */
json_t *answer_lines(struct span text);

/* RFC 3339; null for 0. */
json_t *answer_time(uint64_t wall_us);

#endif
