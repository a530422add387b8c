/* broker/journal/settings.h: where the bus is, and what it is called there. */
#ifndef WSB_BROKER_JOURNAL_SETTINGS_H
#define WSB_BROKER_JOURNAL_SETTINGS_H

#include <stddef.h>
#include <stdint.h>

/* One place where Redis may be. */
struct bus_url {
	const char *label; /* what is shown of it: neither user nor password */
	const char *host;  /* name or address; NULL: a Unix socket */
	uint16_t port;
	const char *path;     /* of the Unix socket */
	const char *user;     /* NULL: the default one */
	const char *password; /* NULL: none is sent */
	uint32_t database;
};

struct bus_settings {
	const char **texts; /* the URLs as written */
	struct bus_url *urls;
	size_t url_count; /* 0: the bus is embedded, events stay in the process */
	const char *prefix;
	uint32_t log_length;
};

#endif
