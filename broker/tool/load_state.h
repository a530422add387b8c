/* broker/tool/load_state.h: one run of the load generator, shared by load.c (its life) and
 * traffic.c (what goes out and comes in). */
#ifndef WSB_BROKER_TOOL_LOAD_STATE_H
#define WSB_BROKER_TOOL_LOAD_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include "broker/io/alarm.h"
#include "broker/io/ws_client.h"
#include "broker/tool/judge.h"
#include "broker/tool/load.h"
#include "broker/tool/pace.h"
#include "broker/tool/progress.h"
#include "broker/tool/request.h"
#include "broker/tool/station.h"
#include "broker/tool/workload.h"
#include "common/inbox.h"

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

extern const struct ws_client_events load_events;

/* Keeps some dials under way until all connections have been tried, then starts; stops the loop
 * when none came about. Call once per turn while connecting. */
void load_dial(struct load *load, uint64_t now_us);

/* Open loop: sends all that is due, and sees that the loop wakes for the next. Call once per turn
 * while running. */
void load_send_due(struct load *load, uint64_t now_us);

/* Sends nothing more and waits patience_us at most for what is open, then closes. */
void load_drain(struct load *load, uint64_t now_us, uint64_t patience_us);

/* Says goodbye on every connection; stops the loop when all have ended. */
void load_close(struct load *load, uint64_t now_us);

#endif
