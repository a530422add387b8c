#include "broker/journal/peers.h"

#include <stdlib.h>
#include <string.h>

void peers_init(struct peers *peers)
{
	list_init(&peers->list);
	peers->refused = peers->refused_us = 0;
}

static void forget(struct peers *peers, struct bus_peer *peer)
{
	list_remove(&peers->list, &peer->link);
	free(peer->source);
	free(peer->node);
	free(peer->version);
	free(peer);
}

void peers_fini(struct peers *peers)
{
	list_each(&peers->list, node)
		forget(peers, list_entry(node, struct bus_peer, link));
}

static struct bus_peer *find(const struct peers *peers, struct span source)
{
	list_each(&peers->list, node) {
		struct bus_peer *peer = list_entry(node, struct bus_peer, link);

		if (span_is(source, peer->source))
			return peer;
	}
	return NULL;
}

static char *copy(struct span text)
{
	return strndup(text.at ? text.at : "", text.len);
}

/* Whoever does not live gives its place to one that does. */
static bool make_place(struct peers *peers, uint64_t now_us)
{
	if (peers->list.count < BUS_PEERS_MAX)
		return true;
	list_each(&peers->list, node) {
		struct bus_peer *peer = list_entry(node, struct bus_peer, link);

		if (peer_is_live(peer, now_us))
			continue;
		forget(peers, peer);
		return true;
	}
	return false;
}

static struct bus_peer *add(struct peers *peers, const struct event *heartbeat)
{
	struct bus_peer *peer = calloc(1, sizeof(*peer));

	if (!peer)
		return NULL;
	list_node_init(&peer->link);
	peer->source = copy(heartbeat->source);
	peer->node = copy(heartbeat->heartbeat.node);
	peer->version = copy(heartbeat->heartbeat.version);
	if (!peer->source || !peer->node || !peer->version) {
		forget(peers, peer);
		return NULL;
	}
	list_append(&peers->list, &peer->link);
	return peer;
}

enum wsb_err peers_note(struct peers *peers, const struct event *heartbeat, uint64_t now_us)
{
	struct bus_peer *peer = find(peers, heartbeat->source);

	if (!peer && (heartbeat->source.len > PEER_SOURCE_MAX ||
		      heartbeat->heartbeat.node.len > PEER_NODE_MAX ||
		      heartbeat->heartbeat.version.len > PEER_VERSION_MAX))
		return WSB_EINVAL;
	if (!peer && !make_place(peers, now_us)) {
		peers->refused++;
		peers->refused_us = now_us;
		return WSB_ELIMIT;
	}
	if (!peer)
		peer = add(peers, heartbeat);
	if (!peer)
		return WSB_ENOMEM;
	peer->position = heartbeat->position;
	peer->clients = heartbeat->heartbeat.clients;
	peer->heard_us = now_us;
	return WSB_OK;
}

void peers_leave(struct peers *peers, struct span source)
{
	struct bus_peer *peer = find(peers, source);

	if (peer)
		forget(peers, peer);
}

void peers_upkeep(struct peers *peers, uint64_t now_us)
{
	list_each(&peers->list, node) {
		struct bus_peer *peer = list_entry(node, struct bus_peer, link);

		if (now_us - peer->heard_us >= PEER_FORGET_US)
			forget(peers, peer);
	}
}

bool peers_are_too_many(const struct peers *peers, uint64_t now_us)
{
	return peers->refused > 0 && now_us - peers->refused_us < PEER_LIVE_US;
}

bool peers_have_applied(const struct peers *peers, struct position position, struct strbuf *behind,
			uint64_t now_us)
{
	bool all = true;

	list_each(&peers->list, node) {
		const struct bus_peer *peer = list_entry(node, struct bus_peer, link);

		if (!peer_is_live(peer, now_us) || !position_before(peer->position, position))
			continue;
		if (behind)
			strbuf_printf(behind, "%s%s", behind->len > 0 ? ", " : "", peer->node);
		all = false;
	}
	if (!peers_are_too_many(peers, now_us))
		return all;
	if (behind)
		strbuf_printf(behind, "%sothers", behind->len > 0 ? ", " : "");
	return false;
}
