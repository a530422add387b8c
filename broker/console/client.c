#include "broker/console/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_MS 5000L
#define ANSWER_MS  10000L
/* A stream is never as silent as that: the broker breaks the silence three times as often. */
#define SILENCE_S 45L

struct client {
	const char *admin;
	CURL *curl;
	struct curl_slist *headers; /* of the request under way */
	char *authorization;	    /* a header; NULL: none */
	char error[CURL_ERROR_SIZE];
	bool ended; /* by whoever got the pieces */
};

/* Where the bytes of an answer go. */
struct sink {
	struct client *client;
	const struct client_request *request;
	struct strbuf *body;
};

static size_t add_bytes(char *bytes, size_t size, size_t count, void *context)
{
	struct sink *sink = context;
	struct span piece = span_of(bytes, size * count);
	long status = 0;

	if (sink->request->piece &&
	    curl_easy_getinfo(sink->client->curl, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK &&
	    status == 200) {
		sink->client->ended = !sink->request->piece(sink->request->context, piece);
		return sink->client->ended ? 0 : piece.len;
	}
	if (piece.len > CLIENT_BYTES_MAX - sink->body->len)
		return 0;
	strbuf_add(sink->body, piece);
	return sink->body->failed ? 0 : piece.len;
}

static char *authorization_of(const char *token)
{
	size_t size = strlen(token) + sizeof("Authorization: Bearer ");
	char *header = malloc(size);

	if (header)
		snprintf(header, size, "Authorization: Bearer %s", token);
	return header;
}

enum wsb_err client_create(struct client **out, const char *admin, const char *token)
{
	struct client *client;

	*out = NULL;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return WSB_ENOMEM;
	client = calloc(1, sizeof(*client));
	if (client) {
		client->curl = curl_easy_init();
		client->authorization = token ? authorization_of(token) : NULL;
	}
	if (!client || !client->curl || (token && !client->authorization)) {
		client_destroy(client);
		if (!client)
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
	curl_slist_free_all(client->headers);
	free(client->authorization);
	free(client);
	curl_global_cleanup();
}

const char *client_admin(const struct client *client)
{
	return client->admin;
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

static bool add_header(struct client *client, const char *header)
{
	struct curl_slist *list = curl_slist_append(client->headers, header);

	if (list)
		client->headers = list;
	return list != NULL;
}

static bool set_headers(struct client *client, const struct client_request *request)
{
	char line[128];

	curl_slist_free_all(client->headers);
	client->headers = NULL;
	if (client->authorization && !add_header(client, client->authorization))
		return false;
	if (request->body && !add_header(client, "Content-Type: application/json"))
		return false;
	if (request->piece && !add_header(client, "Accept: text/event-stream"))
		return false;
	if (request->last_event_id) {
		snprintf(line, sizeof(line), "Last-Event-ID: %s", request->last_event_id);
		if (!add_header(client, line))
			return false;
	}
	return curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, client->headers) == CURLE_OK;
}

static bool set_method(CURL *curl, const struct client_request *request)
{
	return curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method) == CURLE_OK &&
	       (!request->body ||
		curl_easy_setopt(curl, CURLOPT_COPYPOSTFIELDS, request->body) == CURLE_OK);
}

/* A proxy from the environment must not come between an operator and the loopback address. */
static bool set_options(struct client *client, const struct client_request *request,
			struct sink *sink)
{
	CURL *curl = client->curl;
	long answer_ms = request->piece ? 0 : ANSWER_MS;
	long silence_s = request->piece ? SILENCE_S : 0;

	return set_headers(client, request) && set_method(curl, request) &&
	       curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->error) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_NOPROXY, "*") == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, answer_ms) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, silence_s) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_USERAGENT, "wsbroker") == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, add_bytes) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_WRITEDATA, sink) == CURLE_OK;
}

static enum wsb_err fail(enum wsb_err err, const char *phrase, char why[CLIENT_WHY_MAX])
{
	snprintf(why, CLIENT_WHY_MAX, "%s", phrase);
	return err;
}

/* What the system said of a connection; 0: nothing. */
static int reason_of(struct client *client, CURLcode code)
{
	long reason = 0;

	if (code == CURLE_COULDNT_CONNECT)
		curl_easy_getinfo(client->curl, CURLINFO_OS_ERRNO, &reason);
	return (int)reason;
}

/* The system's words are shorter than curl's, which name a host that a Unix socket does not have.
 */
static enum wsb_err fail_to_reach(struct client *client, CURLcode code, char why[CLIENT_WHY_MAX])
{
	int reason = reason_of(client, code);

	if (reason != 0)
		return fail(reason == EACCES || reason == EPERM ? WSB_EDENIED : WSB_EUNAVAIL,
			    strerror(reason), why);
	return fail(WSB_EUNAVAIL, client->error[0] ? client->error : curl_easy_strerror(code), why);
}

enum wsb_err client_ask(struct client *client, const struct client_request *request, long *status,
			struct strbuf *body, char why[CLIENT_WHY_MAX])
{
	struct sink sink = {.client = client, .request = request, .body = body};
	CURLcode code;

	client->ended = false;
	client->error[0] = '\0';
	curl_easy_reset(client->curl);
	if (set_target(client, request->path) != WSB_OK || !set_options(client, request, &sink))
		return fail(WSB_ENOMEM, "out of memory", why);
	code = curl_easy_perform(client->curl);
	if (body->failed)
		return fail(WSB_ENOMEM, "out of memory", why);
	if (code == CURLE_WRITE_ERROR && !client->ended)
		return fail(WSB_ELIMIT, "the answer is too long", why);
	if (code != CURLE_OK && !client->ended)
		return fail_to_reach(client, code, why);
	if (curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, status) != CURLE_OK)
		return fail(WSB_ENOMEM, "out of memory", why);
	return WSB_OK;
}
