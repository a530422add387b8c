/* tests/unit/engine/subscribers.h: two clients that subscribe, and one upstream or two. */
#ifndef WSB_TESTS_UNIT_ENGINE_SUBSCRIBERS_H
#define WSB_TESTS_UNIT_ENGINE_SUBSCRIBERS_H

#include "broker/engine/feeds.h"
#include "tests/unit/engine/stage.h"

#define SUBSCRIBE(id, what)                                                                        \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"eth_subscribe\",\"params\":[\"" what "\"" \
	"]}"

#define ID_MAX 80

struct scene {
	struct stage stage;
	struct route_settings *route;
	struct peer *client;
	struct peer *other;
	struct peer *a;
	struct peer *b; /* NULL: there is one connection */
};

void scene_init(struct scene *scene, uint32_t connections);
void begin(struct scene *scene);
/* Both, where a test changes no setting. */
void begin_with(struct scene *scene, uint32_t connections);
struct publish *publish_of(struct scene *scene);
/* Ends all, and looks that nothing of a subscription is left. */
void end(struct scene *scene);
/* Makes it hear an answer with a text as its result, which is given out without quotes. */
void hears_id(struct peer *client, const char *request_id, char id[ID_MAX]);
const char *event_text(const char *id, int number);
const char *gap_text(const char *id, const char *reason, const char *dark, const char *gap);
/* The upstream accepts what it hears. */
void accepts(struct peer *upstream, const char *id);
/* It hears an unsubscribe request for this id, and grants it. */
void is_left(struct peer *upstream, const char *id);
void unsubscribes(struct peer *client, const char *id);
/* The client subscribes, one upstream accepts it under this id, and the client is given its own.
 * Returns that upstream. */
struct peer *subscribed(struct scene *scene, const char *what, const char *upstream_id,
			char id[ID_MAX]);
/* Its subscriptions begin to move to the other one. */
void moves_away(struct scene *scene, struct peer *old);
/* The connection that the next subscription has been asked for on. */
struct peer *taker(struct scene *scene);
struct peer *rest(struct scene *scene, const struct peer *peer);

#endif
