/* What clients say: every form of id, both encodings, alone or in batches, and what is no message.
 */
#include "tests/sim/sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/support/compose.h"
#include "tests/support/must.h"

/* Begins the text in the params by which a message is known wherever it turns up. */
#define MARK "#ask:"

static struct ask *asks_add(struct sim *sim, struct sim_client *client, enum encoding encoding)
{
	struct ask *ask;

	if (sim->ask_count == sim->ask_capacity) {
		sim->ask_capacity = sim->ask_capacity ? sim->ask_capacity * 2 : 128;
		sim->asks = must_realloc(sim->asks, sim->ask_capacity * sizeof(*sim->asks));
	}
	ask = &sim->asks[sim->ask_count];
	*ask = (struct ask){
		.number = sim->ask_count,
		.client = client->number,
		.encoding = encoding,
		.wants_answer = true,
	};
	sim->ask_count++;
	client->ask_count++;
	return ask;
}

static void ask_keep_id(struct ask *ask, const void *bytes, size_t len)
{
	memcpy(ask->id, bytes, len);
	ask->id_len = (uint8_t)len;
}

/* All that JSON allows; some are unique, some equal to everybody's. */
static void ask_name_json(struct sim *sim, struct ask *ask, bool alone)
{
	static const char *const forms[] = {
		"%u",
		"\"id-%u\"",
		"\"\\u0069d-%u\\n\"",
		"%u00000000000000000000001",
		"-%u",
		"%u.50",
		"1e%u",
		"\"550e8400-e29b-41d4-a716-%012u\"",
	};
	static const char *const equal[] = {"null", "1", "0", "\"x\"", "\"\""};
	char text[SIM_ID_MAX];

	if (alone && sim_chance(sim, 20)) {
		const char *id = equal[sim_pick(sim, 0, 4)];

		ask_keep_id(ask, id, strlen(id));
		return;
	}
	switch (sim_pick(sim, 0, 7)) {
		/* From 2 up: 1 is everybody's. */
#define FORM(n)                                                                                    \
	case n:                                                                                    \
		snprintf(text, sizeof(text), forms[n], ask->number + 2);                           \
		break
		FORM(0);
		FORM(1);
		FORM(2);
		FORM(3);
		FORM(4);
		FORM(5);
		FORM(6);
		FORM(7);
	}
	ask_keep_id(ask, text, strlen(text));
}

static void ask_name_msgpack(struct sim *sim, struct ask *ask, bool alone)
{
	static const struct {
		uint8_t first;
		uint8_t bytes;
	} forms[] = {{0xce, 4}, {0xcd, 2}, {0xd3, 8}, {0xcf, 8}, {0xcb, 8}, {0xd2, 4}};
	static const char equal[] = {(char)0xc0, 0x01, (char)0xff, (char)0xa0};
	uint8_t id[SIM_ID_MAX];
	size_t form = sim_pick(sim, 0, 7);

	if (alone && sim_chance(sim, 20)) {
		ask_keep_id(ask, &equal[sim_pick(sim, 0, 3)], 1);
		return;
	}
	if (form < 6) {
		id[0] = forms[form].first;
		for (uint8_t i = 0; i < forms[form].bytes; i++)
			id[1 + i] =
				(uint8_t)(ask->number >> (8 * (forms[form].bytes - 1 - i) % 32));
		ask_keep_id(ask, id, 1U + forms[form].bytes);
		return;
	}
	id[0] = form == 6 ? 0xaa : 0xd9;
	id[1] = 10;
	snprintf((char *)id + (form == 6 ? 1 : 2), 11, "k%09u", ask->number);
	ask_keep_id(ask, id, form == 6 ? 11 : 12);
}

static void ask_params(struct sim *sim, struct ask *ask)
{
	char pad[2001];
	size_t len = sim_chance(sim, 10) ? sim_pick(sim, 0, 2000) : sim_pick(sim, 0, 60);
	char json[2200];
	struct strbuf token;

	memset(pad, 'a' + (int)(ask->number % 26), len);
	pad[len] = '\0';
	snprintf(json, sizeof(json),
		 "{\"m\":\"" MARK "%u.%u#\",\"pad\":\"%s\",\"n\":[1,-70000,true,null,1.5]%s}",
		 ask->client, ask->number, pad,
		 ask->kind == ASK_HUGE_NUMBER ? ",\"big\":123456789012345678901234567890" : "");
	strbuf_init(&token);
	compose_json(&token, ask->encoding, json);
	ask->params = token.text;
	ask->params_len = token.len;
}

/* The `wsbroker` member, as JSON; NULL: none. */
static const char *ask_options(struct sim *sim, struct ask *ask)
{
	if (ask->kind == ASK_BAD_OPTIONS)
		return "{\"nonsense\":1}";
	if (ask->kind == ASK_NOT_CACHED)
		return "{\"cache\":\"only\"}";
	if ((ask->kind > ASK_HUGE_NUMBER && ask->kind != ASK_RESPOND && ask->kind != ASK_READ) ||
	    !sim_chance(sim, 15))
		return NULL;
	ask->explain = ask->wants_answer && sim_chance(sim, 60);
	if (sim_chance(sim, 50)) {
		ask->timeout_us = 40 * MS;
		return ask->explain ? "{\"explain\":true,\"timeout\":\"40ms\"}"
				    : "{\"timeout\":\"40ms\"}";
	}
	return ask->explain ? "{\"explain\":true}" : "{}";
}

static const char *ask_method(const struct sim *sim, const struct ask *ask)
{
	switch (ask->kind) {
	case ASK_GET:
		return sim->setup.routes[2 * ask->pool].method;
	case ASK_PING:
		return "wsbroker.ping";
	case ASK_RESPOND:
		return "respond";
	case ASK_DENIED:
		return "denied.this";
	case ASK_NO_ROUTE:
		return "nobody.knows";
	case ASK_DROPPED:
		return "dropped";
	case ASK_NO_METHOD:
		return NULL;
	case ASK_SUBSCRIBE:
	case ASK_UNSUBSCRIBE:
		return subscribers_method(ask);
	case ASK_READ:
		return readers_method(ask);
	default:
		return sim->setup.routes[2 * ask->pool + 1].method;
	}
}

static enum ask_kind ask_kind_at_random(struct sim *sim, const struct sim_client *client,
					enum encoding encoding)
{
	static const enum ask_kind rare[] = {ASK_PING,	   ASK_RESPOND,	    ASK_DENIED,
					     ASK_NO_ROUTE, ASK_BAD_OPTIONS, ASK_NOT_CACHED,
					     ASK_DROPPED,  ASK_NO_METHOD,   ASK_HUGE_NUMBER};
	enum ask_kind kind;

	if (sim->reads && sim_chance(sim, 50))
		return ASK_READ;
	if (!sim_chance(sim, 20))
		return sim_chance(sim, 60) ? ASK_GET : ASK_SET;
	if (sim->subscribes && !client->post && sim_chance(sim, 60))
		return sim_chance(sim, 65) ? ASK_SUBSCRIBE : ASK_UNSUBSCRIBE;
	kind = rare[sim_pick(sim, 0, 8)];
	return kind == ASK_HUGE_NUMBER && encoding == ENCODING_MSGPACK ? ASK_GET : kind;
}

/* In a batch an id may be its neighbour's. It is nobody else's then: two batches of errors alone
 * could not be told apart. */
static void ask_name(struct sim *sim, const struct sim_client *client, struct ask *ask, bool alone)
{
	const struct ask *neighbour = ask - 1;

	if (!alone && client->ask_count > 1 && neighbour->id_len > 0 && sim_chance(sim, 10))
		ask_keep_id(ask, neighbour->id, neighbour->id_len);
	else if (ask->encoding == ENCODING_JSON)
		ask_name_json(sim, ask, alone);
	else
		ask_name_msgpack(sim, ask, alone);
}

static bool is_about_subscriptions(const struct ask *ask)
{
	return ask->kind == ASK_SUBSCRIBE || ask->kind == ASK_UNSUBSCRIBE;
}

/* Appends one message that is a request or notification, alone or a member of a batch. */
static void ask_compose(struct sim *sim, struct sim_client *client, enum encoding encoding,
			bool alone)
{
	struct ask *ask = asks_add(sim, client, encoding);
	const struct route_settings *route;
	const char *options;
	struct strbuf token;

	ask->kind = ask_kind_at_random(sim, client, encoding);
	/* One that is dropped and also passes its client's rate is answered after all, which a
	 * batch cannot be judged by. */
	if (!alone && ask->kind == ASK_DROPPED && sim->latitude.may_be_limited)
		ask->kind = ASK_PING;
	ask->pool = (uint32_t)sim_pick(sim, 0, sim->plain - 1);
	ask->wants_answer =
		ask->kind == ASK_NO_METHOD || is_about_subscriptions(ask) || !sim_chance(sim, 12);
	/* One to be dropped is answered when it passes the rate, which a reload may bring. */
	if (ask->kind == ASK_DROPPED &&
	    (sim->reloads || sim->setup.config.limits.rate_per_client > 0))
		ask->wants_answer = false;
	if (ask->wants_answer)
		ask_name(sim, client, ask,
			 alone && !is_about_subscriptions(ask) && ask->kind != ASK_READ);
	route = &sim->setup.routes[2 * ask->pool + (ask->kind == ASK_GET ? 0 : 1)];
	ask->timeout_us = route->timeout_us;
	if (ask->kind == ASK_READ)
		readers_fill(sim, ask);
	else if (is_about_subscriptions(ask))
		subscribers_fill(sim, client, ask);
	else
		ask_params(sim, ask);
	options = is_about_subscriptions(ask) ? NULL : ask_options(sim, ask);
	strbuf_init(&token);
	if (options)
		compose_json(&token, encoding, options);
	compose_request(&client->outgoing, encoding,
			ask->id_len ? span_of(ask->id, ask->id_len) : span_of(NULL, 0),
			ask_method(sim, ask), span_of(ask->params, ask->params_len),
			options ? strbuf_span(&token) : span_of(NULL, 0));
	strbuf_fini(&token);
	if (ask->kind == ASK_DROPPED)
		ask->wants_answer = false;
}

static void asks_compose_batch(struct sim *sim, struct sim_client *client, enum encoding encoding)
{
	uint32_t most = sim->setup.config.limits.batch;
	uint32_t usual = sim_chance(sim, 10) ? 20 : 6;
	uint32_t count = (uint32_t)sim_pick(sim, 1, most < usual ? most : usual);
	struct ask_batch *batch;
	struct ask *ask;

	if (sim->batch_count == sim->batch_capacity) {
		sim->batch_capacity = sim->batch_capacity ? sim->batch_capacity * 2 : 16;
		sim->batches =
			must_realloc(sim->batches, sim->batch_capacity * sizeof(*sim->batches));
	}
	batch = &sim->batches[sim->batch_count++];
	*batch = (struct ask_batch){.first = sim->ask_count, .count = count};
	for (uint32_t i = 0; i < count; i++) {
		compose_batch(&client->outgoing, encoding, i, count);
		ask_compose(sim, client, encoding, false);
		ask = &sim->asks[batch->first + i];
		ask->batched = true;
		ask->batch = sim->batch_count - 1;
		if (batch->longest_us < ask->timeout_us)
			batch->longest_us = ask->timeout_us;
	}
	compose_batch(&client->outgoing, encoding, count, count);
}

/* What is answered with an error whose id is null. */
static void asks_compose_nonsense(struct sim *sim, struct sim_client *client,
				  enum encoding encoding)
{
	static const char *const garbage[] = {"", "hello", "{\"id\":1,", "{}x", "[1,2", "nul"};
	struct ask *ask = asks_add(sim, client, encoding);
	uint32_t count = sim_chance(sim, 50) ? 0 : sim->setup.config.limits.batch + 1;

	if (encoding == ENCODING_JSON)
		ask_keep_id(ask, "null", 4);
	else
		ask_keep_id(ask, "\xc0", 1);
	if (sim_chance(sim, 30)) {
		ask->kind = ASK_BAD_BATCH;
		for (uint32_t i = 0; i < count; i++) {
			compose_batch(&client->outgoing, encoding, i, count);
			strbuf_text(&client->outgoing, encoding == ENCODING_JSON ? "{}" : "\x80");
		}
		compose_batch(&client->outgoing, encoding, count, count);
		return;
	}
	ask->kind = ASK_GARBAGE;
	if (encoding == ENCODING_MSGPACK) {
		strbuf_add(&client->outgoing, span_of("\xc1\x81", 2));
		return;
	}
	strbuf_text(&client->outgoing, garbage[sim_pick(sim, 0, 5)]);
	if (!client->post && sim_chance(sim, 30)) {
		strbuf_add(&client->outgoing, span_of("\xc3(", 2));
		client->breaks_rules = true;
		client->binary = false;
	}
}

void asks_compose(struct sim *sim, struct sim_client *client)
{
	enum encoding encoding = sim_chance(sim, 30) ? ENCODING_MSGPACK : ENCODING_JSON;
	uint64_t dice = sim_pick(sim, 0, 99);

	strbuf_clear(&client->outgoing);
	client->first_ask = sim->ask_count;
	client->ask_count = 0;
	client->sent = 0;
	client->binary = encoding == ENCODING_MSGPACK || (dice < 90 && sim_chance(sim, 10));
	if (dice < 78)
		ask_compose(sim, client, encoding, true);
	else if (dice < 95)
		asks_compose_batch(sim, client, encoding);
	else
		asks_compose_nonsense(sim, client, encoding);
	if (client->outgoing.len > sim->setup.config.limits.message_bytes)
		client->breaks_rules = true;
	client->sending = true;
}

struct ask *asks_find_marked(struct sim *sim, struct span text)
{
	const char *at = text.len ? memmem(text.at, text.len, MARK, sizeof(MARK) - 1) : NULL;
	uint32_t client, number;
	char mark[32];

	if (!at)
		return NULL;
	snprintf(mark, sizeof(mark), "%.*s", (int)(text.len - (size_t)(at - text.at)), at);
	if (sscanf(mark, MARK "%" SCNu32 ".%" SCNu32 "#", &client, &number) != 2 ||
	    number >= sim->ask_count || sim->asks[number].client != client)
		sim_fail(sim, "a marker that nobody made", "%s", mark);
	return &sim->asks[number];
}

static bool asks_look_alike(const struct ask *a, const struct ask *b)
{
	return a != b && a->client == b->client && !a->batched && !b->batched &&
	       a->encoding == b->encoding && a->id_len == b->id_len &&
	       memcmp(a->id, b->id, a->id_len) == 0;
}

struct ask *asks_twin(struct sim *sim, const struct ask *ask, enum ask_state state)
{
	for (uint32_t i = 0; i < sim->ask_count; i++) {
		if (sim->asks[i].state == state && asks_look_alike(&sim->asks[i], ask))
			return &sim->asks[i];
	}
	return NULL;
}
