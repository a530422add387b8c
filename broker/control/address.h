/* broker/control/address.h: where to listen and where to connect, read from text. */
#ifndef WSB_BROKER_CONTROL_ADDRESS_H
#define WSB_BROKER_CONTROL_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include "broker/control/arena.h"
#include "broker/control/config.h"
#include "common/err.h"
#include "common/span.h"

#define UNIX_PATH_BYTES_MAX 107 /* what fits into a sockaddr_un */

/* "127.0.0.1:7080", "[::1]:7080", "localhost:7080" (which is 127.0.0.1), "unix:PATH" or "fd:NAME".
 * The texts of *out live in the arena; a Unix path is left as written. WSB_EINVAL: *why is a
 * sentence that shows nothing of text; WSB_ENOMEM. */
enum wsb_err address_parse(struct arena *arena, struct span text, struct address *out,
			   const char **why) WSB_CHECKED;

/* Known to be reachable from this machine only; of a socket that is handed over only the socket
 * itself can tell. */
bool address_is_local(const struct address *address);

/* The pieces that addresses and URLs share. Digits only, 1 to 65535. */
bool port_read(struct span text, uint16_t *out);
/* Cuts "host:port", "[host]:port" or "host" into its parts; false when a bracket is not closed or
 * something else than a port follows it. port is absent when there is none. */
bool split_port(struct span text, struct span *host, struct span *port, bool *bracketed);
bool host_is_name(struct span host);

/* Sets url, tls, host, port and path. WSB_EINVAL: *why is a sentence that shows
 * nothing of text, which may hold a secret; WSB_ENOMEM. */
enum wsb_err endpoint_url_parse(struct arena *arena, struct span text,
				struct endpoint_settings *out, const char **why) WSB_CHECKED;

/* "host:port", with brackets where the host is an IPv6 address; NULL: no memory. */
const char *endpoint_default_name(struct arena *arena, const struct endpoint_settings *endpoint);

#endif
