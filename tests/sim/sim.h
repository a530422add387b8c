/* tests/sim/sim.h: one run of the whole engine, from one seed. */
#ifndef WSB_TESTS_SIM_SIM_H
#define WSB_TESTS_SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "tests/sim/agenda.h"
#include "tests/sim/news.h"
#include "tests/sim/readers.h"
#include "tests/sim/ask.h"
#include "tests/sim/subscribers.h"
#include "tests/sim/reload.h"
#include "tests/support/outside.h"
#include "tests/support/setup.h"

#define SIM_CLIENTS  20
#define SIM_VISITORS 6
#define SIM_PLAIN    3 /* pools that serve requests, at most */
#define MS	     UINT64_C(1000)

/* An array of a byte, which no JSON can carry, and the params: the beginning of it. */
#define SIM_BYTES_ANSWER "\x92\xc4\x01x"

struct sim_client {
	uint32_t number;
	struct peer *peer; /* NULL: not there */
	bool post;	   /* comes with one POST and goes */
	bool slow;	   /* takes what it is sent in small portions and late */
	bool mute;	   /* never answers a ping */
	bool deaf_to_pause;
	bool kicked;		   /* by an operator */
	uint32_t first_of_session; /* its first ask since it came; what it asked before is another's
				    */
	uint32_t newest[SETUP_POOLS]; /* number + 1 of its last ask that each pool has seen, where
					 it stays on a connection */
	bool breaks_rules;	      /* has sent what ends a connection */
	uint64_t expires_us;	      /* its credential; 0: never */
	bool fragments;
	uint32_t left; /* messages still to be sent */
	uint64_t think_us;
	/* The message that is being sent. */
	struct strbuf outgoing;
	size_t sent;
	uint32_t frames;
	bool binary;
	uint32_t first_ask;
	uint32_t ask_count;
	bool sending;
};

/* A client of the session listener. */
struct sim_visitor {
	uint32_t number;
	struct peer *peer; /* NULL: not there */
	uint32_t dials;	   /* made for it */
};

/* How an endpoint behaves; percentages unless a unit is named. */
struct temper {
	uint32_t refuses_dial;
	uint32_t drops, doubles, misnames, quotes, errs, babbles, kills;
	uint32_t hangs;	  /* a connection that never says anything */
	uint32_t stalls;  /* one that does not read for a while */
	uint32_t rejects; /* the greeting */
	uint32_t ails;	  /* a probing call is answered with an error, or as not expected */
	uint64_t flap_us; /* it is away every other time of this length; 0: it stays */
	uint64_t dial_us;
	uint64_t answer_us;
};

struct sim_upstream {
	struct peer *peer;
	uint32_t pool;
	const struct temper *temper;
	bool hangs;
	bool stalled;
	bool greeted;
	uint32_t newest[SIM_CLIENTS]; /* number of the last ask of each client + 1 */
	struct sim_feed feeds[SIM_FEEDS];
	uint32_t feed_count;
	struct sim_growth growth[SIM_NUMBERS];
	struct sim_slow slow[SIM_SLOW];
};

/* What the last look at a pool showed. */
struct sim_ejected {
	const struct pool *pool;
	uint64_t times; /* that its endpoints were ejected */
	uint32_t out;	/* endpoints that were ejected */
	uint32_t most;	/* that might have been */
};

struct sim {
	uint64_t seed;
	uint64_t step;
	bool verbose;
	struct rng rng;
	struct outside outside;
	struct agenda agenda;
	struct setup setup; /* what the engine obeys now, as a copy */
	struct temper tempers[SETUP_POOLS][SETUP_ENDPOINTS + 1]; /* the last one: of newcomers */
	struct envelope *envelope;				 /* the checker's own */
	struct sim_client clients[SIM_CLIENTS];
	uint32_t client_count;
	size_t plain;	/* pools that serve requests: the first ones */
	size_t tunnels; /* index of the one that serves visitors; 0: there is none */
	struct sim_visitor visitors[SIM_VISITORS];
	struct ask *asks;
	uint32_t ask_count;
	uint32_t ask_capacity;
	struct ask_batch *batches;
	uint32_t batch_count;
	uint32_t batch_capacity;
	uint64_t sicknesses[SETUP_POOLS]; /* what has become of endpoints so far, as a number */
	struct sim_ejected ejected[SETUP_POOLS];
	bool reads;
	uint64_t change_us; /* the longest time from one change of a number to the next */
	uint64_t read_timeout_us[SIM_PLAIN];
	struct sim_number numbers[SIM_PLAIN][SIM_NUMBERS];
	struct tag_templates *grown; /* what a write makes untrue */
	bool unasked[SIM_PLAIN];     /* whether notifications are read: no pings, or not always */
	bool tells;		     /* upstreams have news */
	struct sim_news *news;
	uint32_t news_count;
	uint32_t news_capacity;
	uint64_t news_handled; /* by all pools, before the words under way */
	bool subscribes;
	uint64_t sub_timeout_us[SIM_PLAIN];
	uint64_t topics[SIM_PLAIN][SIM_TOPICS]; /* events so far */
	struct sim_sub *subs;
	uint32_t sub_count;
	uint32_t sub_capacity;
	uint64_t tick_gap_us;
	uint64_t ticked_us;
	uint64_t calm_us; /* from then on nobody asks any more */
	uint32_t memory_is_short;
	uint32_t drains;
	bool operated;	     /* an operator is at work */
	bool reloads;	     /* the configuration changes */
	uint64_t settled_us; /* when all has come to rest after that; 0: not yet known */
	struct latitude latitude;
	struct strbuf scratch;
	struct strbuf token;
};

/* sim.c */
void sim_run(struct sim *sim);
_Noreturn void sim_fail(struct sim *sim, const char *invariant, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void sim_trace(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same with a message, whatever bytes it is made of. */
void sim_trace_words(struct sim *sim, const struct sim_client *client, const char *verb,
		     struct span words);
bool sim_chance(struct sim *sim, uint32_t percent);
/* Uniform in [from, to]. */
uint64_t sim_pick(struct sim *sim, uint64_t from, uint64_t to);
/* Moves what the engine has written to those who read it. */
void sim_flush(struct sim *sim);

void plan_make(struct sim *sim);
void plan_free(struct sim *sim);
/* Often with times that are short enough for something to come of it. */
void plan_ejection(struct sim *sim, struct ejection_settings *ejection);

/* asks.c: what clients say */
void asks_compose(struct sim *sim, struct sim_client *client);
struct ask *asks_find_marked(struct sim *sim, struct span text);
/* One with the same id from the same client, in that state. Errors cannot tell such twins apart:
 * when something shows later that one was the other's, they change places. */
struct ask *asks_twin(struct sim *sim, const struct ask *ask, enum ask_state state);

/* clients.c */
void client_arrive(struct sim *sim, struct sim_client *client);
void client_speak(struct sim *sim, struct sim_client *client);
void client_read(struct sim *sim, struct sim_client *client, size_t max);
void client_leave(struct sim *sim, struct sim_client *client, uint16_t code);
void client_gone(struct sim *sim, struct sim_client *client);

/* upstreams.c */
const struct temper *sim_temper(const struct sim *sim, size_t pool,
				const struct endpoint *endpoint);
void upstream_dialled(struct sim *sim, struct peer *peer);
void upstream_settle_dial(struct sim *sim, struct peer *peer);
void upstream_read(struct sim *sim, struct sim_upstream *upstream, size_t max);
void upstream_end(struct sim *sim, struct peer *peer, const char *cause, uint16_t code);
void upstream_babble(struct sim *sim, struct sim_upstream *upstream);

void upstream_say_later(struct sim *sim, struct sim_upstream *upstream, const struct strbuf *words,
			uint64_t delay_us);

/* judge.c: whether an answer is the right one; check.c: what must hold after every event, and at
 * the end */
void judge_message(struct sim *sim, struct sim_client *client, bool binary, struct span payload);
void judge_post(struct sim *sim, struct sim_client *client);
void check_step(struct sim *sim);
void check_end(struct sim *sim);

#endif
