/* tests/bench/handshake.h: the little of RFC 6455 section 4 that both bench programs need. */
#ifndef WSB_TESTS_BENCH_HANDSHAKE_H
#define WSB_TESTS_BENCH_HANDSHAKE_H
#include <stdbool.h>
#include <stddef.h>

#define HANDSHAKE_ACCEPT_SIZE 29 /* 28 characters of base64 and a NUL */
#define HANDSHAKE_HEAD_MAX    4096

/* Writes the Sec-WebSocket-Accept value that belongs to key[0..key_len), NUL-terminated.
 * False, and nothing written, when the key is longer than any base64 of 16 bytes can be. */
bool handshake_accept(const char *key, size_t key_len, char accept[HANDSHAKE_ACCEPT_SIZE]);

/* Length of the HTTP head at the start of data including its empty line, 0 when it is not
 * complete yet. */
size_t handshake_head_length(const char *data, size_t len);

/* Finds a header by name (any case) in a complete head. True: value and value_len are set, without
 * the blanks around it, and point into head. */
bool handshake_header(const char *head, size_t len, const char *name, const char **value,
		      size_t *value_len);
#endif
