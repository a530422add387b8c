#include "broker/tool/load.h"

#include <stdio.h>
#include <stdlib.h>
#include "broker/tool/load_state.h"
#include "common/clock.h"

/* Unwritten requests of one connection; beyond them they count as unsent. */
#define SEND_BUFFER_BYTES ((size_t)64 * 1024 * 1024)

static void on_turn(void *context)
{
	struct load *load = context;
	uint64_t now_us = clock_monotonic_us();

	if (load->stage == LOAD_CONNECTING)
		load_dial(load, now_us);
	if (load->stage == LOAD_RUNNING && load->settings->rate > 0.0)
		load_send_due(load, now_us);
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
		load_drain(load, now_us, 0);
	else if (load->stage == LOAD_RUNNING && pace_is_over(&load->pace, now_us))
		load_drain(load, now_us, load->settings->arguments->timeout_us);
	if (load->stage == LOAD_DRAINING && now_us >= load->deadline_us)
		load_close(load, now_us);
	else if (load->stage == LOAD_CLOSING && now_us >= load->deadline_us)
		loop_stop(&load->station.loop);
}

static void on_stop_asked(void *context)
{
	struct load *load = context;

	if (load->stage == LOAD_RUNNING && !load->asked_to_stop) {
		load->asked_to_stop = true;
		load_drain(load, clock_monotonic_us(), load->settings->arguments->timeout_us);
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
		inbox_init(&connection->inbox, NULL);
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
	load->tally->unsent += load->left;
	load->result->measured_us = pace_measured_us(&load->pace);
	progress_end(&load->progress);
}

static enum wsb_err run(struct load *load, bool *ended)
{
	struct load_result *result = load->result;
	enum wsb_err err =
		station_open(&load->station, load->settings->arguments, load->settings->connections,
			     &hooks, &load_events, load, result->why, sizeof(result->why));

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
