/* The clients: they come, ask in pieces, read fast or slowly, and go. */
#include "tests/sim/sim.h"

#include <string.h>

#define TAKE_ALL SIZE_MAX

static void client_void_asks(struct sim *sim, const struct sim_client *client)
{
	subscribers_gone(sim, client);
	for (uint32_t i = 0; i < sim->ask_count; i++) {
		struct ask *ask = &sim->asks[i];

		if (ask->client != client->number)
			continue;
		if (ask->state != ASK_DONE)
			ask->state = ASK_VOID;
		if (ask->batched)
			sim->batches[ask->batch].open = false;
	}
}

/* The message has been heard as a whole: from now on answers are due. */
static void client_said(struct sim *sim, struct sim_client *client)
{
	client->sending = false;
	for (uint32_t i = 0; i < client->ask_count; i++) {
		struct ask *ask = &sim->asks[client->first_ask + i];

		ask->state = ask->wants_answer ? ASK_OPEN : ASK_VOID;
		ask->heard_us = sim->outside.now_us;
		if (ask->kind == ASK_READ)
			readers_heard(sim, ask);
		if (ask->batched && ask->wants_answer)
			sim->batches[ask->batch].open = true;
	}
}

static void client_arrive_with_post(struct sim *sim, struct sim_client *client,
				    const struct admittance *admittance)
{
	enum encoding encoding;

	asks_compose(sim, client);
	if (client->ask_count == 0)
		return;
	client->left = 0;
	encoding = sim->asks[client->first_ask].encoding;
	sim_trace_words(sim, client, "posts", strbuf_span(&client->outgoing));
	client_said(sim, client);
	client->peer = outside_post(&sim->outside, 0, admittance, encoding,
				    strbuf_span(&client->outgoing));
	if (sim_chance(sim, 20))
		agenda_add(&sim->agenda, sim->outside.now_us + sim_pick(sim, 0, 500 * MS),
			   EVENT_LEAVE, client);
}

void client_arrive(struct sim *sim, struct sim_client *client)
{
	uint64_t now_us = sim->outside.now_us;
	struct admittance admittance;
	int status = outside_knock(&sim->outside, !client->post, &admittance);

	if (client->peer)
		return;
	client->breaks_rules = false;
	client->first_of_session = sim->ask_count;
	memset(client->newest, 0, sizeof(client->newest));
	client->sending = false;
	if (status != (client->post ? 200 : 101)) {
		if (status != 503 || !sim->outside.engine->draining)
			sim_fail(sim, "admission", "status %d for client %u", status,
				 client->number);
		client->left = 0;
		return;
	}
	if (client->post) {
		client_arrive_with_post(sim, client, &admittance);
		return;
	}
	if (sim_chance(sim, 10))
		admittance.holds_us = sim_pick(sim, 1, 500 * MS);
	client->expires_us = admittance.holds_us ? now_us + admittance.holds_us : 0;
	client->peer = outside_client(&sim->outside, 0, &admittance);
	if (!client->peer)
		sim_fail(sim, "admission", "client %u was let in and not taken", client->number);
	client->peer->actor = client;
	sim_trace(sim, "client %u arrives%s%s", client->number, client->slow ? ", slow" : "",
		  client->mute ? ", mute" : "");
	agenda_add(&sim->agenda, now_us, EVENT_SPEAK, client);
	if (client->slow)
		agenda_add(&sim->agenda, now_us, EVENT_DRINK, client);
}

/* What a peer that sends in pieces hands over next. */
static void client_send_piece(struct sim *sim, struct sim_client *client)
{
	struct span all = strbuf_span(&client->outgoing);
	size_t left = all.len - client->sent;
	size_t len = left;
	bool ends_message, ends_frame;
	const struct limits_settings *limits = &sim->setup.config.limits;

	if (client->fragments && left > 1 && sim_chance(sim, 70))
		len = sim_pick(sim, 0, left < 60 ? left : 60);
	ends_message = client->sent + len == all.len;
	ends_frame = ends_message || (client->fragments && sim_chance(sim, 40));
	if (ends_frame && ++client->frames > limits->fragments)
		client->breaks_rules = true;
	if (ends_message)
		client_said(sim, client);
	client->sent += len;
	peer_piece(client->peer, client->binary, span_of(all.at + client->sent - len, len),
		   ends_frame, ends_message);
}

static uint64_t client_pause_us(struct sim *sim, const struct sim_client *client)
{
	if (client->sending)
		return sim_chance(sim, 60) ? 0 : sim_pick(sim, 0, 20 * MS);
	/* Bursts, so that queues fill up. */
	return sim_chance(sim, 40) ? 0 : sim_pick(sim, 0, client->think_us);
}

void client_speak(struct sim *sim, struct sim_client *client)
{
	struct peer *peer = client->peer;
	uint64_t now_us = sim->outside.now_us;

	if (!peer || peer->state != PEER_OPEN || client->post)
		return;
	if (peer->paused && !(client->deaf_to_pause && sim_chance(sim, 30))) {
		agenda_add(&sim->agenda, now_us + 5 * MS, EVENT_SPEAK, client);
		return;
	}
	if (!client->sending) {
		if (client->left == 0 || now_us >= sim->calm_us) {
			if (sim_chance(sim, 40) && !sim->drains)
				agenda_add(&sim->agenda, now_us + sim_pick(sim, 0, 300 * MS),
					   EVENT_LEAVE, client);
			return;
		}
		client->left--;
		client->frames = 0;
		asks_compose(sim, client);
		sim_trace(sim, "client %u says asks %u..%u", client->number, client->first_ask,
			  client->first_ask + client->ask_count - 1);
		sim_trace_words(sim, client, "says", strbuf_span(&client->outgoing));
	}
	client_send_piece(sim, client);
	agenda_add(&sim->agenda, now_us + client_pause_us(sim, client), EVENT_SPEAK, client);
	if (sim_chance(sim, 1))
		agenda_add(&sim->agenda, now_us + sim_pick(sim, 0, 30 * MS), EVENT_LEAVE, client);
}

static void client_judge_all(struct sim *sim, struct sim_client *client)
{
	struct peer *peer = client->peer;
	struct frame frame;

	while (peer_next(peer, &frame))
		judge_message(sim, client, frame.opcode == WS_BINARY, frame.payload);
	if (peer->stream.flaw)
		sim_fail(sim, "frames to clients are well-formed", "client %u: %s", client->number,
			 peer->stream.flaw);
	if (peer->pings && !client->mute) {
		peer->pings = 0;
		agenda_add(&sim->agenda, sim->outside.now_us + sim_pick(sim, 0, 20 * MS),
			   EVENT_PONG, peer);
	}
}

void client_read(struct sim *sim, struct sim_client *client, size_t max)
{
	if (!client->peer)
		return;
	peer_take(client->peer, max);
	client_judge_all(sim, client);
}

void client_gone(struct sim *sim, struct sim_client *client)
{
	client_void_asks(sim, client);
	client->peer = NULL;
	client->sending = false;
	if (client->left > 0 && sim->outside.now_us < sim->calm_us && sim_chance(sim, 60))
		agenda_add(&sim->agenda, sim->outside.now_us + sim_pick(sim, 0, 200 * MS),
			   EVENT_ARRIVE, client);
}

void client_leave(struct sim *sim, struct sim_client *client, uint16_t code)
{
	struct peer *peer = client->peer;

	if (!peer)
		return;
	sim_trace(sim, "client %u leaves", client->number);
	/* What has been written to it is its own, even when it goes. */
	if (!client->slow && peer->kind == PEER_CLIENT)
		client_read(sim, client, TAKE_ALL);
	client_void_asks(sim, client);
	peer_end(peer, "eof", code, span_of("", 0));
	client_gone(sim, client);
}
