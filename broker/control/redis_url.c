#include "broker/control/redis_url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include "broker/control/address.h"
#include "common/query.h"

#define REDIS_PORT     6379
#define DATABASE_MAX   65535
#define CREDENTIAL_MAX 1024

static enum wsb_err refuse(const char **why, const char *sentence)
{
	*why = sentence;
	return WSB_EINVAL;
}

static bool database_read(struct span text, uint32_t *out)
{
	uint32_t number = 0;

	if (text.len > 5)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (!isdigit((unsigned char)text.at[i]))
			return false;
		number = number * 10 + (uint32_t)(text.at[i] - '0');
	}
	*out = number;
	return number <= DATABASE_MAX;
}

/* NULL: it is empty, longer than anything sensible, or memory has run out. */
static const char *decoded(struct arena *arena, struct span text)
{
	char room[CREDENTIAL_MAX];
	struct span plain = query_decode(text, room, sizeof(room));

	return plain.at && plain.len > 0 ? arena_text(arena, plain) : NULL;
}

/* Takes "user:password@" off the front of rest. */
static void take_credentials(struct arena *arena, struct span *rest, struct bus_url *out)
{
	const char *at = memrchr(rest->at, '@', rest->len);
	const char *colon;
	struct span both;

	if (!at)
		return;
	both = span_of(rest->at, (size_t)(at - rest->at));
	colon = memchr(both.at, ':', both.len);
	*rest = span_of(at + 1, rest->len - both.len - 1);
	if (!colon) {
		out->user = decoded(arena, both);
		return;
	}
	out->user = decoded(arena, span_of(both.at, (size_t)(colon - both.at)));
	out->password =
		decoded(arena, span_of(colon + 1, (size_t)(both.at + both.len - colon) - 1));
}

/* "?db=2", as clients write it; anything else in it would be passed over in silence. */
static bool query_read(struct span query, uint32_t *database)
{
	struct span name;
	struct span value;

	while (query_next(&query, &name, &value)) {
		if (!span_is(name, "db") || value.len == 0 || !database_read(value, database))
			return false;
	}
	return true;
}

static const char query_wrong[] = "of a query only ?db=NUMBER is understood";

static enum wsb_err unix_read(struct arena *arena, struct span rest, struct bus_url *out,
			      const char **why)
{
	const char *mark = memchr(rest.at, '?', rest.len);
	struct span path = span_of(rest.at, mark ? (size_t)(mark - rest.at) : rest.len);
	char label[UNIX_PATH_BYTES_MAX + 32];

	if (mark && !query_read(span_of(mark + 1, rest.len - path.len - 1), &out->database))
		return refuse(why, query_wrong);
	if (memrchr(path.at, '@', path.len) && path.at[0] != '/')
		take_credentials(arena, &path, out);
	if (path.len == 0 || path.at[0] != '/')
		return refuse(why, "the path of a Unix socket begins with /");
	if (path.len > UNIX_PATH_BYTES_MAX)
		return refuse(why, "a Unix socket's path may have 107 bytes at most");
	out->path = arena_text(arena, path);
	snprintf(label, sizeof(label), "unix:%.*s/%u", (int)path.len, path.at, out->database);
	out->label = arena_text(arena, span_of(label, strlen(label) - (out->database ? 0 : 2)));
	return out->path && out->label ? WSB_OK : WSB_ENOMEM;
}

/* "HOST[:PORT]" */
static enum wsb_err host_read(struct arena *arena, struct span text, struct bus_url *out,
			      const char **why)
{
	struct in6_addr binary;
	struct span host;
	struct span port;
	bool bracketed;

	out->port = REDIS_PORT;
	if (!split_port(text, &host, &port, &bracketed) || (!bracketed && !host_is_name(host)))
		return refuse(why, "the URL's host is not a name or an address (IPv6 in brackets)");
	if (port.at && !port_read(port, &out->port))
		return refuse(why, "the port must be 1 to 65535");
	out->host = arena_text(arena, host);
	if (!out->host)
		return WSB_ENOMEM;
	if (bracketed && inet_pton(AF_INET6, out->host, &binary) != 1)
		return refuse(why, "the URL's host is not an IPv6 address");
	return WSB_OK;
}

/* What may follow the host: "/2" or "?db=2". */
static bool read_tail(struct span tail, uint32_t *database)
{
	const char *mark = memchr(tail.at, '?', tail.len);
	size_t len = mark ? (size_t)(mark - tail.at) : tail.len;

	if (len > 1 && !database_read(span_of(tail.at + 1, len - 1), database))
		return false;
	return !mark || query_read(span_of(mark + 1, tail.len - len - 1), database);
}

static enum wsb_err tcp_read(struct arena *arena, struct span rest, struct bus_url *out,
			     const char **why)
{
	struct span tail;
	char label[320];
	size_t len = 0;
	enum wsb_err err;

	if (memchr(rest.at, '@', rest.len))
		take_credentials(arena, &rest, out);
	while (len < rest.len && rest.at[len] != '/' && rest.at[len] != '?')
		len++;
	tail = span_of(rest.at + len, rest.len - len);
	err = host_read(arena, span_of(rest.at, len), out, why);
	if (err)
		return err;
	if (!read_tail(tail, &out->database))
		return refuse(why, "what follows the host must be the number of a database, as in "
				   "redis://127.0.0.1:6379/0");
	snprintf(label, sizeof(label), strchr(out->host, ':') ? "[%s]:%u/%u" : "%s:%u/%u",
		 out->host, (unsigned int)out->port, out->database);
	out->label = arena_text(arena, span_text(label));
	return out->label ? WSB_OK : WSB_ENOMEM;
}

/* The rest of text behind the first of the beginnings that fits. */
static bool begins(struct span text, const char *const *beginnings, struct span *rest)
{
	for (; *beginnings; beginnings++) {
		size_t len = strlen(*beginnings);

		if (!span_begins(text, *beginnings))
			continue;
		*rest = span_of(text.at + len, text.len - len);
		return true;
	}
	return false;
}

enum wsb_err redis_url_parse(struct arena *arena, struct span text, struct bus_url *out,
			     const char **why)
{
	static const char *const tcp[] = {"redis://", NULL};
	static const char *const sockets[] = {"redis+unix://", "unix://", "unix:", NULL};
	struct bus_url url = {.host = NULL};
	struct span rest;
	enum wsb_err err;

	*out = url;
	if (span_begins(text, "rediss://"))
		return refuse(why, "TLS to Redis is not supported: the Redis library that wsbroker "
				   "is built with (hiredis 0.14) has none. Use redis:// through a "
				   "TLS tunnel such as stunnel, or a Unix socket");
	if (begins(text, tcp, &rest))
		err = tcp_read(arena, rest, &url, why);
	else if (begins(text, sockets, &rest))
		err = unix_read(arena, rest, &url, why);
	else
		return refuse(why, "the URL must begin with redis:// or redis+unix://");
	if (err == WSB_OK)
		*out = url;
	return err;
}

static void read_one(struct document *document, const struct option *option, yaml_node_t *node,
		     struct bus_settings *out)
{
	const char *why = "";
	struct span text;

	if (!document_visit(document, node) ||
	    !document_scalar(document, node, option_expected(option), &text) || text.len == 0)
		return;
	if (redis_url_parse(document->arena, text, &out->urls[out->url_count], &why) == WSB_EINVAL)
		complain(document->complaints, node_place(node), "%s", why);
	else
		out->texts[out->url_count++] = arena_text(document->arena, text);
}

void redis_urls_read(struct document *document, const struct option *option, yaml_node_t *node,
		     struct bus_settings *out)
{
	yaml_node_t *item;

	out->urls = arena_alloc(document->arena, REDIS_URLS_MAX, sizeof(*out->urls));
	out->texts = arena_alloc(document->arena, REDIS_URLS_MAX, sizeof(*out->texts));
	out->url_count = 0;
	if (!out->urls || !out->texts || (node->type == YAML_SCALAR_NODE && node_is_null(node)))
		return;
	if (node->type == YAML_SCALAR_NODE) {
		read_one(document, option, node, out);
		return;
	}
	if (node->type != YAML_SEQUENCE_NODE) {
		complain(document->complaints, node_place(node), "expected %s",
			 option_expected(option));
		return;
	}
	for (size_t i = 0; (item = document_item(document, node, i)) != NULL; i++) {
		if (out->url_count == REDIS_URLS_MAX) {
			complain(document->complaints, node_place(item), "more than %d entries",
				 REDIS_URLS_MAX);
			return;
		}
		read_one(document, option, item, out);
	}
}

void redis_urls_keep(struct arena *arena, struct bus_settings *to, const struct bus_settings *from)
{
	const char *why;

	to->urls = arena_alloc(arena, REDIS_URLS_MAX, sizeof(*to->urls));
	to->texts = arena_alloc(arena, REDIS_URLS_MAX, sizeof(*to->texts));
	to->url_count = 0;
	for (size_t i = 0; to->urls && to->texts && i < from->url_count; i++) {
		to->texts[i] = arena_text(arena, span_text(from->texts[i]));
		if (to->texts[i] &&
		    redis_url_parse(arena, span_text(to->texts[i]), &to->urls[i], &why) == WSB_OK)
			to->url_count++;
	}
}
