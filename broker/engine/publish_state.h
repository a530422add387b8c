/* broker/engine/publish_state.h: what subscriptions need beside those that they join. */
#ifndef WSB_BROKER_ENGINE_PUBLISH_STATE_H
#define WSB_BROKER_ENGINE_PUBLISH_STATE_H

#include "broker/control/config.h"
#include "broker/route/fingerprint.h"
#include "broker/subscription/feed.h"
#include "proto/path.h"

struct connection;
struct lane;

/* How the events of a route are told apart. */
enum event_form {
	EVENTS_BY_ID,	   /* each carries the id that the subscribe answer gave */
	EVENTS_BY_REQUEST, /* ... the id of the request that subscribed */
	EVENTS_BY_NAME,	   /* its name is one of those that the request's params ask for */
	EVENTS_ALL,	   /* each of this name is for all */
};

/* A route's `subscribe`, compiled. Outlives the configuration for as long as one is subscribed so.
 */
struct plan {
	struct list_node link;
	struct list *list;
	size_t holds;
	bool current; /* of the present configuration */
	struct lane *lane;
	const struct route_settings *route;
	const struct config *config; /* held */
	enum event_form form;
	struct span notification;
	struct path id;
	struct path result;
	struct path unsubscribe_id;
};

/* An event that came before the answer which says whose it is. */
struct held_event {
	struct list_node link;
	struct connection *connection;
	struct plan *plan;
	enum encoding encoding;
	size_t len;
	char text[];
};

struct publish {
	struct subscriptions subscriptions;
	struct list plans; /* of the present configuration, and older ones still in use */
	size_t active;	   /* of these, the present ones: they stand first */
	struct fingerprint fingerprint;
	struct list held;
	size_t held_bytes;
	uint64_t unique;     /* makes keys of requests that are like no other */
	struct strbuf event; /* an event in the encoding that it did not come in */
	struct strbuf text;  /* an answer with another id, a notice */
	struct strbuf text2; /* the same in the other encoding */
};

#endif
