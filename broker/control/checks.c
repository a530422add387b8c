#include "broker/control/checks.h"

#include <stdio.h>
#include <string.h>
#include "broker/control/address.h"
#include "broker/control/cache_checks.h"
#include "broker/control/pool_refs.h"
#include "broker/control/reader.h"
#include "proto/path.h"

/* The place of node, or of what it stands in when it is not there. */
static struct place place_in(yaml_node_t *outer, yaml_node_t *node)
{
	if (node)
		return node_place(node);
	return outer ? node_place(outer) : (struct place){0};
}

/* The value of a key of the entry, two levels down at most ("auth.tokens"). */
static yaml_node_t *find_below(struct document *document, yaml_node_t *entry, const char *outer,
			       const char *inner)
{
	return document_find(document, document_find(document, entry, outer), inner);
}

static void check_pair(struct document *document, yaml_node_t *entry, const char *certificate,
		       const char *key)
{
	yaml_node_t *tls = document_find(document, entry, "tls");

	if (certificate && !key)
		complain(document->complaints, place_in(entry, tls),
			 "`certificate` needs its `key`");
	if (key && !certificate)
		complain(document->complaints, place_in(entry, tls),
			 "`key` needs its `certificate`");
}

static void check_listener(struct document *document, yaml_node_t *entry,
			   struct listener_settings *listener)
{
	yaml_node_t *auth = document_find(document, entry, "auth");
	yaml_node_t *jwt = document_find(document, auth, "jwt");

	check_pair(document, entry, listener->tls.certificate, listener->tls.key);
	if (listener->tls.client_ca && !listener->tls.certificate)
		complain(document->complaints,
			 place_in(entry, find_below(document, entry, "tls", "client_ca")),
			 "`client_ca` needs a `certificate`");
	if (listener->reuse_port && listener->address.kind == ADDRESS_FD)
		complain(document->complaints,
			 place_in(entry, document_find(document, entry, "reuse_port")),
			 "whoever opens the socket of fd:NAME decides who shares it: systemd by "
			 "ReusePort=");
	if (listener->reuse_port && listener->address.kind == ADDRESS_UNIX)
		complain(document->complaints,
			 place_in(entry, document_find(document, entry, "reuse_port")),
			 "a Unix socket cannot be shared by `reuse_port`");
	listener->auth = auth != NULL;
	if (auth && !document_find(document, auth, "tokens") &&
	    !document_find(document, auth, "jwt"))
		complain(document->complaints, node_place(auth), "`auth` needs `tokens` or `jwt`");
	if (jwt && !document_find(document, jwt, "keys"))
		complain(document->complaints, node_place(jwt), "`jwt` needs `keys`");
	if (!listener->jwt.audience && jwt)
		complain(document->complaints, node_place(jwt), "`audience` cannot be empty");
}

static bool same_address(const struct address *a, const struct address *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == ADDRESS_UNIX)
		return a->path && b->path && strcmp(a->path, b->path) == 0;
	if (a->kind == ADDRESS_FD)
		return a->name && b->name && strcmp(a->name, b->name) == 0;
	return a->port == b->port && a->host && b->host && strcmp(a->host, b->host) == 0;
}

/* At what the file says: one of two listeners may be there by default. */
static void check_addresses(struct document *document, const struct config *config,
			    yaml_node_t *list, yaml_node_t *admin)
{
	for (size_t i = 0; i < config->listener_count; i++) {
		const struct address *address = &config->listeners[i].address;
		yaml_node_t *entry = document_item(document, list, i);
		struct place place = place_in(entry, document_find(document, entry, "address"));

		for (size_t j = 0; j < i; j++) {
			if (same_address(address, &config->listeners[j].address)) {
				complain(document->complaints, place,
					 "another listener has this address already");
				break;
			}
		}
		if (same_address(address, &config->admin.address))
			complain(document->complaints, entry ? place : place_in(NULL, admin),
				 entry ? "the admin listener has this address already"
				       : "clients connect at this address, unless `listen` says "
					 "otherwise");
	}
}

static void check_listeners(struct document *document, struct config *config)
{
	yaml_node_t *root = document_root(document);
	yaml_node_t *list = document_find(document, root, "listen");
	yaml_node_t *admin = find_below(document, root, "admin", "address");

	if (config->listener_count == 0 && !list) {
		config->listeners = arena_alloc(document->arena, 1, sizeof(*config->listeners));
		if (!config->listeners)
			return;
		config->listener_count = 1;
		reader_defaults(document, SCOPE_LISTENER, config->listeners);
	}
	for (size_t i = 0; i < config->listener_count; i++)
		check_listener(document, document_item(document, list, i), &config->listeners[i]);
	check_addresses(document, config, list, admin);
	if (config->admin.address.text && config->admin.address.kind != ADDRESS_FD &&
	    !address_is_local(&config->admin.address) &&
	    !document_find(document, document_find(document, root, "admin"), "tokens"))
		complain(document->complaints, place_in(root, admin),
			 "an admin listener that other machines can reach needs `admin.tokens`; "
			 "without, its address must be loopback or unix:PATH");
}

static void check_envelope(struct document *document, struct config *config)
{
	yaml_node_t *node = document_find(document, document_root(document), "envelope");
	struct envelope *envelope;
	enum wsb_err err;
	char why[128];

	config->envelope_is_jsonrpc = !node || node->type != YAML_MAPPING_NODE;
	/* A part that was not understood would only look missing. */
	if (config->envelope_is_jsonrpc ||
	    complaints_within(document->complaints, node_place(node), node_end(node)))
		return;
	if (!config->envelope.id || !config->envelope.method) {
		complain(document->complaints, node_place(node),
			 "`envelope` needs `id` and `method`");
		return;
	}
	err = envelope_create(&envelope, &config->envelope, why, sizeof(why));
	if (err == WSB_OK)
		envelope_destroy(envelope);
	else
		complain(document->complaints, node_place(node), "%s",
			 err == WSB_EINVAL ? why : wsb_err_text(err));
}

void checks_name_endpoints(struct arena *arena, struct config *config)
{
	for (size_t i = 0; i < config->pool_count; i++) {
		struct pool_settings *pool = &config->pools[i];

		for (size_t k = 0; k < pool->endpoint_count; k++) {
			if (!pool->endpoints[k].name && pool->endpoints[k].host)
				pool->endpoints[k].name =
					endpoint_default_name(arena, &pool->endpoints[k]);
		}
	}
}

static void check_endpoints(struct document *document, yaml_node_t *list,
			    struct pool_settings *pool)
{
	for (size_t i = 0; i < pool->endpoint_count; i++) {
		struct endpoint_settings *endpoint = &pool->endpoints[i];
		yaml_node_t *entry = document_item(document, list, i);
		yaml_node_t *name = document_find(document, entry, "name");

		for (size_t j = 0; j < i && endpoint->name; j++) {
			if (!pool->endpoints[j].name ||
			    strcmp(pool->endpoints[j].name, endpoint->name) != 0)
				continue;
			complain(document->complaints, place_in(entry, name),
				 "another endpoint of the pool is called “%s” already%s",
				 endpoint->name, name ? "" : ": give each a `name`");
			break;
		}
	}
}

static void check_greeting(struct document *document, yaml_node_t *list,
			   const struct pool_settings *pool)
{
	for (size_t i = 0; i < pool->on_connect_count; i++) {
		const struct greeting_step *step = &pool->on_connect[i];
		yaml_node_t *entry = document_item(document, list, i);

		if (step->reject && !step->expect && !document_find(document, entry, "expect"))
			complain(document->complaints, place_in(list, entry),
				 "`reject` needs an `expect`: nothing is waited for without it");
		else if (entry && !document_find(document, entry, "send") &&
			 !document_find(document, entry, "expect"))
			complain(document->complaints, node_place(entry),
				 "a step needs `send`, `expect` or both");
	}
}

void checks_fit_size(struct pool_settings *pool)
{
	const struct autoscale_settings *autoscale = &pool->autoscale;

	if (!autoscale->enabled)
		return;
	if (pool->size < autoscale->min && !autoscale->pinned)
		pool->size = autoscale->min;
	if (pool->size > autoscale->max)
		pool->size = autoscale->max;
}

/* What is not written is the nearest to its default that the rest allows; so is a size of the file
 * whose bounds were changed at runtime, and the other way round. */
static void check_autoscale(struct document *document, yaml_node_t *entry,
			    struct pool_settings *pool)
{
	struct autoscale_settings *autoscale = &pool->autoscale;
	yaml_node_t *section = document_find(document, entry, "autoscale");
	yaml_node_t *size = document_find(document, entry, "size");

	autoscale->enabled = section != NULL;
	if (!section)
		return;
	if (autoscale->min > autoscale->max && !document_find(document, section, "max"))
		autoscale->max = autoscale->min;
	if (autoscale->min > autoscale->max && !document_find(document, section, "min"))
		autoscale->min = autoscale->max;
	if (autoscale->target <= 0)
		complain(document->complaints,
			 place_in(section, document_find(document, section, "target")),
			 "`target` must be above 0");
	if (autoscale->min > autoscale->max) {
		complain(document->complaints, node_place(section),
			 "`autoscale.min` %u is above `autoscale.max` %u", autoscale->min,
			 autoscale->max);
	} else if (size && !document->overlaid &&
		   (pool->size < autoscale->min || pool->size > autoscale->max)) {
		complain(document->complaints, place_in(entry, size),
			 "`size` %u is not between `autoscale.min` %u and `autoscale.max` %u",
			 pool->size, autoscale->min, autoscale->max);
	} else {
		checks_fit_size(pool);
	}
}

static void check_probe(struct document *document, yaml_node_t *entry,
			const struct pool_settings *pool)
{
	yaml_node_t *probe = document_find(document, entry, "probe");

	if (!pool->probe.method && (pool->probe.expect || pool->probe.params))
		complain(document->complaints, place_in(entry, probe),
			 "`probe` needs a `method` for its call");
	if (pool->probe.method && pool->probe.interval_us == 0)
		complain(document->complaints, place_in(entry, probe),
			 "`probe` needs an `interval` for its call");
}

static void check_pools(struct document *document, struct config *config)
{
	yaml_node_t *list = document_find(document, document_root(document), "pools");

	for (size_t i = 0; i < config->pool_count; i++) {
		struct pool_settings *pool = &config->pools[i];
		yaml_node_t *entry = document_item(document, list, i);

		check_endpoints(document, document_find(document, entry, "endpoints"), pool);
		check_autoscale(document, entry, pool);
		check_greeting(document, document_find(document, entry, "on_connect"), pool);
		check_probe(document, entry, pool);
		check_pair(document, entry, pool->tls.certificate, pool->tls.key);
		for (size_t j = 0; j < i && pool->name; j++) {
			if (!config->pools[j].name ||
			    strcmp(config->pools[j].name, pool->name) != 0)
				continue;
			complain(document->complaints,
				 place_in(entry, document_find(document, entry, "name")),
				 "another pool is called “%s” already", pool->name);
			break;
		}
	}
}

/* A path that is none; wanted: the part of a message that it must begin with, NULL: any. */
static void check_path(struct document *document, yaml_node_t *section, const char *key,
		       const char *text, const char *wanted)
{
	yaml_node_t *node = document_find(document, section, key);
	struct path path;
	const char *why;

	if (!text)
		return;
	if (path_compile(&path, span_text(text), &why) != WSB_OK)
		complain(document->complaints, place_in(section, node), "%s", why);
	else if (wanted && !span_begins(span_text(text), wanted))
		complain(document->complaints, place_in(section, node), "must begin with %s",
			 wanted);
}

static void check_subscribe(struct document *document, yaml_node_t *section,
			    const struct route_settings *route)
{
	const struct subscribe_settings *subscribe = &route->subscribe;
	bool by_request = subscribe->id && strcmp(subscribe->id, "request") == 0;

	if (!subscribe->unsubscribe) {
		complain(document->complaints, node_place(section),
			 "`subscribe` needs `unsubscribe`, the method that ends a subscription");
		return;
	}
	if (route->action != ROUTE_FORWARD)
		complain(document->complaints, node_place(section),
			 "`subscribe` needs a route that forwards to a pool");
	if (!by_request)
		check_path(document, section, "id", subscribe->id, NULL);
	check_path(document, section, "result", subscribe->result, NULL);
	check_path(document, section, "unsubscribe_id", subscribe->unsubscribe_id, "params");
	if (subscribe->unsubscribe_id &&
	    (strstr(subscribe->unsubscribe_id, "[*]") ||
	     (strchr(subscribe->unsubscribe_id, '[') && !strstr(subscribe->unsubscribe_id, "[0]"))))
		complain(document->complaints,
			 place_in(section, document_find(document, section, "unsubscribe_id")),
			 "the only position that a request of one's own can be made of is [0]");
}

static void check_route(struct document *document, const struct config *config, yaml_node_t *entry,
			struct route_settings *route)
{
	yaml_node_t *pool = document_find(document, entry, "pool");
	yaml_node_t *attempt = document_find(document, entry, "attempt_timeout");
	yaml_node_t *subscribe = document_find(document, entry, "subscribe");
	bool respond = document_find(document, entry, "respond") != NULL;
	bool ends_here = route->action != ROUTE_FORWARD;

	if (respond && !ends_here)
		route->action = ROUTE_RESPOND;
	if ((respond && ends_here) || (pool && (respond || ends_here)) ||
	    (document_find(document, entry, "deny") && document_find(document, entry, "drop")))
		complain(document->complaints, node_place(entry),
			 "a route has one of `pool`, `respond`, `deny` and `drop`");
	pool_refs_check_route(document, config, entry, route);
	if (route->hedge && !route->idempotent)
		complain(document->complaints,
			 place_in(entry, document_find(document, entry, "hedge")),
			 "`hedge` sends a request twice, so it needs `idempotent`");
	if (attempt && route->timeout_us > 0 && route->attempt_timeout_us > route->timeout_us)
		complain(document->complaints, node_place(attempt),
			 "longer than the route's `timeout`");
	if (subscribe)
		check_subscribe(document, subscribe, route);
}

static void check_routes(struct document *document, struct config *config)
{
	yaml_node_t *list = document_find(document, document_root(document), "routes");

	if (config->route_count == 0 && !list) {
		config->routes = arena_alloc(document->arena, 1, sizeof(*config->routes));
		if (!config->routes)
			return;
		config->route_count = 1;
		reader_defaults(document, SCOPE_ROUTE, config->routes);
		config->routes[0].method = "*";
		config->routes[0].pool = pool_ref_default(config);
		return;
	}
	for (size_t i = 0; i < config->route_count; i++) {
		yaml_node_t *entry = document_item(document, list, i);

		if (entry && entry->type == YAML_MAPPING_NODE)
			check_route(document, config, entry, &config->routes[i]);
	}
}

/* forward: {match: {/pointer: identity}} */
static void check_push(struct document *document, yaml_node_t *entry, struct push_settings *push)
{
	yaml_node_t *forward = document_find(document, entry, "forward");
	void *member = json_object_iter(push->match);
	const char *pointer = json_object_iter_key(member);
	struct path path;
	const char *why;

	if (!forward || forward->type != YAML_MAPPING_NODE)
		return;
	if (json_object_size(push->match) != 1 ||
	    strcmp(json_string_value(json_object_iter_value(member))
			   ? json_string_value(json_object_iter_value(member))
			   : "",
		   "identity") != 0) {
		complain(document->complaints, node_place(forward),
			 "`forward` is none, subscribers, all or {match: {pointer: identity}}");
		return;
	}
	if (path_compile(&path, span_text(pointer), &why) != WSB_OK)
		complain(document->complaints, node_place(forward), "%s", why);
	push->forward = FORWARD_MATCH;
}

static void check_pushes(struct document *document, struct config *config)
{
	yaml_node_t *list = document_find(document, document_root(document), "push");

	for (size_t i = 0; i < config->push_count; i++)
		check_push(document, document_item(document, list, i), &config->push[i]);
}

/* RFC 6455, section 7.4: the other codes are never sent, or belong to nobody yet. */
static void check_drain(struct document *document, const struct config *config)
{
	uint16_t code = config->drain.code;
	yaml_node_t *node = find_below(document, document_root(document), "drain", "code");

	if (code >= 3000 || (code >= 1007 && code <= 1014) || code <= 1003)
		return;
	complain(document->complaints, place_in(NULL, node),
		 "%u is no close code that an endpoint may send", (unsigned int)code);
}

static void check_bus(struct document *document, const struct config *config)
{
	yaml_node_t *node = find_below(document, document_root(document), "invalidation", "prefix");

	if (node && !config->bus.prefix)
		complain(document->complaints, node_place(node), "`prefix` cannot be empty");
}

void checks_run(struct document *document, struct config *config)
{
	check_listeners(document, config);
	check_envelope(document, config);
	check_pools(document, config);
	pool_refs_check_listeners(document, config);
	check_routes(document, config);
	check_pushes(document, config);
	cache_checks_run(document, config);
	check_bus(document, config);
	check_drain(document, config);
}
