/* tests/bench/message.h: finds the two members of a JSON-RPC message that the bench looks at. */
#ifndef WSB_TESTS_BENCH_MESSAGE_H
#define WSB_TESTS_BENCH_MESSAGE_H
#include <stdbool.h>
#include <stddef.h>

/* A JSON value as it stands in the text, borrowed; text is NULL when the member is absent. */
struct token {
	const char *text;
	size_t len;
};

/* Walks the top-level members of the object in text[0..len) in any order and spacing, and sets *id
 * and *body to the values of "id" and of the member called body_name (names with escapes are other
 * names). Deep values are skipped without recursion. False when the text is not an object; what is
 * inside skipped values is not judged. */
bool message_scan(const char *text, size_t len, const char *body_name, struct token *id,
		  struct token *body);
#endif
