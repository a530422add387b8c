#include "broker/admin/origin.h"

#include <stddef.h>
#include <strings.h>

/* Cuts a port off that the scheme implies anyway. */
static struct span without_port(struct span host, const char *port)
{
	size_t len = strlen(port);

	if (host.len > len && memcmp(host.at + host.len - len, port, len) == 0)
		host.len -= len;
	return host;
}

bool origin_is_own(struct span origin, struct span host)
{
	static const struct {
		const char *prefix;
		const char *port;
	} schemes[] = {{"http://", ":80"}, {"https://", ":443"}};

	if (!host.at)
		return false;
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		size_t len = strlen(schemes[i].prefix);
		struct span a;
		struct span b;

		if (origin.len <= len || strncasecmp(origin.at, schemes[i].prefix, len) != 0)
			continue;
		a = without_port(span_of(origin.at + len, origin.len - len), schemes[i].port);
		b = without_port(host, schemes[i].port);
		return a.len == b.len && strncasecmp(a.at, b.at, a.len) == 0;
	}
	return false;
}
