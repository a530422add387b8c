#include "broker/pool/endpoint.h"

#include <stdlib.h>
#include <string.h>
#include "broker/pool/pool.h"

/* The settings and their texts in one block, since an endpoint may outlive the configuration that
 * named it, or never have stood in one. */
static struct endpoint_settings *copy_settings(const struct endpoint_settings *settings)
{
	const char *const texts[] = {settings->name, settings->url, settings->host, settings->path,
				     settings->address ? settings->address : ""};
	const size_t count = sizeof(texts) / sizeof(texts[0]);
	const char *copies[sizeof(texts) / sizeof(texts[0])];
	size_t bytes = sizeof(*settings);
	struct endpoint_settings *copy;
	char *at;

	for (size_t i = 0; i < count; i++)
		bytes += strlen(texts[i]) + 1;
	copy = malloc(bytes);
	if (!copy)
		return NULL;
	*copy = *settings;
	at = (char *)(copy + 1);
	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(texts[i]) + 1;

		copies[i] = memcpy(at, texts[i], len);
		at += len;
	}
	copy->name = copies[0];
	copy->url = copies[1];
	copy->host = copies[2];
	copy->path = copies[3];
	copy->address = settings->address ? copies[4] : NULL;
	return copy;
}

struct endpoint *endpoint_create(struct pool *pool, const struct endpoint_settings *settings,
				 uint64_t now_us)
{
	struct endpoint *endpoint = calloc(1, sizeof(*endpoint));

	if (!endpoint)
		return NULL;
	endpoint->settings = copy_settings(settings);
	if (!endpoint->settings) {
		free(endpoint);
		return NULL;
	}
	endpoint->pool = pool;
	endpoint->weight = settings->weight;
	endpoint->wish = settings->wish;
	endpoint->since_us = now_us;
	endpoint->cause = "wanted";
	return endpoint;
}

void endpoint_destroy(struct endpoint *endpoint)
{
	if (!endpoint)
		return;
	endpoint_admit_all(endpoint);
	free(endpoint->refused);
	free((void *)endpoint->settings);
	free(endpoint);
}

enum wsb_err endpoint_refuse(struct endpoint *endpoint, const char *address)
{
	char **refused;

	if (endpoint_refuses(endpoint, address))
		return WSB_OK;
	refused = realloc(endpoint->refused,
			  (endpoint->refused_count + 1) * sizeof(endpoint->refused[0]));
	if (!refused)
		return WSB_ENOMEM;
	endpoint->refused = refused;
	refused[endpoint->refused_count] = strdup(address);
	if (!refused[endpoint->refused_count])
		return WSB_ENOMEM;
	endpoint->refused_count++;
	return WSB_OK;
}

bool endpoint_refuses(const struct endpoint *endpoint, const char *address)
{
	for (size_t i = 0; i < endpoint->refused_count; i++)
		if (strcmp(endpoint->refused[i], address) == 0)
			return true;
	return false;
}

bool endpoint_admit(struct endpoint *endpoint, const char *address)
{
	for (size_t i = 0; i < endpoint->refused_count; i++) {
		if (strcmp(endpoint->refused[i], address) != 0)
			continue;
		free(endpoint->refused[i]);
		endpoint->refused[i] = endpoint->refused[--endpoint->refused_count];
		return true;
	}
	return false;
}

void endpoint_admit_all(struct endpoint *endpoint)
{
	while (endpoint->refused_count > 0)
		free(endpoint->refused[--endpoint->refused_count]);
}

bool endpoint_is_up(const struct endpoint *endpoint)
{
	if (endpoint->pool->settings->tunnels)
		return !endpoint->down;
	return endpoint->ready > 0;
}
