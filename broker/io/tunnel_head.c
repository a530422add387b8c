#include "broker/io/tunnel_head.h"

#include <string.h>
#include "broker/io/dial_headers.h"
#include "broker/io/http_text.h"
#include "broker/io/upgrade.h"

#define POOL_HEADERS_MAX ((size_t)16 * 1024)

/* What concerns one connection only (RFC 9110, section 7.6.1), and what is written anew. */
static const char *const left_out[] = {
	"host",
	"connection",
	"upgrade",
	"keep-alive",
	"proxy-connection",
	"proxy-authenticate",
	"proxy-authorization",
	"te",
	"trailer",
	"transfer-encoding",
	"content-length",
	"expect",
	"x-forwarded-for",
	"x-forwarded-proto",
	"x-forwarded-host",
};

static bool is_of_pool(const struct pool_settings *pool, struct span name)
{
	for (size_t i = 0; i < pool->header_count; i++)
		if (http_equals(name, pool->headers[i].name))
			return true;
	return false;
}

/* Whether Connection names it, so that it ends here. http_lists wants a terminated word. */
static bool is_named(struct span connection, struct span name)
{
	char word[64];

	if (!connection.at || name.len >= sizeof(word))
		return false;
	memcpy(word, name.at, name.len);
	word[name.len] = '\0';
	return http_lists(connection, word);
}

static bool goes_on(const struct http_head *head, const struct tunnel_origin *origin,
		    const struct pool_settings *pool, struct span name)
{
	for (size_t i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++)
		if (http_equals(name, left_out[i]))
			return false;
	if (origin->authenticated && http_equals(name, "authorization"))
		return false;
	return !is_of_pool(pool, name) && !is_named(head->connection, name);
}

static void add_line(struct strbuf *out, const char *name, struct span value)
{
	strbuf_printf(out, "%s: ", name);
	strbuf_add(out, value);
	strbuf_text(out, "\r\n");
}

/* The query without the parameter that held a credential. */
static void add_query(struct strbuf *out, struct span query, const char *secret)
{
	size_t secret_len = secret ? strlen(secret) : 0;
	const char *separator = "?";

	while (query.at && query.len > 0) {
		const char *end = memchr(query.at, '&', query.len);
		struct span pair = span_of(query.at, end ? (size_t)(end - query.at) : query.len);

		query = end ? span_of(end + 1, query.len - pair.len - 1) : span_of("", 0);
		if (secret && span_begins(pair, secret) && pair.len > secret_len &&
		    pair.at[secret_len] == '=')
			continue;
		strbuf_text(out, separator);
		strbuf_add(out, pair);
		separator = "&";
	}
}

static void add_target(struct strbuf *out, const struct http_head *head,
		       const struct tunnel_origin *origin)
{
	const char *question = memchr(head->target.at, '?', head->target.len);
	size_t path_len = question ? (size_t)(question - head->target.at) : head->target.len;

	/* In the absolute form a query may stand behind the host at once. */
	if (path_len == 0)
		strbuf_text(out, "/");
	if (!origin->authenticated || !origin->auth_query) {
		strbuf_add(out, head->target);
		return;
	}
	strbuf_add(out, span_of(head->target.at, path_len));
	add_query(out, head->query, origin->auth_query);
}

static void add_forwarded(struct strbuf *out, const struct http_head *head,
			  const struct tunnel_origin *origin, struct span forwarded_for)
{
	if (forwarded_for.len > 0 || origin->peer[0]) {
		strbuf_text(out, "X-Forwarded-For: ");
		strbuf_add(out, forwarded_for);
		if (forwarded_for.len > 0 && origin->peer[0])
			strbuf_text(out, ", ");
		strbuf_text(out, origin->peer);
		strbuf_text(out, "\r\n");
	}
	add_line(out, "X-Forwarded-Proto", span_text(origin->tls ? "https" : "http"));
	if (head->host.len > 0)
		add_line(out, "X-Forwarded-Host", head->host);
}

void tunnel_head_begin(struct strbuf *out, const struct http_head *head,
		       const struct tunnel_origin *origin, const struct pool_settings *pool)
{
	struct span forwarded_for = span_of("", 0);
	struct span lines = head->lines;

	strbuf_text(out, "GET ");
	add_target(out, head, origin);
	strbuf_text(out, " HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n");
	while (lines.len > 0) {
		struct span line = http_take_line(&lines);
		struct span name, value;

		if (!http_split_header(line, &name, &value))
			continue;
		if (http_equals(name, "x-forwarded-for"))
			forwarded_for = value;
		if (!goes_on(head, origin, pool, name))
			continue;
		strbuf_add(out, line);
		strbuf_text(out, "\r\n");
	}
	add_forwarded(out, head, origin, forwarded_for);
}

enum wsb_err tunnel_head_finish(struct strbuf *out, struct span begun, const char *host,
				const struct pool_settings *pool)
{
	char headers[POOL_HEADERS_MAX];
	char *end = headers;
	enum wsb_err err = dial_headers_append(pool, &end, sizeof(headers));

	if (err)
		return err;
	strbuf_add(out, begun);
	if (!is_of_pool(pool, span_text("host")))
		add_line(out, "Host", span_text(host));
	strbuf_add(out, span_of(headers, (size_t)(end - headers)));
	strbuf_text(out, "\r\n");
	return out->failed ? WSB_ENOMEM : WSB_OK;
}

/* A length that is no number counts as none: the body ends with the connection. */
static void read_length(struct tunnel_answer *answer, struct span text)
{
	answer->has_length = text.len > 0;
	for (size_t i = 0; i < text.len; i++) {
		unsigned int digit = (unsigned int)(text.at[i] - '0');

		if (digit > 9 ||
		    __builtin_mul_overflow(answer->content_length, 10, &answer->content_length) ||
		    __builtin_add_overflow(answer->content_length, digit, &answer->content_length))
			answer->has_length = false;
	}
}

void tunnel_head_read(struct tunnel_answer *answer, struct span head)
{
	*answer = (struct tunnel_answer){.status = upgrade_read_status(http_take_line(&head))};
	while (head.len > 0) {
		struct span line = http_take_line(&head);
		struct span name, value;

		if (line.len == 0)
			break;
		if (!http_split_header(line, &name, &value)) {
			answer->status = 0;
			return;
		}
		if (http_equals(name, "upgrade"))
			answer->websocket = http_lists(value, "websocket");
		else if (http_equals(name, "content-length"))
			read_length(answer, value);
	}
	answer->websocket = answer->websocket && answer->status == 101;
}

void tunnel_head_decline(struct strbuf *out, struct span head)
{
	struct span rest = head;

	strbuf_add(out, http_take_line(&rest));
	strbuf_text(out, "\r\n");
	while (rest.len > 0) {
		struct span line = http_take_line(&rest);
		struct span name, value;

		if (!http_split_header(line, &name, &value) || http_equals(name, "connection") ||
		    http_equals(name, "keep-alive"))
			continue;
		strbuf_add(out, line);
		strbuf_text(out, "\r\n");
	}
	strbuf_text(out, "Connection: close\r\n\r\n");
}
