#include "broker/tool/load_state.h"

#include <stdio.h>
#include "common/clock.h"

/* Dials under way at a time, so that no listener's backlog overflows. */
#define DIALS_MAX 128

/* Requests of an open loop that are sent before sockets are looked at again. */
#define BURST_MAX 4096

/* For the peers' close frames. */
#define GOODBYE_US (US_PER_S / 2)

static struct load_connection *connection_of(struct ws_client *client)
{
	return list_entry(client, struct load_connection, client);
}

void load_close(struct load *load, uint64_t now_us)
{
	load->stage = LOAD_CLOSING;
	load->deadline_us = now_us + GOODBYE_US;
	for (uint32_t i = 0; i < load->live_count; i++)
		ws_client_close(&load->live[i]->client, 1000, span_of("", 0));
	if (load->ended == load->dialled)
		loop_stop(&load->station.loop);
}

static uint64_t awaited(const struct load *load)
{
	return load->outstanding.open - load->stranded;
}

void load_drain(struct load *load, uint64_t now_us, uint64_t patience_us)
{
	load->stage = LOAD_DRAINING;
	load->deadline_us = now_us + patience_us;
	pace_cut(&load->pace, now_us);
	if (awaited(load) == 0)
		load_close(load, now_us);
}

/* One request over the connection; counts as unsent when there is no room for it. */
static void send_one(struct load *load, struct load_connection *connection, uint64_t due_us)
{
	struct span pieces[REQUEST_PIECES];
	struct open_request *request = outstanding_add(&load->outstanding, connection->index);

	if (!request) {
		tally_unsent(load->tally);
		return;
	}
	request->due_us = due_us;
	if (load->keyed)
		request->key = key_space_draw(&load->keys, &load->rng);
	request->measured = pace_counts(&load->pace, due_us);
	if (request_pieces(&load->request, request->id, request->key, pieces) ||
	    station_send(&load->station, &connection->client, pieces, REQUEST_PIECES)) {
		outstanding_withdraw(&load->outstanding, request);
		tally_unsent(load->tally);
		return;
	}
	connection->open++;
}

/* Closed loop: one more, unless all have been sent or the time is over. */
static void send_next(struct load *load, struct load_connection *connection, uint64_t now_us)
{
	if (load->stage != LOAD_RUNNING || pace_is_over(&load->pace, now_us))
		return;
	if (load->settings->count > 0) {
		if (load->left == 0)
			return;
		load->left--;
	}
	send_one(load, connection, now_us);
}

/* Open loop: all that is due goes out now, whether or not the earlier ones have been answered. */
void load_send_due(struct load *load, uint64_t now_us)
{
	uint64_t due_us;

	for (uint32_t i = 0; i < BURST_MAX && load->live_count > 0; i++) {
		if (!pace_take(&load->pace, now_us, &due_us))
			break;
		load->turn = load->turn + 1 < load->live_count ? load->turn + 1 : 0;
		send_one(load, load->live[load->turn], due_us);
	}
	due_us = pace_next_us(&load->pace);
	if (due_us != UINT64_MAX)
		alarm_set(&load->alarm, due_us);
}

static void start(struct load *load, uint64_t now_us)
{
	const struct load_settings *settings = load->settings;

	load->stage = LOAD_RUNNING;
	load->heard_us = now_us;
	load->result->connected = load->live_count;
	pace_start(&load->pace, settings->rate, now_us, settings->warm_up_us,
		   settings->duration_us);
	progress_start(&load->progress, now_us);
	if (settings->rate > 0.0)
		return;
	for (uint64_t round = 0; round < settings->depth; round++) {
		for (uint32_t i = 0; i < load->live_count; i++)
			send_next(load, load->live[i], now_us);
	}
}

static void dial_next(struct load *load)
{
	struct load_connection *connection = &load->connections[load->dialled++];

	station_dial(&load->station, &connection->client, &connection->outbox);
}

/* Keeps DIALS_MAX dials under way until all connections have been tried, then starts. */
void load_dial(struct load *load, uint64_t now_us)
{
	while (load->dialled < load->settings->connections &&
	       load->dialled - load->live_count - load->ended < DIALS_MAX)
		dial_next(load);
	if (load->live_count + load->ended < load->settings->connections)
		return;
	if (load->live_count > 0)
		start(load, now_us);
	else
		loop_stop(&load->station.loop);
}

static void on_opened(struct ws_client *client)
{
	struct load_connection *connection = connection_of(client);
	struct load *load = connection->load;

	connection->up = true;
	connection->live_at = load->live_count;
	load->live[load->live_count++] = connection;
}

static void on_answered(struct load *load, struct load_connection *connection, uint64_t now_us)
{
	connection->open--;
	load->heard_us = now_us;
	if (load->stage == LOAD_RUNNING && load->settings->rate <= 0.0)
		send_next(load, connection, now_us);
	if (awaited(load) > 0)
		return;
	if (load->stage == LOAD_DRAINING)
		load_close(load, now_us);
	else if (load->stage == LOAD_RUNNING && load->settings->count > 0 && load->left == 0)
		load_drain(load, now_us, 0);
}

static void on_data(struct ws_client *client, bool binary, struct span piece, uint64_t frame_left,
		    bool ends_message)
{
	struct load_connection *connection = connection_of(client);
	struct load *load = connection->load;
	struct span message;
	uint64_t now_us;

	switch (inbox_add(&connection->inbox, piece, frame_left == 0, ends_message,
			  ANSWER_BYTES_MAX, ANSWER_FRAMES_MAX, &message)) {
	case INBOX_MORE:
		return;
	case INBOX_COMPLETE:
		break;
	default:
		ws_client_drop(client, "protocol", "an answer is too large");
		return;
	}
	now_us = clock_monotonic_us();
	if (judge_message(&load->judge, connection->index, binary, message, now_us))
		on_answered(load, connection, now_us);
}

static void note_why(struct load *load, const struct ws_end *end)
{
	if (load->result->why[0])
		return;
	load->result->status = end->status;
	snprintf(load->result->why, sizeof(load->result->why), "%s%s%.*s", end->cause,
		 end->text.len > 0 ? ": " : "", (int)end->text.len, end->text.at);
}

static void leave_live(struct load *load, struct load_connection *connection)
{
	struct load_connection *last = load->live[--load->live_count];

	connection->up = false;
	load->live[connection->live_at] = last;
	last->live_at = connection->live_at;
	load->stranded += connection->open;
}

/* A lost connection is not dialled again: what it left unanswered is lost, and whoever measures
 * should know. */
static void on_lost(struct load *load, const struct ws_end *end, uint64_t now_us)
{
	load->tally->connections_lost++;
	note_why(load, end);
	if (load->stage == LOAD_RUNNING && load->live_count == 0)
		load_drain(load, now_us, 0);
	else if (load->stage == LOAD_DRAINING && awaited(load) == 0)
		load_close(load, now_us);
}

static void on_closed(struct ws_client *client, const struct ws_end *end)
{
	struct load_connection *connection = connection_of(client);
	struct load *load = connection->load;
	uint64_t now_us = clock_monotonic_us();
	bool was_up = connection->up;

	connection->over = true;
	load->ended++;
	if (was_up)
		leave_live(load, connection);
	outbox_fini(&connection->outbox);
	inbox_fini(&connection->inbox);
	if (load->stage == LOAD_CLOSING) {
		if (load->ended == load->dialled)
			loop_stop(&load->station.loop);
	} else if (was_up) {
		on_lost(load, end, now_us);
	} else {
		load->tally->connections_failed++;
		note_why(load, end);
	}
}

const struct ws_client_events load_events = {
	.headers = station_headers,
	.opened = on_opened,
	.data = on_data,
	.closed = on_closed,
};
