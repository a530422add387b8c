/* Whether what a client gets is what it asked for. */
#include "tests/sim/sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "proto/transcode.h"

/* What the broker's own errors may be, and for which kinds of asks. */
struct verdict {
	int code;
	const char *reason;
	uint32_t kinds; /* one bit each */
};

#define BIT(kind) (1U << (kind))
#define FORWARDED                                                                                  \
	(BIT(ASK_GET) | BIT(ASK_SET) | BIT(ASK_HUGE_NUMBER) | BIT(ASK_SUBSCRIBE) | BIT(ASK_READ))
#define ANY_KIND UINT32_MAX

static const struct verdict verdicts[] = {
	{-32700, "parse_error", BIT(ASK_GARBAGE)},
	{-32600, "invalid_request", BIT(ASK_BAD_BATCH) | BIT(ASK_NO_METHOD) | BIT(ASK_BAD_OPTIONS)},
	{-32600, "not_transcodable", BIT(ASK_HUGE_NUMBER)},
	{-32601, "no_route", BIT(ASK_NO_ROUTE)},
	{-32601, "method_denied", BIT(ASK_DENIED)},
	{-32000, "unavailable", FORWARDED},
	{-32001, "upstream_lost", FORWARDED},
	{-32001, "not_transcodable", FORWARDED},
	{-32002, "timeout", FORWARDED},
	{-32003, "overloaded", FORWARDED},
	{-32004, "rate_limited", ANY_KIND & ~(BIT(ASK_GARBAGE) | BIT(ASK_BAD_BATCH))},
	{-32005, "not_cached", BIT(ASK_NOT_CACHED)},
};

/* The broker's error as JSON; absent when it is not one of the broker's. */
static struct span judge_error_text(struct sim *sim, const struct message *message)
{
	strbuf_clear(&sim->scratch);
	if (!message->error.at ||
	    transcode(message->encoding, ENCODING_JSON, message->error, &sim->scratch))
		return span_of(NULL, 0);
	if (!strstr(sim->scratch.text, "\"source\":\"wsbroker\""))
		return span_of(NULL, 0);
	return strbuf_span(&sim->scratch);
}

static const struct verdict *judge_verdict(struct sim *sim, struct span error)
{
	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
		char code[32], reason[64];

		snprintf(code, sizeof(code), "\"code\":%d,", verdicts[i].code);
		snprintf(reason, sizeof(reason), "\"reason\":\"%s\"", verdicts[i].reason);
		if (strstr(error.at, code) && strstr(error.at, reason))
			return &verdicts[i];
	}
	sim_fail(sim, "errors are those of the contract", "%.*s", (int)error.len, error.at);
}

static bool verdict_is(const struct verdict *verdict, const char *reason)
{
	return strcmp(verdict->reason, reason) == 0;
}

/* Why the error cannot be true of this ask; NULL: it can. */
static const char *judge_lie(const struct sim *sim, const struct ask *ask,
			     const struct verdict *verdict)
{
	if (!(verdict->kinds & BIT(ask->kind)))
		return "the error does not fit the request";
	if (verdict_is(verdict, "upstream_lost") && ask->writes == 0 &&
	    ask->kind != ASK_SUBSCRIBE && ask->kind != ASK_READ)
		return "upstream_lost, and it was never written";
	if ((verdict_is(verdict, "unavailable") || verdict_is(verdict, "overloaded")) &&
	    ask->writes > 0 && ask->kind != ASK_GET && !sim->outside.engine->draining)
		return "it was written, and is said to have waited";
	if (verdict_is(verdict, "timeout") && sim->outside.now_us < ask->heard_us + ask->timeout_us)
		return "timeout before the time";
	if (verdict_is(verdict, "rate_limited") && !sim->latitude.may_be_limited)
		return "rate_limited without a limit";
	return NULL;
}

static bool ids_are_equal(const struct ask *ask, const struct message *message)
{
	return ask->encoding == message->encoding &&
	       span_equal(message->id, span_of(ask->id, ask->id_len));
}

static void judge_close(struct sim *sim, struct ask *ask)
{
	struct ask *twin = ask->state == ASK_DONE ? asks_twin(sim, ask, ASK_OPEN) : NULL;

	if (ask->state == ASK_OPEN)
		ask->state = ASK_DONE;
	else if (twin)
		twin->state = ASK_DONE;
	else
		sim_fail(sim, "each request is answered once", "ask %u of client %u, state %d",
			 ask->number, ask->client, (int)ask->state);
	sim_trace(sim, "ask %u is answered", ask->number);
}

static void judge_explain(struct sim *sim, const struct ask *ask, const struct message *message)
{
	bool must = ask->explain && !message->failed;

	if (must && !message->options.at)
		sim_fail(sim, "explain explains", "ask %u", ask->number);
	if (!ask->explain && message->options.at)
		sim_fail(sim, "nothing is explained unasked", "ask %u", ask->number);
}

/* A result or an upstream's error: it says by its marker whose it is. */
static void judge_echo(struct sim *sim, struct sim_client *client, struct ask *ask,
		       const struct message *message)
{
	struct span params = span_of(ask->params, ask->params_len);
	struct span result = message->result;

	if (result.at && span_begins(result, SIM_BYTES_ANSWER))
		result = span_of(result.at + strlen(SIM_BYTES_ANSWER),
				 result.len - strlen(SIM_BYTES_ANSWER));
	if (ask->client != client->number)
		sim_fail(sim, "no answer goes to another client", "ask %u of %u went to %u",
			 ask->number, ask->client, client->number);
	if (ask->kind > ASK_HUGE_NUMBER || ask->writes == 0)
		sim_fail(sim, "answers come from where requests went", "ask %u", ask->number);
	if (!ids_are_equal(ask, message))
		sim_fail(sim, "ids come back byte for byte", "ask %u: %.*s is now %.*s",
			 ask->number, ask->id_len, ask->id, (int)message->id.len,
			 message->id.at ? message->id.at : "");
	if (!message->failed && !span_equal(result, params))
		sim_fail(sim, "results arrive as they were sent", "ask %u: %.*s", ask->number,
			 (int)message->result.len, message->result.at ? message->result.at : "");
	judge_explain(sim, ask, message);
}

/* Whether a message without a marker can be the answer to this ask. */
static const char *judge_own(struct sim *sim, struct ask *ask, const struct message *message)
{
	struct span error = judge_error_text(sim, message);

	if (error.at)
		return judge_lie(sim, ask, judge_verdict(sim, error));
	if (ask->kind == ASK_SUBSCRIBE || ask->kind == ASK_UNSUBSCRIBE)
		return subscribers_judge(sim, ask, message);
	if (ask->kind == ASK_READ) {
		judge_explain(sim, ask, message);
		return readers_judge(sim, ask, message);
	}
	if (message->failed)
		return "an error that nobody made";
	if (ask->kind != ASK_PING && ask->kind != ASK_RESPOND)
		return "a result that nobody made";
	judge_explain(sim, ask, message);
	return NULL;
}

static void judge_single(struct sim *sim, struct sim_client *client, const struct message *message)
{
	struct ask *ask = asks_find_marked(sim, message->text);
	const char *lie = "no such request is open";

	if (ask) {
		judge_echo(sim, client, ask, message);
		judge_close(sim, ask);
		return;
	}
	for (uint32_t i = 0; i < sim->ask_count; i++) {
		ask = &sim->asks[i];
		if (ask->client != client->number || ask->state != ASK_OPEN || ask->batched ||
		    !ids_are_equal(ask, message))
			continue;
		lie = judge_own(sim, ask, message);
		if (!lie || asks_twin(sim, ask, ASK_DONE)) {
			judge_close(sim, ask);
			return;
		}
	}
	sim_fail(sim, "answers belong to requests", "client %u: %s: %.*s", client->number, lie,
		 (int)message->text.len, message->text.at);
}

/* Whether the array answers the members of this batch, one by one in their order. */
static const char *judge_batch_fit(struct sim *sim, struct sim_client *client,
				   const struct ask_batch *batch, const struct message *array,
				   bool close)
{
	struct batch_walk walk;
	struct span member;

	batch_begin(&walk, array);
	for (uint32_t i = 0; i < batch->count; i++) {
		struct ask *ask = &sim->asks[batch->first + i];
		struct message message;
		struct ask *marked;
		const char *lie;

		if (!ask->wants_answer)
			continue;
		if (!batch_next(&walk, &member))
			return "a member is missing";
		if (envelope_scan(sim->envelope, FROM_UPSTREAM, array->encoding, member, &message))
			return "a member is no message";
		marked = asks_find_marked(sim, member);
		if (marked && marked != ask)
			return "an answer stands in another's place";
		if (!marked && !ids_are_equal(ask, &message))
			return "an id stands in another's place";
		if (marked)
			judge_echo(sim, client, ask, &message);
		lie = marked ? NULL : judge_own(sim, ask, &message);
		if (lie)
			return lie;
		if (close)
			judge_close(sim, ask);
	}
	return batch_next(&walk, &member) ? "a member too many" : NULL;
}

static void judge_batch(struct sim *sim, struct sim_client *client, const struct message *array)
{
	struct ask *marked = asks_find_marked(sim, array->text);
	const char *lie = "no batch is open";

	if (marked && marked->client != client->number)
		sim_fail(sim, "no answer goes to another client", "ask %u of %u went to %u",
			 marked->number, marked->client, client->number);
	for (uint32_t i = 0; i < sim->batch_count; i++) {
		struct ask_batch *batch = &sim->batches[i];

		if (!batch->open || sim->asks[batch->first].client != client->number ||
		    (marked && marked->batch != i))
			continue;
		lie = judge_batch_fit(sim, client, batch, array, false);
		if (lie)
			continue;
		judge_batch_fit(sim, client, batch, array, true);
		batch->open = false;
		return;
	}
	sim_fail(sim, "batches are answered in their order", "client %u: %s: %.*s", client->number,
		 lie, (int)array->text.len, array->text.at);
}

static void judge_payload(struct sim *sim, struct sim_client *client, enum encoding encoding,
			  struct span payload)
{
	struct message message;

	if (envelope_scan(sim->envelope, FROM_UPSTREAM, encoding, payload, &message) ||
	    message.flaw != FLAW_NONE)
		sim_fail(sim, "clients get whole messages", "client %u: %.*s", client->number,
			 (int)payload.len, payload.at);
	sim_trace_words(sim, client, "hears", payload);
	if (message.batch)
		judge_batch(sim, client, &message);
	else if (!subscribers_hear(sim, client, &message))
		judge_single(sim, client, &message);
}

void judge_message(struct sim *sim, struct sim_client *client, bool binary, struct span payload)
{
	judge_payload(sim, client, binary ? ENCODING_MSGPACK : ENCODING_JSON, payload);
}

void judge_post(struct sim *sim, struct sim_client *client)
{
	const struct peer *post = client->peer;

	sim_trace(sim, "client %u gets status %d", client->number, post->status);
	if (post->status == 204) {
		for (uint32_t i = 0; i < client->ask_count; i++) {
			if (sim->asks[client->first_ask + i].state == ASK_OPEN)
				sim_fail(sim, "requests by POST are answered", "ask %u",
					 client->first_ask + i);
		}
		return;
	}
	if (post->status != 200 && post->status != 503 && post->status != 429)
		sim_fail(sim, "statuses are those of the contract", "%d", post->status);
	if ((post->status == 200) != (post->retry_after_s == 0))
		sim_fail(sim, "refusals say when to come again", "%d", post->status);
	judge_payload(sim, client, post->encoding, strbuf_span(&post->body));
}
