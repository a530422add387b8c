/* broker/pool/greeting.h: plays on_connect on a new connection: sends, waits, judges. Pure. */
#ifndef WSB_BROKER_POOL_GREETING_H
#define WSB_BROKER_POOL_GREETING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "broker/pool/settings.h"
#include "common/span.h"

/* Which of the steps are played. */
enum greeting_part { GREET_ALL, GREET_USUAL, GREET_SOURCE };

struct greeting {
	enum greeting_part part;
	const struct greeting_step *steps;
	size_t count;
	size_t at;	      /* the step under way; count when done */
	uint64_t deadline_us; /* of that step; 0: nothing is waited for */
};

enum greeting_verdict {
	GREETING_SEND, /* *send is to be sent now; ask again with greeting_next */
	GREETING_WAIT,
	GREETING_DONE,
	GREETING_REJECTED, /* the upstream answered what `reject` describes */
	GREETING_LATE,	   /* the step's time is over */
	GREETING_PUSH,	   /* the message is not for the greeting: handle it as a push */
};

void greeting_begin(struct greeting *greeting, const struct pool_settings *settings,
		    enum greeting_part part);

/* Whether it waits for a message. */
static inline bool greeting_waits(const struct greeting *greeting)
{
	return greeting->deadline_us != 0;
}

/* Whether all of it has been played. */
static inline bool greeting_is_over(const struct greeting *greeting)
{
	return greeting->at >= greeting->count && !greeting_waits(greeting);
}

/* What to do now. GREETING_SEND sets *send (JSON text, valid as long as the settings) and arms the
 * step's deadline; steps without `expect` are passed once sent. Call until it says WAIT or DONE. */
enum greeting_verdict greeting_next(struct greeting *greeting, uint64_t now_us, struct span *send);

/* A message arrived while waiting: WAIT is never returned; GREETING_SEND: the step has passed, go
 * on with greeting_next (which may say DONE). PUSH: neither expected nor rejected. */
enum greeting_verdict greeting_feed(struct greeting *greeting, enum encoding encoding,
				    struct span message);

/* GREETING_LATE when the step under way has waited too long, else GREETING_WAIT. */
enum greeting_verdict greeting_check(const struct greeting *greeting, uint64_t now_us);

#endif
