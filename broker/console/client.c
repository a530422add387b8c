#include "broker/console/client.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_MS 5000L
#define ANSWER_MS  10000L

struct client {
	const char *admin;
	CURL *curl;
	char error[CURL_ERROR_SIZE];
};

static size_t add_bytes(char *bytes, size_t size, size_t count, void *context)
{
	struct strbuf *body = context;

	if (size * count > CLIENT_BYTES_MAX - body->len)
		return 0;
	strbuf_add(body, span_of(bytes, size * count));
	return body->failed ? 0 : size * count;
}

enum wsb_err client_create(struct client **out, const char *admin)
{
	struct client *client;

	*out = NULL;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return WSB_ENOMEM;
	client = calloc(1, sizeof(*client));
	if (client)
		client->curl = curl_easy_init();
	if (!client || !client->curl) {
		free(client);
		curl_global_cleanup();
		return WSB_ENOMEM;
	}
	client->admin = admin;
	*out = client;
	return WSB_OK;
}

void client_destroy(struct client *client)
{
	if (!client)
		return;
	curl_easy_cleanup(client->curl);
	free(client);
	curl_global_cleanup();
}

/* "unix:PATH" names the socket; the host in the URL is for the Host header only. */
static enum wsb_err set_target(struct client *client, const char *path)
{
	bool local = strncmp(client->admin, "unix:", 5) == 0;
	const char *base = local ? "http://localhost" : client->admin;
	size_t len = strlen(base);
	struct strbuf url;
	CURLcode code = CURLE_OUT_OF_MEMORY;

	while (len > 0 && base[len - 1] == '/')
		len--;
	strbuf_init(&url);
	strbuf_add(&url, span_of(base, len));
	strbuf_text(&url, path);
	if (!url.failed)
		code = curl_easy_setopt(client->curl, CURLOPT_URL, url.text);
	if (code == CURLE_OK && local)
		code = curl_easy_setopt(client->curl, CURLOPT_UNIX_SOCKET_PATH, client->admin + 5);
	strbuf_fini(&url);
	return code == CURLE_OK ? WSB_OK : WSB_ENOMEM;
}

/* A proxy from the environment must not come between an operator and the loopback address. */
static enum wsb_err set_options(struct client *client, struct strbuf *body)
{
	CURL *curl = client->curl;
	bool done = curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->error) == CURLE_OK &&
		    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
		    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*") == CURLE_OK &&
		    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
		    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS) == CURLE_OK &&
		    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, ANSWER_MS) == CURLE_OK &&
		    curl_easy_setopt(curl, CURLOPT_USERAGENT, "wsbroker") == CURLE_OK &&
		    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, add_bytes) == CURLE_OK &&
		    curl_easy_setopt(curl, CURLOPT_WRITEDATA, body) == CURLE_OK;

	return done ? WSB_OK : WSB_ENOMEM;
}

static enum wsb_err fail(enum wsb_err err, const char *phrase, char why[CLIENT_WHY_MAX])
{
	snprintf(why, CLIENT_WHY_MAX, "%s", phrase);
	return err;
}

/* What the system said of a connection is shorter than curl's words, which name a host that a Unix
 * socket does not have. */
static const char *phrase_of(struct client *client, CURLcode code)
{
	long reason = 0;

	if (code == CURLE_COULDNT_CONNECT &&
	    curl_easy_getinfo(client->curl, CURLINFO_OS_ERRNO, &reason) == CURLE_OK && reason != 0)
		return strerror((int)reason);
	return client->error[0] ? client->error : curl_easy_strerror(code);
}

enum wsb_err client_get(struct client *client, const char *path, long *status, struct strbuf *body,
			char why[CLIENT_WHY_MAX])
{
	CURLcode code;

	client->error[0] = '\0';
	if (set_target(client, path) != WSB_OK || set_options(client, body) != WSB_OK)
		return fail(WSB_ENOMEM, "out of memory", why);
	code = curl_easy_perform(client->curl);
	if (body->failed)
		return fail(WSB_ENOMEM, "out of memory", why);
	if (code == CURLE_WRITE_ERROR)
		return fail(WSB_ELIMIT, "the answer is too long", why);
	if (code != CURLE_OK)
		return fail(WSB_EUNAVAIL, phrase_of(client, code), why);
	if (curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, status) != CURLE_OK)
		return fail(WSB_ENOMEM, "out of memory", why);
	return WSB_OK;
}
