#include "broker/journal/peers.h"

#include <stdlib.h>
#include <string.h>

void peers_init(struct peers *peers)
{
	list_init(&peers->list);
	peers->refused = 0;
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

static struct bus_peer *add(struct peers *peers, const struct event *heartbeat)
{
	struct bus_peer *peer;

	if (peers->list.count >= BUS_PEERS_MAX) {
		peers->refused++;
		return NULL;
	}
	peer = calloc(1, sizeof(*peer));
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

void peers_note(struct peers *peers, const struct event *heartbeat, uint64_t now_us)
{
	struct bus_peer *peer = find(peers, heartbeat->source);

	if (!peer)
		peer = add(peers, heartbeat);
	if (!peer)
		return;
	peer->position = heartbeat->position;
	peer->clients = heartbeat->heartbeat.clients;
	peer->heard_us = now_us;
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
	return all;
}
