/* Subscriptions: topics with numbered events that are the same everywhere, the upstreams that send
 * them, and what each subscriber may hear of them. */
#include "tests/sim/subscribers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "proto/path.h"
#include "proto/transcode.h"
#include "tests/sim/sim.h"
#include "tests/support/compose.h"
#include "tests/support/must.h"

static const char *const ask_methods[SIM_PLAIN] = {"p0.sub", "p1.sub", "p2.sub"};
static const char *const end_methods[SIM_PLAIN] = {"p0.unsub", "p1.unsub", "p2.unsub"};
static const char *const events[SIM_PLAIN] = {"p0.event", "p1.event", "p2.event"};

void subscribers_plan(struct sim *sim)
{
	sim->subscribes = sim_chance(sim, 60);
	for (uint32_t i = 0; sim->subscribes && i < sim->plain; i++) {
		struct route_settings *route = setup_route(&sim->setup, ask_methods[i]);

		route->pool = i;
		route->timeout_us = sim_pick(sim, 30 * MS, 1500 * MS);
		route->subscribe = (struct subscribe_settings){
			.unsubscribe = end_methods[i],
			.notification = events[i],
			.id = "params.subscription",
			.linger_us = sim_chance(sim, 50) ? 0 : sim_pick(sim, 0, 500 * MS),
			.restore_us = sim_chance(sim, 30) ? sim_pick(sim, 100 * MS, 1000 * MS) : 0,
			.max_per_connection = sim_chance(sim, 20) ? 2 : 0,
		};
		sim->sub_timeout_us[i] = route->timeout_us;
	}
	if (sim->subscribes)
		agenda_add(&sim->agenda, sim->outside.now_us, EVENT_EMIT, NULL);
}

static struct sim_sub *sub_of(struct sim *sim, const struct sim_client *client, bool live)
{
	struct sim_sub *found = NULL;
	uint64_t seen = 0;

	for (uint32_t i = 0; i < sim->sub_count; i++) {
		struct sim_sub *sub = &sim->subs[i];

		if (sub->client == client->number && sub->live == live &&
		    rng_below(&sim->rng, ++seen) == 0)
			found = sub;
	}
	return found;
}

void subscribers_fill(struct sim *sim, const struct sim_client *client, struct ask *ask)
{
	struct sim_sub *sub = NULL;
	char json[128];
	struct strbuf token;

	if (ask->kind == ASK_UNSUBSCRIBE)
		sub = sub_of(sim, client, sim_chance(sim, 90));
	if (sub) {
		ask->pool = sub->pool;
		ask->sub = (uint32_t)(sub - sim->subs) + 1;
		sub->ending++;
		snprintf(json, sizeof(json), "[\"%s\"]", sub->own);
	} else {
		ask->kind = ASK_SUBSCRIBE;
		ask->topic = (uint32_t)sim_pick(sim, 0, SIM_TOPICS - 1);
		snprintf(json, sizeof(json), "[\"t%u\"]", ask->topic);
	}
	ask->timeout_us = sim->sub_timeout_us[ask->pool];
	strbuf_init(&token);
	compose_json(&token, ask->encoding, json);
	ask->params = token.text;
	ask->params_len = token.len;
}

const char *subscribers_method(const struct ask *ask)
{
	return ask->kind == ASK_SUBSCRIBE ? ask_methods[ask->pool] : end_methods[ask->pool];
}

/* The text of a string, or the JSON of anything else. */
static void value_text(struct sim *sim, enum encoding encoding, struct span token, char *out,
		       size_t size)
{
	struct strbuf json;

	*out = '\0';
	strbuf_init(&json);
	if (!token.at || transcode(encoding, ENCODING_JSON, token, &json))
		sim_fail(sim, "values can be read", "%.*s", (int)token.len,
			 token.at ? token.at : "");
	if (json.text[0] == '"')
		snprintf(out, size, "%.*s", (int)json.len - 2, json.text + 1);
	else
		snprintf(out, size, "%s", json.text);
	strbuf_fini(&json);
}

static void sub_add(struct sim *sim, const struct ask *ask, const char *own)
{
	struct sim_sub *sub;

	for (uint32_t i = 0; i < sim->sub_count; i++)
		if (strcmp(sim->subs[i].own, own) == 0)
			sim_fail(sim, "ids of subscribers are their own", "%s", own);
	if (sim->sub_count == sim->sub_capacity) {
		sim->sub_capacity = sim->sub_capacity ? sim->sub_capacity * 2 : 64;
		sim->subs = must_realloc(sim->subs, sim->sub_capacity * sizeof(*sim->subs));
	}
	sub = &sim->subs[sim->sub_count++];
	*sub = (struct sim_sub){
		.client = ask->client, .pool = ask->pool, .topic = ask->topic, .live = true};
	snprintf(sub->own, sizeof(sub->own), "%s", own);
}

const char *subscribers_judge(struct sim *sim, struct ask *ask, const struct message *message)
{
	char text[SIM_OWN_MAX];
	struct sim_sub *sub = ask->sub ? &sim->subs[ask->sub - 1] : NULL;

	if (message->failed)
		return ask->kind == ASK_SUBSCRIBE ? NULL : "an error that nobody made";
	value_text(sim, message->encoding, message->result, text, sizeof(text));
	if (ask->judged)
		return NULL;
	ask->judged = true;
	if (ask->kind == ASK_SUBSCRIBE) {
		if (strncmp(text, "0x", 2) != 0 || strlen(text) != 18)
			return "an id that does not look like the upstream's";
		sub_add(sim, ask, text);
		return NULL;
	}
	/* Of several requests one succeeds, whose answer may wait in a batch. */
	if (strcmp(text, "true") == 0 ? !sub->live : sub->live && sub->ending < 2)
		return "what is left is not what was there";
	if (strcmp(text, "true") != 0)
		return NULL;
	sub->live = false;
	return NULL;
}

void subscribers_gone(struct sim *sim, const struct sim_client *client)
{
	for (uint32_t i = 0; i < sim->sub_count; i++)
		if (sim->subs[i].client == client->number)
			sim->subs[i].live = false;
}

static struct span member_of(enum encoding encoding, struct span token, const char *name)
{
	return token.at ? member_find(encoding, token, span_text(name)) : token;
}

static struct sim_sub *sub_named(struct sim *sim, const struct sim_client *client,
				 const struct message *message)
{
	char own[SIM_OWN_MAX];

	value_text(sim, message->encoding,
		   member_of(message->encoding, message->params, "subscription"), own, sizeof(own));
	for (uint32_t i = 0; i < sim->sub_count; i++)
		if (sim->subs[i].client == client->number && strcmp(sim->subs[i].own, own) == 0 &&
		    sim->subs[i].live)
			return &sim->subs[i];
	sim_fail(sim, "a subscriber hears of his own subscriptions, after their answer",
		 "client %u: %s", client->number, own);
}

static void hear_gap(struct sim *sim, struct sim_sub *sub, const struct message *message)
{
	char gap[32];

	value_text(sim, message->encoding, member_of(message->encoding, message->params, "gap"),
		   gap, sizeof(gap));
	sub->gap |= strcmp(gap, "possible") == 0;
	if (member_of(message->encoding, message->params, "ended").at)
		sub->live = false;
}

bool subscribers_hear(struct sim *sim, struct sim_client *client, const struct message *message)
{
	struct sim_sub *sub;
	struct span result;
	char topic[32], number[32];
	uint64_t seq;

	if (message->id.at || !message->method.at)
		return false;
	sub = sub_named(sim, client, message);
	if (span_is(message->method, "wsbroker.gap")) {
		hear_gap(sim, sub, message);
		return true;
	}
	result = member_of(message->encoding, message->params, "result");
	value_text(sim, message->encoding, member_of(message->encoding, result, "topic"), topic,
		   sizeof(topic));
	value_text(sim, message->encoding, member_of(message->encoding, result, "seq"), number,
		   sizeof(number));
	seq = strtoull(number, NULL, 10);
	if (!span_is(message->method, events[sub->pool]) ||
	    (uint32_t)strtoul(topic, NULL, 10) != sub->topic)
		sim_fail(sim, "events go to those who asked for them", "%s hears topic %s",
			 sub->own, topic);
	if (sub->last && seq <= sub->last)
		sim_fail(sim, "no event comes twice", "%s hears %" PRIu64 " after %" PRIu64,
			 sub->own, seq, sub->last);
	if (sub->last && seq != sub->last + 1 && !sub->gap)
		sim_fail(sim, "every hole is told", "%s hears %" PRIu64 " after %" PRIu64, sub->own,
			 seq, sub->last);
	sub->last = seq;
	sub->gap = false;
	return true;
}

static void say(struct sim *sim, struct sim_upstream *upstream, struct span id, const char *member,
		const char *json, uint64_t delay_us)
{
	enum encoding encoding = sim->setup.pools[upstream->pool].encoding;
	struct strbuf token;

	strbuf_init(&token);
	compose_json(&token, encoding, json);
	strbuf_clear(&sim->scratch);
	compose_answer(&sim->scratch, encoding, id, member, strbuf_span(&token));
	agenda_add_words(&sim->agenda, sim->outside.now_us + delay_us, upstream->peer,
			 encoding == ENCODING_MSGPACK, strbuf_span(&sim->scratch));
	strbuf_fini(&token);
}

static void serve_begin(struct sim *sim, struct sim_upstream *upstream,
			const struct message *message, const char *topic)
{
	const struct temper *temper = upstream->temper;
	uint64_t delay_us = sim_pick(sim, 0, temper->answer_us);
	struct sim_feed *feed = &upstream->feeds[upstream->feed_count];
	char id[32];

	if (upstream->hangs)
		return;
	if (sim_chance(sim, temper->errs) || upstream->feed_count == SIM_FEEDS) {
		say(sim, upstream, message->id, "error",
		    "{\"code\":-7,\"message\":\"upstream says no\"}", delay_us);
		return;
	}
	upstream->feed_count++;
	*feed = (struct sim_feed){.topic = (uint32_t)strtoul(topic, NULL, 10), .live = true};
	feed->unanswered = sim_chance(sim, temper->drops);
	snprintf(id, sizeof(id), "\"0x%u\"", upstream->feed_count);
	if (!feed->unanswered)
		say(sim, upstream, message->id, "result", id, delay_us);
	if (sim_chance(sim, temper->kills))
		agenda_add(&sim->agenda, sim->outside.now_us + sim_pick(sim, 0, 2 * delay_us + 1),
			   EVENT_KILL, upstream->peer);
}

static void serve_end(struct sim *sim, struct sim_upstream *upstream, const struct message *message,
		      const char *id)
{
	/* They are written in tens, and read so. */
	uint32_t at = (uint32_t)strtoul(id + 2, NULL, 10);

	if (at == 0 || at > upstream->feed_count || !upstream->feeds[at - 1].live)
		sim_fail(sim, "what is left upstream is there", "upstream %" PRIu64 ": %s",
			 upstream->peer->number, id);
	upstream->feeds[at - 1].live = false;
	if (!upstream->hangs)
		say(sim, upstream, message->id, "result", "true",
		    sim_pick(sim, 0, upstream->temper->answer_us));
}

bool subscribers_serve(struct sim *sim, struct sim_upstream *upstream, struct span payload)
{
	enum encoding encoding = sim->setup.pools[upstream->pool].encoding;
	struct message message;
	struct strbuf params;
	char first[64];
	bool asks;

	if (!sim->subscribes ||
	    envelope_scan(sim->envelope, FROM_CLIENT, encoding, payload, &message) ||
	    !message.method.at)
		return false;
	asks = span_is(message.method, ask_methods[upstream->pool]);
	if (!asks && !span_is(message.method, end_methods[upstream->pool]))
		return false;
	strbuf_init(&params);
	if (transcode(encoding, ENCODING_JSON, message.params, &params) ||
	    sscanf(params.text, "[\"%63[^\"]\"]", first) != 1)
		sim_fail(sim, "an upstream gets the params of a subscriber", "%.*s",
			 (int)payload.len, payload.at);
	strbuf_fini(&params);
	sim_trace(sim, "upstream %" PRIu64 " hears %.*s %s", upstream->peer->number,
		  (int)message.method.len, message.method.at, first);
	if (asks)
		serve_begin(sim, upstream, &message, first + 1);
	else
		serve_end(sim, upstream, &message, first);
	return true;
}

static void emit_on(struct sim *sim, struct sim_upstream *upstream, uint32_t topic, uint64_t seq)
{
	enum encoding encoding = sim->setup.pools[upstream->pool].encoding;

	for (uint32_t i = 0; i < upstream->feed_count; i++) {
		char json[256];

		if (!upstream->feeds[i].live || upstream->feeds[i].topic != topic)
			continue;
		snprintf(json, sizeof(json),
			 "{\"jsonrpc\":\"2.0\",\"method\":\"%s\",\"params\":{\"subscription\":\"0x%"
			 "u\","
			 "\"result\":{\"topic\":%u,\"seq\":%" PRIu64 "}}}",
			 events[upstream->pool], i + 1, topic, seq);
		strbuf_clear(&sim->scratch);
		compose_json(&sim->scratch, encoding, json);
		peer_say(upstream->peer, encoding == ENCODING_MSGPACK, strbuf_span(&sim->scratch));
	}
}

void subscribers_emit(struct sim *sim)
{
	uint32_t pool = (uint32_t)sim_pick(sim, 0, sim->plain - 1);
	uint32_t topic = (uint32_t)sim_pick(sim, 0, SIM_TOPICS - 1);
	uint64_t seq = ++sim->topics[pool][topic];

	list_each(&sim->outside.peers, node) {
		struct peer *peer = list_entry(node, struct peer, link);
		struct sim_upstream *upstream = peer->actor;

		if (peer->kind == PEER_UPSTREAM && peer->state == PEER_OPEN && !upstream->hangs &&
		    upstream->pool == pool)
			emit_on(sim, upstream, topic, seq);
	}
	if (sim->outside.now_us < sim->calm_us + 500 * MS)
		agenda_add(&sim->agenda, sim->outside.now_us + sim_pick(sim, 1 * MS, 40 * MS),
			   EVENT_EMIT, NULL);
}

bool subscribers_are_done(const struct sim *sim)
{
	const struct subscriptions *subscriptions = &sim->outside.engine->publish.subscriptions;

	for (size_t state = 0; state < SUBSCRIPTION_ENDED; state++)
		if (!list_is_empty(&subscriptions->states[state]))
			return false;
	return list_is_empty(&subscriptions->leaving);
}

/* All clients have gone: so has all that was subscribed to for them, where it was answered. */
void subscribers_check_end(struct sim *sim)
{
	list_each(&sim->outside.peers, node) {
		struct peer *peer = list_entry(node, struct peer, link);
		const struct sim_upstream *upstream = peer->actor;

		if (peer->kind != PEER_UPSTREAM || peer->state != PEER_OPEN || sim->drains)
			continue;
		for (uint32_t i = 0; i < upstream->feed_count; i++)
			if (upstream->feeds[i].live && !upstream->feeds[i].unanswered)
				sim_fail(sim, "nothing is left over upstream",
					 "upstream %" PRIu64 ": 0x%u", peer->number, i + 1);
		if (!list_is_empty(&peer->connection->feeds))
			sim_fail(sim, "nothing is left over on connections", "upstream %" PRIu64,
				 peer->number);
	}
}
