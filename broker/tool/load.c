#include "broker/tool/load.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include "broker/io/alarm.h"
#include "broker/tool/judge.h"
#include "broker/tool/pace.h"
#include "broker/tool/progress.h"
#include "broker/tool/request.h"
#include "broker/tool/station.h"
#include "broker/tool/workload.h"
#include "common/clock.h"
#include "common/inbox.h"

/* Dials under way at a time, so that no listener's backlog overflows. */
#define DIALS_MAX 128

/* Unwritten requests of one connection; beyond them they count as unsent. */
#define SEND_BUFFER_BYTES ((size_t)64 * 1024 * 1024)

/* Requests of an open loop that are sent before sockets are looked at again. */
#define BURST_MAX 4096

/* For the peers' close frames. */
#define GOODBYE_US (US_PER_S / 2)

struct load;

struct load_connection {
	struct ws_client client;
	struct load *load;
	struct outbox outbox;
	struct inbox inbox;
	uint32_t index;
	uint32_t live_at; /* place in load->live while open */
	uint32_t open;	  /* requests */
	bool up;
	bool over;
};

enum load_stage {
	LOAD_CONNECTING,
	LOAD_RUNNING,
	LOAD_DRAINING, /* nothing more is sent; answers are awaited */
	LOAD_CLOSING,
};

struct load {
	struct station station;
	const struct load_settings *settings;
	struct load_result *result;
	struct tally *tally;
	struct alarm alarm;
	struct outstanding outstanding;
	struct expectation expectation;
	struct judge judge;
	struct request request;
	struct key_space keys;
	bool keyed; /* requests or what is expected depend on a key */
	struct rng rng;
	struct pace pace;
	struct progress progress;
	struct load_connection *connections;
	struct load_connection **live; /* those that are open, in no order */
	uint32_t live_count;
	uint32_t turn; /* whose turn it is in an open loop */
	uint32_t dialled;
	uint32_t ended;
	uint64_t left;	      /* requests still to be sent where their number is set */
	uint64_t deadline_us; /* of draining and of closing */
	uint64_t heard_us;    /* the last answer */
	uint64_t stranded;    /* requests open on connections that are gone */
	enum load_stage stage;
	bool asked_to_stop;
	bool cut_short;
};

static struct load_connection *connection_of(struct ws_client *client)
{
	return list_entry(client, struct load_connection, client);
}

static void close_all(struct load *load, uint64_t now_us)
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

static void drain(struct load *load, uint64_t now_us, uint64_t patience_us)
{
	load->stage = LOAD_DRAINING;
	load->deadline_us = now_us + patience_us;
	pace_cut(&load->pace, now_us);
	if (awaited(load) == 0)
		close_all(load, now_us);
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
static void send_due(struct load *load, uint64_t now_us)
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
static void dial_more(struct load *load, uint64_t now_us)
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
		close_all(load, now_us);
	else if (load->stage == LOAD_RUNNING && load->settings->count > 0 && load->left == 0)
		drain(load, now_us, 0);
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
		drain(load, now_us, 0);
	else if (load->stage == LOAD_DRAINING && awaited(load) == 0)
		close_all(load, now_us);
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

static const struct ws_client_events events = {
	.headers = station_headers,
	.opened = on_opened,
	.data = on_data,
	.closed = on_closed,
};

static void on_turn(void *context)
{
	struct load *load = context;
	uint64_t now_us = clock_monotonic_us();

	if (load->stage == LOAD_CONNECTING)
		dial_more(load, now_us);
	if (load->stage == LOAD_RUNNING && load->settings->rate > 0.0)
		send_due(load, now_us);
	station_turn(&load->station);
}

/* Where the number of requests is set there is no end of time: a peer that has fallen silent ends
 * it. */
static bool is_stalled(const struct load *load, uint64_t now_us)
{
	return load->settings->count > 0 &&
	       now_us - load->heard_us > load->settings->arguments->timeout_us;
}

static void on_tick(void *context, uint64_t now_us, uint64_t lag_us)
{
	struct load *load = context;

	(void)lag_us;
	station_tick(&load->station, now_us);
	if (load->stage == LOAD_RUNNING && load->settings->progress)
		progress_tick(&load->progress, load->tally, &load->pace, now_us);
	if (load->stage == LOAD_RUNNING && is_stalled(load, now_us))
		drain(load, now_us, 0);
	else if (load->stage == LOAD_RUNNING && pace_is_over(&load->pace, now_us))
		drain(load, now_us, load->settings->arguments->timeout_us);
	if (load->stage == LOAD_DRAINING && now_us >= load->deadline_us)
		close_all(load, now_us);
	else if (load->stage == LOAD_CLOSING && now_us >= load->deadline_us)
		loop_stop(&load->station.loop);
}

static void on_stop_asked(void *context)
{
	struct load *load = context;

	if (load->stage == LOAD_RUNNING && !load->asked_to_stop) {
		load->asked_to_stop = true;
		drain(load, clock_monotonic_us(), load->settings->arguments->timeout_us);
		return;
	}
	load->cut_short = true;
	loop_stop(&load->station.loop);
}

static const struct loop_hooks hooks = {
	.turn = on_turn,
	.tick = on_tick,
	.stop_asked = on_stop_asked,
};

static uint32_t open_limit(const struct load_settings *settings)
{
	uint64_t wanted = settings->connections * settings->depth;

	if (settings->rate > 0.0)
		return LOAD_OPEN_MAX;
	return wanted < OUTSTANDING_MAX ? (uint32_t)wanted : OUTSTANDING_MAX;
}

static enum wsb_err create_connections(struct load *load)
{
	uint64_t count = load->settings->connections;

	load->connections = calloc(count, sizeof(*load->connections));
	load->live = calloc(count, sizeof(struct load_connection *));
	if (!load->connections || !load->live)
		return WSB_ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		struct load_connection *connection = &load->connections[i];

		connection->load = load;
		connection->index = i;
		outbox_init(&connection->outbox, &load->station.chunks, SEND_BUFFER_BYTES);
		inbox_init(&connection->inbox);
	}
	return WSB_OK;
}

/* All that needs no loop. */
static enum wsb_err prepare(struct load *load)
{
	const struct load_settings *settings = load->settings;
	enum wsb_err err;

	rng_init(&load->rng, settings->seed);
	key_space_init(&load->keys, settings->keys > 0 ? settings->keys : 1, settings->zipf);
	load->left = settings->count;
	err = create_connections(load);
	if (!err)
		err = request_init(&load->request, settings->method, settings->params,
				   settings->keys > 0, settings->explain);
	if (!err)
		err = outstanding_init(&load->outstanding, open_limit(settings));
	if (!err)
		err = expectation_init(&load->expectation, settings->expect);
	if (!err)
		err = judge_init(&load->judge, &load->outstanding, &load->expectation, load->tally);
	load->keyed = load->request.keyed || load->expectation.keyed;
	return err;
}

static void destroy(struct load *load)
{
	judge_fini(&load->judge);
	expectation_fini(&load->expectation);
	outstanding_fini(&load->outstanding);
	request_fini(&load->request);
	free(load->live);
	free(load->connections);
	free(load);
}

static void drop_all(struct load *load)
{
	load->stage = LOAD_CLOSING;
	for (uint32_t i = 0; i < load->dialled; i++) {
		if (!load->connections[i].over)
			ws_client_drop(&load->connections[i].client, "asked", "");
	}
}

/* What a second Ctrl-C has left open had no fair chance of an answer. */
static void conclude(struct load *load)
{
	load->tally->lost = load->cut_short ? load->stranded : load->outstanding.open;
	load->result->measured_us = pace_measured_us(&load->pace);
	progress_end(&load->progress);
}

static enum wsb_err run(struct load *load, bool *ended)
{
	struct load_result *result = load->result;
	enum wsb_err err =
		station_open(&load->station, load->settings->arguments, load->settings->connections,
			     &hooks, &events, load, result->why, sizeof(result->why));

	*ended = true;
	if (err)
		return err;
	err = alarm_open(&load->alarm, &load->station.loop);
	if (!err) {
		loop_run(&load->station.loop);
		conclude(load);
		alarm_close(&load->alarm);
	}
	drop_all(load);
	*ended = station_close(&load->station);
	return err;
}

enum wsb_err load_run(const struct load_settings *settings, struct load_result *out)
{
	struct load *load = calloc(1, sizeof(*load));
	enum wsb_err err;
	bool ended = true;

	*out = (struct load_result){0};
	tally_init(&out->tally);
	if (!load)
		return WSB_ENOMEM;
	load->settings = settings;
	load->result = out;
	load->tally = &out->tally;
	err = prepare(load);
	if (!err)
		err = run(load, &ended);
	if (err && !out->why[0])
		snprintf(out->why, sizeof(out->why), "%s", wsb_err_text(err));
	if (ended)
		destroy(load);
	return err;
}
