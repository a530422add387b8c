/* broker/io/dial_headers.h: what a dial tells the upstream beside the upgrade itself. */
#ifndef WSB_BROKER_IO_DIAL_HEADERS_H
#define WSB_BROKER_IO_DIAL_HEADERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "broker/pool/settings.h"
#include "common/err.h"

#define DIAL_HOST_MAX 272

/* The Host header: with the port where it is not the scheme's own, an IPv6 address in brackets. */
void dial_host_write(const char *name, uint16_t port, bool tls, char host[DIAL_HOST_MAX]);

/* Appends the pool's headers at *at, which is moved behind them. WSB_ELIMIT: they do not fit into
 * room. */
enum wsb_err dial_headers_append(const struct pool_settings *pool, char **at,
				 size_t room) WSB_CHECKED;

#endif
