#include "broker/tool/station.h"

#include <stdio.h>
#include <stdlib.h>
#include "broker/io/entropy.h"
#include "broker/tool/target.h"
#include "common/clock.h"

/* Beside the connections: the loop's own, the terminal. */
#define SPARE_DESCRIPTORS 64

#define CHUNK_BYTES  ((size_t)4096)
#define SPARE_CHUNKS 4096

static enum wsb_err fail(enum wsb_err err, char *why, size_t why_size, const char *text)
{
	snprintf(why, why_size, "%s", text);
	return err;
}

static enum wsb_err read_target(struct station *station, char *why, size_t why_size)
{
	const char *text = "";
	enum wsb_err err = arena_create(&station->arena);

	if (err)
		return fail(err, why, why_size, wsb_err_text(err));
	err = target_parse(station->arena, station->arguments->url, &station->target, &text);
	if (err) {
		snprintf(why, why_size, "%s: %s", station->arguments->url,
			 err == WSB_EINVAL ? text : wsb_err_text(err));
		arena_destroy(station->arena);
	}
	return err;
}

static enum wsb_err open_group(struct station *station, const struct ws_client_events *events,
			       char *why, size_t why_size)
{
	const struct pool_tls_settings tls = {
		.ca = station->arguments->ca,
		.verify = !station->arguments->insecure,
	};
	struct strbuf errors;
	enum wsb_err err;

	strbuf_init(&errors);
	err = ws_client_group_init(&station->group, &station->context, events,
				   station->target.tls ? &tls : NULL, &errors);
	if (err)
		fail(err, why, why_size, errors.len > 0 ? errors.text : wsb_err_text(err));
	strbuf_fini(&errors);
	station->group.late = "not connected within --timeout";
	return err;
}

static enum wsb_err start_loop(struct station *station, const struct loop_hooks *hooks,
			       void *context, char *why, size_t why_size)
{
	enum wsb_err err = loop_init(&station->loop, hooks, context);

	if (err)
		return fail(err, why, why_size, "the event loop could not be started");
	err = ws_context_init(&station->context, &station->loop, NULL);
	if (!err)
		return WSB_OK;
	loop_fini(&station->loop);
	return fail(err, why, why_size, wsb_err_text(err));
}

static enum wsb_err check_descriptors(size_t connections, char *why, size_t why_size)
{
	size_t wanted = connections + SPARE_DESCRIPTORS;

	if (ws_context_raise_descriptors(wanted) >= wanted)
		return WSB_OK;
	snprintf(why, why_size,
		 "the system allows fewer than %zu open files: raise the limit (ulimit -n)",
		 wanted);
	return WSB_ELIMIT;
}

enum wsb_err station_open(struct station *station, const struct tool_arguments *arguments,
			  size_t connections, const struct loop_hooks *hooks,
			  const struct ws_client_events *events, void *context, char *why,
			  size_t why_size)
{
	enum wsb_err err = check_descriptors(connections, why, why_size);

	if (err)
		return err;
	station->arguments = arguments;
	station->masks_left = 0;
	outbox_pool_init(&station->chunks, CHUNK_BYTES, SPARE_CHUNKS);
	err = read_target(station, why, why_size);
	if (err)
		return err;
	err = start_loop(station, hooks, context, why, why_size);
	if (err) {
		arena_destroy(station->arena);
		return err;
	}
	err = open_group(station, events, why, why_size);
	if (err && !station_close(station))
		fail(err, why, why_size, "the event loop does not end");
	return err;
}

bool station_close(struct station *station)
{
	bool settled;

	ws_client_group_end(&station->group);
	ws_context_end(&station->context);
	settled = loop_settle(&station->loop);
	/* The turns have ended with the loop: what they would still have reported is done here. */
	ws_context_turn(&station->context);
	if (!settled)
		return false;
	ws_context_fini(&station->context);
	ws_client_group_fini(&station->group);
	loop_fini(&station->loop);
	outbox_pool_fini(&station->chunks);
	arena_destroy(station->arena);
	return true;
}

void station_turn(struct station *station)
{
	ws_client_group_turn(&station->group);
	ws_context_turn(&station->context);
}

void station_tick(struct station *station, uint64_t now_us)
{
	ws_context_tick(&station->context, now_us);
}

void station_dial(struct station *station, struct ws_client *client, struct outbox *outbox)
{
	ws_client_dial(client, &station->group, &station->target, outbox,
		       clock_monotonic_us() + station->arguments->timeout_us);
}

static const uint8_t *next_mask(struct station *station)
{
	if (station->masks_left == 0) {
		entropy_fill(station->masks, sizeof(station->masks));
		station->masks_left = STATION_MASKS;
	}
	return station->masks[--station->masks_left];
}

enum wsb_err station_send(struct station *station, struct ws_client *client,
			  const struct span *pieces, size_t count)
{
	enum wsb_err err =
		wsframe_append(client->outbox, WS_TEXT, next_mask(station), pieces, count);

	if (!err)
		wire_want_write(&client->wire);
	return err;
}

enum wsb_err station_headers(struct ws_client *client, char **at, size_t room)
{
	struct station *station = list_entry(client->group, struct station, group);
	int len;

	if (!station->arguments->token)
		return WSB_OK;
	len = snprintf(*at, room, "Authorization: Bearer %s\r\n", station->arguments->token);
	if (len < 0 || (size_t)len >= room)
		return WSB_ELIMIT;
	*at += len;
	return WSB_OK;
}
