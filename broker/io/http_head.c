#include "broker/io/http_head.h"

#include <string.h>
#include <strings.h>
#include "broker/io/http_text.h"

static enum wsb_err refuse(struct http_fault *fault, int status, const char *why)
{
	*fault = (struct http_fault){.status = status, .why = why};
	return WSB_EPARSE;
}

struct field {
	const char *name;
	size_t at;    /* of its span in the head */
	bool is_list; /* may be sent in parts */
};

#define FIELD(name, member, is_list)                                                               \
	{                                                                                          \
		(name), offsetof(struct http_head, member), (is_list)                              \
	}

static const struct field fields[] = {
	FIELD("host", host, false),
	FIELD("origin", origin, false),
	FIELD("authorization", authorization, false),
	FIELD("connection", connection, true),
	FIELD("upgrade", upgrade, true),
	FIELD("content-type", content_type, false),
	FIELD("content-length", content_length_text, false),
	FIELD("transfer-encoding", transfer_encoding, true),
	FIELD("expect", expect, false),
	FIELD("accept", accept, true),
	FIELD("last-event-id", last_event_id, false),
	FIELD("sec-websocket-version", version, false),
	FIELD("sec-websocket-key", key, false),
	FIELD("sec-websocket-protocol", protocols, true),
	FIELD("sec-websocket-extensions", extensions, true),
};

static const struct field *find_field(struct span name)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (http_equals(name, fields[i].name))
			return &fields[i];
	}
	return NULL;
}

static enum wsb_err join(struct http_head *head, struct span *list, struct span part,
			 struct http_fault *fault)
{
	char *at = head->joined + head->joined_len;

	if (list->len + 1 + part.len > sizeof(head->joined) - head->joined_len)
		return refuse(fault, 431, "a header in too many parts");
	memcpy(at, list->at, list->len);
	at[list->len] = ',';
	memcpy(at + list->len + 1, part.at, part.len);
	*list = span_of(at, list->len + 1 + part.len);
	head->joined_len += list->len;
	return WSB_OK;
}

static enum wsb_err read_header(struct http_head *head, struct span line, struct http_fault *fault)
{
	const struct field *field;
	struct span name, value;
	struct span *place;

	if (!http_split_header(line, &name, &value))
		return refuse(fault, 400, "a header line cannot be read");
	field = find_field(name);
	if (!field)
		return WSB_OK;
	place = (struct span *)((char *)head + field->at);
	if (!place->at)
		*place = value;
	else if (field->is_list)
		return join(head, place, value, fault);
	else
		return refuse(fault, 400, "a header that may be sent once was sent twice");
	return WSB_OK;
}

static enum wsb_err read_headers(struct http_head *head, struct http_fault *fault)
{
	struct span lines = head->lines;

	while (lines.len > 0) {
		enum wsb_err err = read_header(head, http_take_line(&lines), fault);

		if (err)
			return err;
	}
	return WSB_OK;
}

static enum wsb_err read_length(struct http_head *head, struct http_fault *fault)
{
	static const char why[] = "the Content-Length is no number";
	struct span text = head->content_length_text;

	if (!text.at)
		return WSB_OK;
	if (text.len == 0)
		return refuse(fault, 400, why);
	for (size_t i = 0; i < text.len; i++) {
		unsigned int digit = (unsigned int)(text.at[i] - '0');

		if (digit > 9 ||
		    __builtin_mul_overflow(head->content_length, 10, &head->content_length) ||
		    __builtin_add_overflow(head->content_length, digit, &head->content_length))
			return refuse(fault, 400, why);
	}
	head->has_length = true;
	return WSB_OK;
}

static int hex_digit(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	digit = (char)(digit | 0x20);
	return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* One character of a path with escapes; -1: none that can be read. */
static int take_char(struct span *path)
{
	int byte = (unsigned char)path->at[0];
	size_t len = 1;

	if (byte == '%') {
		int high = path->len > 2 ? hex_digit(path->at[1]) : -1;
		int low = path->len > 2 ? hex_digit(path->at[2]) : -1;

		if (high < 0 || low < 0)
			return -1;
		byte = high * 16 + low;
		len = 3;
	}
	*path = span_of(path->at + len, path->len - len);
	return byte < ' ' || byte == 0x7f ? -1 : byte;
}

static enum wsb_err decode_path(struct http_head *head, struct http_fault *fault)
{
	struct span left = head->path;
	size_t len = 0;

	if (!memchr(left.at, '%', left.len))
		return WSB_OK;
	while (left.len > 0) {
		int byte = take_char(&left);

		if (byte < 0)
			return refuse(fault, 400, "the path has an escape that cannot be read");
		if (len == sizeof(head->decoded))
			return refuse(fault, 414, "the path is too long");
		head->decoded[len++] = (char)byte;
	}
	head->path = span_of(head->decoded, len);
	return WSB_OK;
}

/* The absolute form, as one asks a proxy: its host counts, not that of the Host header (RFC 9112,
 * section 3.2.2). Anything else is left as it is. */
static struct span cut_authority(struct span target, struct span *authority)
{
	static const char *const schemes[] = {"http://", "https://", "ws://", "wss://"};

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		size_t len = strlen(schemes[i]);
		size_t end = len;

		if (target.len < len || strncasecmp(target.at, schemes[i], len) != 0)
			continue;
		while (end < target.len && target.at[end] != '/' && target.at[end] != '?')
			end++;
		*authority = span_of(target.at + len, end - len);
		return span_of(target.at + end, target.len - end);
	}
	return target;
}

/* A target without a path, but with a query, means the root. */
static enum wsb_err read_target(struct http_head *head, struct span target, struct span *authority,
				struct http_fault *fault)
{
	const char *question;

	for (size_t i = 0; i < target.len; i++) {
		if ((unsigned char)target.at[i] <= ' ' || target.at[i] == 0x7f)
			return refuse(fault, 400, "the request target cannot be read");
	}
	target = cut_authority(target, authority);
	if (target.len == 0 && authority->at)
		target = span_text("/");
	question = memchr(target.at, '?', target.len);
	head->target = target;
	head->path = span_of(target.at, question ? (size_t)(question - target.at) : target.len);
	if (question)
		head->query = span_of(question + 1, target.len - head->path.len - 1);
	if (head->path.len == 0 && authority->at)
		head->path = span_text("/");
	if (head->path.at[0] != '/' && !(span_is(target, "*") && span_is(head->method, "OPTIONS")))
		return refuse(fault, 400, "the request target is no path");
	return decode_path(head, fault);
}

static enum wsb_err read_version(struct http_head *head, struct span version,
				 struct http_fault *fault)
{
	if (version.len != strlen("HTTP/1.1") || !span_begins(version, "HTTP/") ||
	    version.at[6] != '.' || version.at[7] < '0' || version.at[7] > '9')
		return refuse(fault, 400, "the request line cannot be read");
	if (version.at[5] != '1')
		return refuse(fault, 505, "HTTP/1.1 is spoken here");
	head->is_1_0 = version.at[7] == '0';
	return WSB_OK;
}

/* Method, target and version, with one blank between them. */
static enum wsb_err read_request_line(struct http_head *head, struct span line,
				      struct span *authority, struct http_fault *fault)
{
	const char *first = memchr(line.at, ' ', line.len);
	const char *second =
		first ? memchr(first + 1, ' ', line.len - (size_t)(first + 1 - line.at)) : NULL;
	enum wsb_err err;

	if (!second)
		return refuse(fault, 400, "the request line cannot be read");
	head->method = span_of(line.at, (size_t)(first - line.at));
	if (!http_is_token(head->method))
		return refuse(fault, 400, "the method cannot be read");
	err = read_version(head, span_of(second + 1, (size_t)(line.at + line.len - second - 1)),
			   fault);
	if (err)
		return err;
	return read_target(head, span_of(first + 1, (size_t)(second - first - 1)), authority,
			   fault);
}

static enum wsb_err check_body(const struct http_head *head, struct http_fault *fault)
{
	if (head->transfer_encoding.at && head->has_length)
		return refuse(fault, 400, "both Content-Length and Transfer-Encoding");
	if (head->transfer_encoding.at && head->is_1_0)
		return refuse(fault, 400, "Transfer-Encoding is not of HTTP/1.0");
	return WSB_OK;
}

enum wsb_err http_head_read(struct http_head *head, struct span text, struct http_fault *fault)
{
	struct span authority = {0};
	struct span line;
	enum wsb_err err;

	memset(head, 0, offsetof(struct http_head, decoded));
	/* Some clients end the body before with a line end too many. */
	while (text.len > 2 && span_begins(text, "\r\n"))
		http_take_line(&text);
	line = http_take_line(&text);
	head->lines = span_of(text.at, text.len >= 2 ? text.len - 2 : 0);
	err = read_request_line(head, line, &authority, fault);
	if (!err)
		err = read_headers(head, fault);
	if (!err)
		err = read_length(head, fault);
	if (!err)
		err = check_body(head, fault);
	if (err)
		return err;
	if (!head->host.at && !head->is_1_0)
		return refuse(fault, 400, "the Host header is missing");
	if (authority.at)
		head->host = authority;
	head->keeps_alive = !head->is_1_0 && !http_lists(head->connection, "close");
	return WSB_OK;
}

bool http_head_may_begin(struct span bytes)
{
	return bytes.len == 0 || bytes.at[0] == '\r' || http_is_token(span_of(bytes.at, 1));
}

bool http_head_wants_websocket(const struct http_head *head)
{
	return http_lists(head->upgrade, "websocket");
}

bool http_head_fits_upgrade(const struct http_head *head, const char **why)
{
	if (head->is_1_0)
		*why = "a WebSocket is asked for with HTTP/1.1";
	else if (!http_lists(head->connection, "upgrade"))
		*why = "the Connection header does not say Upgrade";
	else if (http_head_has_body(head))
		*why = "a request for a WebSocket has no body";
	else
		return true;
	return false;
}
