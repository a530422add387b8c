/* tests/unit/engine/larder.h: a stage whose route is cached, and words for what comes of it. */
#ifndef WSB_TESTS_UNIT_ENGINE_LARDER_H
#define WSB_TESTS_UNIT_ENGINE_LARDER_H

#include "tests/unit/engine/stage.h"

#define REQUEST	       "\"method\":\"get\",\"params\":[1]"
#define ASKS(id, on)   "{\"jsonrpc\":\"2.0\",\"id\":" #id "," REQUEST on "}"
#define ASK(id)	       ASKS(id, "")
#define WISH(id, wish) ASKS(id, ",\"wsbroker\":{\"cache\":\"" wish "\",\"explain\":true}")
#define WHY(id)	       ASKS(id, ",\"wsbroker\":{\"explain\":true}")
#define GOT(id, value) "{\"jsonrpc\":\"2.0\",\"id\":" #id ",\"result\":" value "}"

struct larder {
	struct stage stage;
	struct cache_rule *rule; /* of the route, which is shared and fresh for 60 s */
	struct peer *client;
	struct peer *upstream;
	const struct cached_stats *stats;
};

/* Change stage and rule between init and begin. */
void larder_init(struct larder *larder);
void larder_begin(struct larder *larder);
/* Both, where a test changes nothing. */
void larder_open(struct larder *larder);
void larder_end(struct larder *larder);

/* The upstream hears one request and answers with this result. */
void brings(struct larder *larder, const char *value);
/* The client asks and the upstream answers, so that the value is stored. */
void fills(struct larder *larder, const char *value);
/* Tags are one text with commas, or NULL: everything. Returns how many entries were hit. */
size_t invalidates(struct larder *larder, enum invalidation_mode mode, const char *tag);

/* The next message holds this. */
void expect_part(struct peer *peer, const char *part);
/* The client's next answer says that of the cache. */
void expect_told(struct peer *peer, const char *cache, const char *reason);

#endif
