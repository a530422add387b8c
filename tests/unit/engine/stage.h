/* tests/unit/engine/stage.h: one engine on a stage: a pool "main" with endpoint "a", a route "*",
 * peers that answer pings, and short words for what they say and hear. */
#ifndef WSB_TESTS_UNIT_ENGINE_STAGE_H
#define WSB_TESTS_UNIT_ENGINE_STAGE_H

#include "tests/support/outside.h"
#include "tests/support/setup.h"

#define STAGE_MS UINT64_C(1000)
#define STAGE_S	 UINT64_C(1000000)

struct stage {
	struct setup setup;
	struct outside outside;
	struct pool_settings *pool;
	struct route_settings *any;
	bool no_pongs; /* nobody answers pings any more */
};

/* Change setup between init and begin. */
void stage_init(struct stage *stage);
void stage_begin(struct stage *stage);
/* Ends all peers and checks that nothing is left behind. */
void stage_end(struct stage *stage);

/* Lets time pass in ticks of 10 ms. */
void stage_pass(struct stage *stage, uint64_t us);
/* Every dial under way succeeds and is greeted with a pong. */
void stage_open_dials(struct stage *stage);
/* begin, one tick, every dial opened. */
void stage_begin_ready(struct stage *stage);

struct peer *stage_client(struct stage *stage);
/* The at-th upstream that is there, by age; NULL: fewer are. */
struct peer *stage_upstream(struct stage *stage, size_t at);
/* Of two upstreams the one that the latest request has gone to, which nobody has read yet. */
struct peer *stage_asked(struct stage *stage);
/* Of two upstreams the one that this is not. */
struct peer *stage_other(struct stage *stage, const struct peer *upstream);
/* POSTs a JSON body. */
struct peer *stage_post(struct stage *stage, const char *body);
/* The socket is gone without a word. */
void stage_kill(struct peer *peer);

#define GET(id) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"get\"}"

/* One text message. */
void says(struct peer *peer, const char *text);
void says_bytes(struct peer *peer, const void *bytes, size_t len);
/* The next message, terminated and valid until the next call; NULL: none. */
const char *hears(struct peer *peer);
size_t heard_bytes(const struct peer *peer);
/* Whether something has been written for this peer that it has not read. */
bool is_spoken_to(const struct peer *peer);
void expect_hears(struct peer *peer, const char *text);
void expect_silence(struct peer *peer);

/* Makes an upstream hear a request; returns the id that it was given. */
uint64_t hears_request(struct peer *upstream);
/* The member is "\"result\":1" or the like. */
void answers(struct peer *upstream, uint64_t id, const char *member);

/* One of the broker's own errors; NULL: the member of error.data must not be there. */
struct expected_error {
	const char *id; /* its token */
	int code;
	const char *reason;
	bool retryable;
	const char *pool;
	const char *endpoint;
	const char *limit;
};
void expect_error_in(const char *text, const struct expected_error *expected);
void expect_next_error(struct peer *peer, const struct expected_error *expected);
/* expect_error(client, .id = "1", .code = -32000, ...) */
#define expect_error(peer, ...)                                                                    \
	expect_next_error((peer), &(const struct expected_error){__VA_ARGS__})

#endif
