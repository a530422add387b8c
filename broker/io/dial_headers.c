#include "broker/io/dial_headers.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define PORT_PLAIN 80
#define PORT_TLS   443

void dial_host_write(const char *name, uint16_t port, bool tls, char host[DIAL_HOST_MAX])
{
	bool v6 = strchr(name, ':') != NULL;
	const char *open = v6 ? "[" : "";
	const char *close = v6 ? "]" : "";

	if (port == (tls ? PORT_TLS : PORT_PLAIN))
		snprintf(host, DIAL_HOST_MAX, "%s%s%s", open, name, close);
	else
		snprintf(host, DIAL_HOST_MAX, "%s%s%s:%u", open, name, close, port);
}

static enum wsb_err append_line(char **at, size_t *room, const char *name, const char *value)
{
	int len = snprintf(*at, *room, "%s: %s\r\n", name, value);

	if (len < 0 || (size_t)len >= *room)
		return WSB_ELIMIT;
	*at += len;
	*room -= (size_t)len;
	return WSB_OK;
}

enum wsb_err dial_headers_append(const struct pool_settings *pool, char **at, size_t room)
{
	for (size_t i = 0; i < pool->header_count; i++) {
		enum wsb_err err =
			append_line(at, &room, pool->headers[i].name, pool->headers[i].value);

		if (err)
			return err;
	}
	return WSB_OK;
}
