#include "broker/control/pool_refs.h"

#include "common/nearest.h"

/* The pool that node names. False: there is none, and it has been complained of. */
static bool find_pool(struct document *document, const struct config *config,
		      const yaml_node_t *node, uint32_t *index)
{
	struct nearest nearest;
	struct strbuf text;
	struct span name;

	if (!document_scalar(document, node, "the name of a pool", &name))
		return false;
	nearest_init(&nearest, name);
	for (size_t i = 0; i < config->pool_count; i++) {
		struct span known = span_text(config->pools[i].name);

		if (!known.at)
			continue;
		if (span_equal(name, known)) {
			*index = (uint32_t)i;
			return true;
		}
		nearest_offer(&nearest, known);
	}
	strbuf_init(&text);
	complaints_quote(&text, node_text(node));
	nearest_suggest(&nearest, &text);
	complain(document->complaints, node_place(node), "there is no pool %s",
		 strbuf_span(&text).at);
	strbuf_fini(&text);
	return false;
}

uint32_t pool_ref_default(const struct config *config)
{
	for (size_t i = 0; i < config->pool_count; i++)
		if (!config->pools[i].tunnels)
			return (uint32_t)i;
	return 0;
}

/* What only makes sense where messages are read. */
static void check_tunnel_pool(struct document *document, yaml_node_t *entry,
			      const struct pool_settings *pool)
{
	static const char *const keys[] = {"on_connect", "affinity", "subprotocol", "autoscale"};
	const bool said[] = {pool->on_connect_count > 0, pool->affinity != AFFINITY_NONE,
			     pool->subprotocol != NULL, pool->autoscale.enabled};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (said[i])
			complain(document->complaints,
				 node_place(document_find(document, entry, keys[i])),
				 "`%s` has no meaning in the pool of a session listener, where "
				 "each client has a connection of its own",
				 keys[i]);
	}
}

/* The pool that a session listener names; NULL: it is none, as with the default "". */
static yaml_node_t *session_of(struct document *document, yaml_node_t *entry)
{
	yaml_node_t *node = document_find(document, entry, "session");

	if (node && node->type == YAML_SCALAR_NODE && node_text(node).len == 0)
		return NULL;
	return node;
}

static void check_session(struct document *document, struct config *config, yaml_node_t *entry,
			  struct listener_settings *listener)
{
	yaml_node_t *node = session_of(document, entry);
	uint32_t index;

	if (!node || !find_pool(document, config, node, &index))
		return;
	listener->session = true;
	listener->session_pool = index;
	if (listener->compression)
		complain(document->complaints,
			 node_place(document_find(document, entry, "compression")),
			 "the clients of a `session` agree upon compression with the upstream");
	config->pools[index].tunnels = true;
}

static bool any_plain(const struct config *config)
{
	for (size_t i = 0; i < config->pool_count; i++)
		if (!config->pools[i].tunnels)
			return true;
	return false;
}

void pool_refs_check_listeners(struct document *document, struct config *config)
{
	yaml_node_t *root = document_root(document);
	yaml_node_t *listeners = document_find(document, root, "listen");
	yaml_node_t *pools = document_find(document, root, "pools");

	for (size_t i = 0; i < config->listener_count; i++)
		check_session(document, config, document_item(document, listeners, i),
			      &config->listeners[i]);
	for (size_t i = 0; i < config->pool_count; i++) {
		if (config->pools[i].tunnels)
			check_tunnel_pool(document, document_item(document, pools, i),
					  &config->pools[i]);
	}
	if (config->pool_count == 0 || any_plain(config))
		return;
	for (size_t i = 0; i < config->listener_count; i++) {
		yaml_node_t *entry = document_item(document, listeners, i);

		if (entry && !session_of(document, entry))
			complain(document->complaints, node_place(entry),
				 "every pool is that of a session listener; this one needs one "
				 "more");
	}
}

void pool_refs_check_route(struct document *document, const struct config *config,
			   yaml_node_t *entry, struct route_settings *route)
{
	yaml_node_t *node = document_find(document, entry, "pool");

	route->pool = pool_ref_default(config);
	if (!node || config->pool_count == 0 || !find_pool(document, config, node, &route->pool))
		return;
	if (config->pools[route->pool].tunnels)
		complain(document->complaints, node_place(node),
			 "pool “%s” is that of a session listener, which no request can go to",
			 config->pools[route->pool].name);
}
