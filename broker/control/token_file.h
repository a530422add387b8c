/* broker/control/token_file.h: who may come in, one a line: "name role token". Blank lines and
 * lines that begin with # say nothing. A token "sha256:HEX" is known by its hash only. */
#ifndef WSB_BROKER_CONTROL_TOKEN_FILE_H
#define WSB_BROKER_CONTROL_TOKEN_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include "broker/control/config.h"
#include "broker/control/document.h"
#include "common/err.h"

#define TOKEN_FILE_BYTES_MAX ((size_t)4 << 20)

/* Sets *out, whose memory is the arena's. Mistakes in lines become complaints at place, with their
 * own line told; they never show a token. WSB_EINVAL: why says why the file as a whole is of no
 * use. */
enum wsb_err token_file_load(struct document *document, const char *path, struct place place,
			     struct token_set *out, char *why, size_t why_size) WSB_CHECKED;

/* False: no role is called so. */
bool token_role_find(struct span name, enum token_role *out);

/* text is the file's; path must live as long as the arena. Never fails but for memory. */
enum wsb_err token_file_parse(struct document *document, const char *path, struct span text,
			      struct place place, struct token_set *out) WSB_CHECKED;

#endif
