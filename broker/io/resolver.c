#include "broker/io/resolver.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

struct resolver_query {
	uv_getaddrinfo_t request;
	resolver_done *done; /* NULL: forgotten */
	void *context;
};

int resolver_is_address(const char *host)
{
	unsigned char bytes[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

static void add_address(struct resolver_answer *answer, const struct addrinfo *info)
{
	if (getnameinfo(info->ai_addr, info->ai_addrlen, answer->addresses[answer->count],
			RESOLVER_TEXT_MAX, NULL, 0, NI_NUMERICHOST) == 0)
		answer->count++;
}

static void on_answer(uv_getaddrinfo_t *request, int status, struct addrinfo *list)
{
	struct resolver_query *query = request->data;
	struct resolver_answer answer = {.count = 0, .error = "no address"};

	if (status < 0)
		answer.error = uv_strerror(status);
	for (const struct addrinfo *info = list; info && answer.count < RESOLVER_ADDRESSES_MAX;
	     info = info->ai_next)
		add_address(&answer, info);
	uv_freeaddrinfo(list);
	if (query->done)
		query->done(query->context, &answer);
	free(query);
}

enum wsb_err resolver_ask(struct resolver_query **out, uv_loop_t *loop, const char *host,
			  resolver_done *done, void *context)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
	struct resolver_query *query = malloc(sizeof(*query));

	*out = NULL;
	if (!query)
		return WSB_ENOMEM;
	*query = (struct resolver_query){.done = done, .context = context};
	query->request.data = query;
	if (uv_getaddrinfo(loop, &query->request, on_answer, host, NULL, &hints)) {
		free(query);
		return WSB_EIO;
	}
	*out = query;
	return WSB_OK;
}

void resolver_forget(struct resolver_query *query)
{
	query->done = NULL;
	uv_cancel((uv_req_t *)&query->request);
}
