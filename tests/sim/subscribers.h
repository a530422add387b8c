/* tests/sim/subscribers.h: subscriptions of clients, and what upstreams know of them. */
#ifndef WSB_TESTS_SIM_SUBSCRIBERS_H
#define WSB_TESTS_SIM_SUBSCRIBERS_H

#include <stdbool.h>
#include <stdint.h>
#include "common/span.h"
#include "proto/envelope.h"

struct ask;
struct sim;
struct sim_client;
struct sim_upstream;

#define SIM_TOPICS  3
#define SIM_FEEDS   64
#define SIM_OWN_MAX 80

/* A client's subscription, as the simulator knows it. */
struct sim_sub {
	uint32_t client;
	uint32_t pool;
	uint32_t topic;
	char own[SIM_OWN_MAX];
	bool live;
	uint32_t ending; /* requests to end it that have been made */
	bool gap;	 /* something may be missing before the next event */
	uint64_t last;	 /* event heard; 0: none */
};

/* An upstream's; its id is its place + 1. */
struct sim_feed {
	uint32_t topic;
	bool live;
	bool unanswered; /* so nobody can know of it */
};

void subscribers_plan(struct sim *sim);
void subscribers_fill(struct sim *sim, const struct sim_client *client, struct ask *ask);
const char *subscribers_method(const struct ask *ask);
/* Whether the answer can be the one to this ask; NULL: yes. */
const char *subscribers_judge(struct sim *sim, struct ask *ask, const struct message *message);
void subscribers_gone(struct sim *sim, const struct sim_client *client);
/* True: it was an event or a notice, and right. */
bool subscribers_hear(struct sim *sim, struct sim_client *client, const struct message *message);
/* True: it was for the upstream's subscriptions. */
bool subscribers_serve(struct sim *sim, struct sim_upstream *upstream, struct span payload);
void subscribers_emit(struct sim *sim);
bool subscribers_are_done(const struct sim *sim);
void subscribers_check_end(struct sim *sim);

#endif
