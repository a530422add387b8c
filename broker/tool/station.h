/* broker/tool/station.h: the loop, the library and the endpoint's address, for the length of one
 * command. */
#ifndef WSB_BROKER_TOOL_STATION_H
#define WSB_BROKER_TOOL_STATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "broker/control/arena.h"
#include "broker/io/loop.h"
#include "broker/io/ws_client.h"
#include "broker/io/ws_context.h"
#include "broker/tool/arguments.h"
#include "common/err.h"
#include "common/outbox.h"
#include "common/span.h"
#include "common/wsframe.h"

#define STATION_MASKS 1024

/* Longest answer that is taken in, and the most frames that one may come in. */
#define ANSWER_BYTES_MAX  ((size_t)256 * 1024 * 1024)
#define ANSWER_FRAMES_MAX 65536

struct station {
	struct loop loop;
	struct ws_context context;
	struct ws_client_group group;
	struct outbox_pool chunks;
	struct arena *arena;
	struct ws_target target;
	const struct tool_arguments *arguments;
	uint8_t masks[STATION_MASKS]
		     [WS_MASK_BYTES]; /* fetched many at a time: it is a system call */
	size_t masks_left;
};

/* Makes ready for `connections` of them. Borrows all it is given; context is that of the hooks. On
 * error nothing is left open and why (of why_size bytes) says what is wrong: WSB_EINVAL the
 * arguments, WSB_ELIMIT the system allows fewer connections, else the system. */
enum wsb_err station_open(struct station *station, const struct tool_arguments *arguments,
			  size_t connections, const struct loop_hooks *hooks,
			  const struct ws_client_events *events, void *context, char *why,
			  size_t why_size) WSB_CHECKED;

/* Runs what is still closing to its end. Every client must have been closed or dropped. False: a
 * look-up hangs in the system, and what belongs to it must be left to the end of the process. */
bool station_close(struct station *station) WSB_CHECKED;

/* For the hooks, which call them last and first. */
void station_turn(struct station *station);
void station_tick(struct station *station, uint64_t now_us);

/* Frames will be written from outbox. */
void station_dial(struct station *station, struct ws_client *client, struct outbox *outbox);

/* Appends a text frame with a fresh mask; it leaves at the end of the turn. Errors of
 * outbox_reserve. */
enum wsb_err station_send(struct station *station, struct ws_client *client,
			  const struct span *pieces, size_t count) WSB_CHECKED;

/* For the group's events: the bearer token, if there is one. */
enum wsb_err station_headers(struct ws_client *client, char **at, size_t room) WSB_CHECKED;

#endif
