#include "broker/control/address.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#define HOST_MAX    253
#define FD_NAME_MAX 255 /* systemd's own bound */

_Static_assert(UNIX_PATH_BYTES_MAX < sizeof(((struct sockaddr_un *)NULL)->sun_path),
	       "a path and its terminator fit");

static const char shape[] = "expected an address such as 127.0.0.1:7080, [::1]:7080 or "
			    "unix:broker.sock, or fd:NAME";
static const char port_range[] = "the port must be 1 to 65535";

bool port_read(struct span text, uint16_t *out)
{
	uint32_t port = 0;

	if (text.len == 0 || text.len > 5)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (!isdigit((unsigned char)text.at[i]))
			return false;
		port = port * 10 + (uint32_t)(text.at[i] - '0');
	}
	if (port == 0 || port > UINT16_MAX)
		return false;
	*out = (uint16_t)port;
	return true;
}

bool split_port(struct span text, struct span *host, struct span *port, bool *bracketed)
{
	const char *end = text.at + text.len;
	const char *colon;

	*bracketed = text.len > 0 && text.at[0] == '[';
	*port = span_of(NULL, 0);
	if (*bracketed) {
		const char *close = memchr(text.at, ']', text.len);

		if (!close || (close + 1 < end && close[1] != ':'))
			return false;
		*host = span_of(text.at + 1, (size_t)(close - text.at) - 1);
		colon = close + 1 < end ? close + 1 : NULL;
	} else {
		colon = memchr(text.at, ':', text.len);
		*host = span_of(text.at, colon ? (size_t)(colon - text.at) : text.len);
	}
	if (colon)
		*port = span_of(colon + 1, (size_t)(end - colon) - 1);
	return true;
}

static bool is_literal(int family, const char *host)
{
	struct in6_addr binary;

	return inet_pton(family, host, &binary) == 1;
}

static enum wsb_err refuse(const char **why, const char *sentence)
{
	*why = sentence;
	return WSB_EINVAL;
}

static enum wsb_err unix_parse(struct arena *arena, struct span text, struct address *out,
			       const char **why)
{
	struct span path = span_of(text.at + 5, text.len - 5);

	if (path.len == 0)
		return refuse(why, shape);
	if (path.len > UNIX_PATH_BYTES_MAX)
		return refuse(why, "a Unix socket's path may have 107 bytes at most");
	out->kind = ADDRESS_UNIX;
	out->text = arena_text(arena, text);
	out->path = arena_text(arena, path);
	return out->text && out->path ? WSB_OK : WSB_ENOMEM;
}

/* What FileDescriptorName= may be: no control characters, no colon. */
static bool is_fd_name(struct span name)
{
	if (name.len == 0 || name.len > FD_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		if (!isprint((unsigned char)name.at[i]) || name.at[i] == ':')
			return false;
	}
	return true;
}

static enum wsb_err fd_parse(struct arena *arena, struct span text, struct address *out,
			     const char **why)
{
	struct span name = span_of(text.at + 3, text.len - 3);

	if (!is_fd_name(name))
		return refuse(why, "fd: must be followed by the name of a socket: 1 to 255 "
				   "printable characters without a colon");
	out->kind = ADDRESS_FD;
	out->text = arena_text(arena, text);
	out->name = arena_text(arena, name);
	return out->text && out->name ? WSB_OK : WSB_ENOMEM;
}

enum wsb_err address_parse(struct arena *arena, struct span text, struct address *out,
			   const char **why)
{
	struct address address = {.kind = ADDRESS_TCP};
	struct span host;
	struct span port;
	bool bracketed;

	*out = address;
	if (span_begins(text, "unix:"))
		return unix_parse(arena, text, out, why);
	if (span_begins(text, "fd:"))
		return fd_parse(arena, text, out, why);
	if (!split_port(text, &host, &port, &bracketed) || !port.at)
		return refuse(why, shape);
	if (!port_read(port, &address.port))
		return refuse(why, memchr(port.at, ':', port.len) ? shape : port_range);
	address.host =
		arena_text(arena, span_is(host, "localhost") ? span_text("127.0.0.1") : host);
	address.text = arena_text(arena, text);
	if (!address.host || !address.text)
		return WSB_ENOMEM;
	if (!is_literal(bracketed ? AF_INET6 : AF_INET, address.host))
		return refuse(why, shape);
	*out = address;
	return WSB_OK;
}

bool address_is_local(const struct address *address)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (address->kind != ADDRESS_TCP)
		return address->kind == ADDRESS_UNIX;
	if (inet_pton(AF_INET, address->host, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, address->host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

bool host_is_name(struct span host)
{
	if (host.len == 0 || host.len > HOST_MAX)
		return false;
	for (size_t i = 0; i < host.len; i++) {
		if (!isalnum((unsigned char)host.at[i]) && !memchr(".-_", host.at[i], 3))
			return false;
	}
	return true;
}

/* What stands in a request line must be visible ASCII: anything else could forge a header. */
static bool is_visible(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (!isgraph((unsigned char)text.at[i]))
			return false;
	}
	return true;
}

static enum wsb_err authority_parse(struct arena *arena, struct span authority,
				    struct endpoint_settings *out, const char **why)
{
	struct span host;
	struct span port;
	bool bracketed;

	if (memchr(authority.at, '@', authority.len))
		return refuse(why, "a URL cannot hold credentials: send them with `headers`");
	if (!split_port(authority, &host, &port, &bracketed) || (!bracketed && !host_is_name(host)))
		return refuse(why, "the URL's host is not a name or an address (IPv6 in brackets)");
	out->port = out->tls ? 443 : 80;
	if (port.at && !port_read(port, &out->port))
		return refuse(why, port_range);
	out->host = arena_text(arena, host);
	if (!out->host)
		return WSB_ENOMEM;
	if (bracketed && !is_literal(AF_INET6, out->host))
		return refuse(why, "the URL's host is not an IPv6 address");
	return WSB_OK;
}

static const char *path_copy(struct arena *arena, struct span path)
{
	char *copy;

	if (path.len > 0 && path.at[0] == '/')
		return arena_text(arena, path);
	copy = arena_alloc(arena, 1, path.len + 2);
	if (copy) {
		copy[0] = '/';
		if (path.len > 0)
			memcpy(copy + 1, path.at, path.len);
	}
	return copy;
}

enum wsb_err endpoint_url_parse(struct arena *arena, struct span text,
				struct endpoint_settings *out, const char **why)
{
	bool tls = span_begins(text, "wss://");
	struct span rest;
	size_t len = 0;
	enum wsb_err err;

	if (!tls && !span_begins(text, "ws://"))
		return refuse(why, "the URL must begin with ws:// or wss://");
	if (!is_visible(text))
		return refuse(why, "the URL holds a space or a character beyond ASCII: use %XX");
	if (memchr(text.at, '#', text.len))
		return refuse(why, "the URL of a WebSocket has no #fragment");
	rest = span_of(text.at + (tls ? 6 : 5), text.len - (tls ? 6 : 5));
	while (len < rest.len && rest.at[len] != '/' && rest.at[len] != '?')
		len++;
	out->tls = tls;
	err = authority_parse(arena, span_of(rest.at, len), out, why);
	if (err != WSB_OK)
		return err;
	out->url = arena_text(arena, text);
	out->path = path_copy(arena, span_of(rest.at + len, rest.len - len));
	return out->url && out->path ? WSB_OK : WSB_ENOMEM;
}

const char *endpoint_default_name(struct arena *arena, const struct endpoint_settings *endpoint)
{
	bool brackets = strchr(endpoint->host, ':') != NULL;
	char name[300];
	int len = snprintf(name, sizeof(name), "%s%s%s:%u", brackets ? "[" : "", endpoint->host,
			   brackets ? "]" : "", (unsigned int)endpoint->port);

	return arena_text(arena, span_of(name, (size_t)len));
}
