#include "broker/io/dial_headers.h"

#include <libwebsockets.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "common/span.h"

#define PORT_PLAIN 80
#define PORT_TLS   443

#define CREDENTIALS_MAX 256

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

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* user:password as it stands before the @ of the URL's authority, percent-decoded. */
static bool read_credentials(const char *url, char out[CREDENTIALS_MAX])
{
	const char *from = strstr(url, "://");
	const char *end;
	const char *at;
	size_t len = 0;

	if (!from)
		return false;
	from += strlen("://");
	end = from + strcspn(from, "/?#");
	at = memrchr(from, '@', (size_t)(end - from));
	if (!at)
		return false;
	for (; from < at && len < CREDENTIALS_MAX - 1; from++) {
		int high = *from == '%' && at - from > 2 ? hex_value(from[1]) : -1;
		int low = high >= 0 ? hex_value(from[2]) : -1;

		if (low >= 0) {
			out[len++] = (char)(high << 4 | low);
			from += 2;
		} else {
			out[len++] = *from;
		}
	}
	out[len] = '\0';
	return from == at;
}

static enum wsb_err append_authorization(const char *url, char **at, size_t *room)
{
	char credentials[CREDENTIALS_MAX];
	char value[sizeof("Basic ") + CREDENTIALS_MAX * 4 / 3 + 4] = "Basic ";
	size_t scheme_len = strlen(value);

	if (!read_credentials(url, credentials))
		return WSB_OK;
	if (lws_b64_encode_string(credentials, (int)strlen(credentials), value + scheme_len,
				  (int)(sizeof(value) - scheme_len)) < 0)
		return WSB_ELIMIT;
	return append_line(at, room, "Authorization", value);
}

enum wsb_err dial_headers_append(const struct pool_settings *pool,
				 const struct endpoint_settings *endpoint, char **at, size_t room)
{
	bool authorized = false;

	for (size_t i = 0; i < pool->header_count; i++) {
		const struct header_setting *header = &pool->headers[i];
		enum wsb_err err = append_line(at, &room, header->name, header->value);

		if (err)
			return err;
		authorized = authorized || strcasecmp(header->name, "Authorization") == 0;
	}
	return authorized ? WSB_OK : append_authorization(endpoint->url, at, &room);
}
