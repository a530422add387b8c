/* broker/control/bus_view.h: the bus and the brokers on it, as one of them sees them. */
#ifndef WSB_BROKER_CONTROL_BUS_VIEW_H
#define WSB_BROKER_CONTROL_BUS_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "broker/journal/bus.h"

struct bus_view {
	enum bus_state state;
	uint64_t is_state[BUS_STATES];	 /* 1 for the one that it is in */
	const char *url;		 /* in use, or tried last; NULL: embedded */
	const struct bus_url *place;	 /* the same; NULL: embedded */
	const char *reason;		 /* of the state; NULL: embedded */
	const char *detail;		 /* more of it; NULL: embedded */
	const char *prefix, *user;	 /* on Redis; NULL: embedded */
	const char *refusals[BUS_PARTS]; /* what a part is refused with; NULL: it is not */
	uint64_t is_refused[BUS_PARTS];	 /* 1 where it is */
	struct position position;	 /* applied here; not set: unknown yet */
	struct position top;		 /* the newest that is known of */
	uint64_t lag_us;		 /* for how long it has not been known what others do */
	uint64_t queued;		 /* own events that Redis has not logged yet */
	size_t brokers;			 /* that live, this one too */
	struct bus_stats stats;
};

struct broker_view {
	const char *node;
	const char *version;
	const char *source; /* of its events; another one with each start */
	bool self;
	bool live; /* heard of lately */
	struct position position;
	uint64_t clients;
	uint64_t heard_us; /* since it was last heard of; 0: itself */
};

#endif
