/* broker/control/jwks_file.h: the keys that tokens are signed with, as a JSON Web Key Set. */
#ifndef WSB_BROKER_CONTROL_JWKS_FILE_H
#define WSB_BROKER_CONTROL_JWKS_FILE_H

#include <stddef.h>
#include "broker/control/document.h"
#include "broker/session/jwk.h"
#include "common/err.h"

#define JWKS_FILE_BYTES_MAX ((size_t)1 << 20)
#define JWKS_KEYS_MAX	    64

/* Sets *out, whose memory is the arena's. Mistakes become complaints at place, with the file's own
 * place or the key's number told; they show nothing of a key. Keys that are not for signatures, or
 * of kinds that nobody here knows, are passed over as RFC 7517 wants it. WSB_EINVAL: why says why
 * the file as a whole is of no use. */
enum wsb_err jwks_file_load(struct document *document, const char *path, struct place place,
			    struct jwk_set *out, char *why, size_t why_size) WSB_CHECKED;

/* text is the file's; path is for complaints only. Never fails but for memory. */
enum wsb_err jwks_file_parse(struct document *document, const char *path, struct span text,
			     struct place place, struct jwk_set *out) WSB_CHECKED;

#endif
