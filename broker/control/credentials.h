/* broker/control/credentials.h: whose bearer token is it? Pure. */
#ifndef WSB_BROKER_CONTROL_CREDENTIALS_H
#define WSB_BROKER_CONTROL_CREDENTIALS_H

#include <stdint.h>
#include "broker/control/config.h"
#include "common/span.h"

/* The token of an Authorization header; absent when there is no header or another scheme in it. */
struct span credentials_bearer(struct span authorization);

/* The line of set whose token secret is; NULL: none. How long it takes tells nothing about how much
 * of a secret was right. Without sha256 no token of which only the hash is known is found. */
const struct token *credentials_find(const struct token_set *set, struct span secret,
				     void (*sha256)(struct span secret, uint8_t digest[32]));

#endif
