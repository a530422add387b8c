#include "broker/io/http_head.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* The library copies these headers into buffers of its own. */
#define LIST_BYTES_MAX	   126
#define PROTOCOL_BYTES_MAX 63
#define KEY_BYTES_MAX	   127

static const char *const method_names[] = {
	[LWSHUMETH_GET] = "GET",	 [LWSHUMETH_POST] = "POST",
	[LWSHUMETH_OPTIONS] = "OPTIONS", [LWSHUMETH_PUT] = "PUT",
	[LWSHUMETH_PATCH] = "PATCH",	 [LWSHUMETH_DELETE] = "DELETE",
	[LWSHUMETH_CONNECT] = "CONNECT", [LWSHUMETH_HEAD] = "HEAD",
};

/* A header that was sent more than once is joined by the library. */
static struct span copy_header(struct http_head *head, struct lws *wsi,
			       enum lws_token_indexes token)
{
	char *at = head->text + head->used;
	int room = (int)(sizeof(head->text) - head->used);
	int len;

	if (lws_hdr_total_length(wsi, token) <= 0)
		return span_of(NULL, 0);
	len = lws_hdr_copy(wsi, at, room, token);
	if (len < 0)
		return span_of(NULL, 0);
	head->used += (size_t)len + 1;
	return span_of(at, (size_t)len);
}

/* The library has cut the query at its ampersands and decoded each part: they are put together
 * again so that whoever decodes it gets what was meant. */
static struct span copy_query(struct http_head *head, struct lws *wsi)
{
	char part[WS_HEAD_BYTES_MAX];
	char *from = head->text + head->used;
	char *end = head->text + sizeof(head->text) - 1;
	char *at = from;
	int len;

	if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_URI_ARGS) <= 0)
		return span_of(NULL, 0);
	for (int i = 0; (len = lws_hdr_copy_fragment(wsi, part, sizeof(part),
						     WSI_TOKEN_HTTP_URI_ARGS, i)) >= 0;
	     i++) {
		if (i > 0 && at < end)
			*at++ = '&';
		for (int j = 0; j < len && end - at > 3; j++) {
			if (strchr("%&+#", part[j]))
				at += snprintf(at, 4, "%%%02X", (unsigned char)part[j]);
			else
				*at++ = part[j];
		}
	}
	head->used += (size_t)(at - from);
	return span_of(from, (size_t)(at - from));
}

static enum wsb_err read_length(struct http_head *head, struct span text)
{
	if (!text.at)
		return WSB_OK;
	if (text.len == 0)
		return WSB_EPARSE;
	for (size_t i = 0; i < text.len; i++) {
		unsigned int digit = (unsigned int)(text.at[i] - '0');

		if (digit > 9 ||
		    __builtin_mul_overflow(head->content_length, 10, &head->content_length) ||
		    __builtin_add_overflow(head->content_length, digit, &head->content_length))
			return WSB_EPARSE;
	}
	head->has_length = true;
	return WSB_OK;
}

enum wsb_err http_head_read(struct http_head *head, struct lws *wsi)
{
	char *uri;
	int uri_len;
	int method = lws_http_get_uri_and_method(wsi, &uri, &uri_len);

	memset(head, 0, offsetof(struct http_head, text));
	if (method < 0 || method >= (int)(sizeof(method_names) / sizeof(method_names[0])) ||
	    !method_names[method])
		return WSB_EPARSE;
	head->method = span_text(method_names[method]);
	head->path = span_of(uri, (size_t)uri_len);
	head->query = copy_query(head, wsi);
	head->host = copy_header(head, wsi, WSI_TOKEN_HOST);
	head->origin = copy_header(head, wsi, WSI_TOKEN_ORIGIN);
	head->authorization = copy_header(head, wsi, WSI_TOKEN_HTTP_AUTHORIZATION);
	head->connection = copy_header(head, wsi, WSI_TOKEN_CONNECTION);
	head->content_type = copy_header(head, wsi, WSI_TOKEN_HTTP_CONTENT_TYPE);
	head->transfer_encoding = copy_header(head, wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING);
	head->expect = copy_header(head, wsi, WSI_TOKEN_HTTP_EXPECT);
	head->version = copy_header(head, wsi, WSI_TOKEN_VERSION);
	head->key = copy_header(head, wsi, WSI_TOKEN_KEY);
	head->protocols = copy_header(head, wsi, WSI_TOKEN_PROTOCOL);
	return read_length(head, copy_header(head, wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH));
}

/* The next element of a comma-separated list, without the blanks around it. */
static bool next_element(struct span *list, struct span *element)
{
	const char *comma;
	size_t len;

	if (list->len == 0)
		return false;
	comma = memchr(list->at, ',', list->len);
	len = comma ? (size_t)(comma - list->at) : list->len;
	*element = span_of(list->at, len);
	list->at += comma ? len + 1 : len;
	list->len -= comma ? len + 1 : len;
	while (element->len > 0 && (*element->at == ' ' || *element->at == '\t')) {
		element->at++;
		element->len--;
	}
	while (element->len > 0 &&
	       (element->at[element->len - 1] == ' ' || element->at[element->len - 1] == '\t'))
		element->len--;
	return true;
}

static bool list_has(struct span list, const char *word)
{
	struct span element;

	while (next_element(&list, &element)) {
		if (element.len == strlen(word) && strncasecmp(element.at, word, element.len) == 0)
			return true;
	}
	return false;
}

static bool is_token(struct span text)
{
	static const char specials[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		      memchr(specials, c, sizeof(specials) - 1)))
			return false;
	}
	return text.len > 0;
}

static bool protocols_fit(struct span list)
{
	struct span element;

	if (list.len > LIST_BYTES_MAX)
		return false;
	while (next_element(&list, &element)) {
		if (!is_token(element) || element.len > PROTOCOL_BYTES_MAX)
			return false;
	}
	return true;
}

bool http_head_fits_upgrade(const struct http_head *head, const char **why)
{
	if (head->host.len == 0)
		*why = "the Host header is missing";
	else if (head->connection.len > LIST_BYTES_MAX || !list_has(head->connection, "upgrade"))
		*why = "the Connection header does not say Upgrade";
	else if (head->key.len > KEY_BYTES_MAX)
		*why = "the Sec-WebSocket-Key header is too long";
	else if (!protocols_fit(head->protocols))
		*why = "the Sec-WebSocket-Protocol header is no list of tokens, or too long";
	else
		return true;
	return false;
}
