/* tests/sim/agenda.h: what will happen when: the virtual future, in order. */
#ifndef WSB_TESTS_SIM_AGENDA_H
#define WSB_TESTS_SIM_AGENDA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/span.h"

enum event_kind {
	EVENT_TICK,
	EVENT_ARRIVE, /* client */
	EVENT_SPEAK,  /* client */
	EVENT_DRINK,  /* client: a slow one reads a little */
	EVENT_LEAVE,  /* client */
	EVENT_PONG,   /* peer */
	EVENT_END,    /* peer: the end that the engine asked for */
	EVENT_DIAL,   /* peer: what becomes of it */
	EVENT_SAY,    /* peer, with words */
	EVENT_KILL,   /* peer */
	EVENT_WAKE,   /* peer: an upstream reads again */
	EVENT_BABBLE, /* peer */
	EVENT_EMIT,   /* one topic has news */
	EVENT_DRAIN,
	EVENT_OPERATOR,
	EVENT_VISIT, /* visitor */
	EVENT_RELOAD,
	EVENT_CHANGE, /* of what is read */
	EVENT_NEWS,   /* of all connections of a pool */
};

struct happening {
	uint64_t at_us;
	uint64_t order; /* equal times: first come, first served */
	enum event_kind kind;
	bool binary;
	void *who;
	char *words; /* owned; NULL: none */
	size_t words_len;
};

struct agenda {
	struct happening *heap;
	size_t count;
	size_t capacity;
	uint64_t order;
};

void agenda_fini(struct agenda *agenda);
void agenda_add(struct agenda *agenda, uint64_t at_us, enum event_kind kind, void *who);
/* Copies the words. */
void agenda_add_words(struct agenda *agenda, uint64_t at_us, void *who, bool binary,
		      struct span words);
/* The next one, whose words the caller frees. False: nothing is left. */
bool agenda_pop(struct agenda *agenda, struct happening *event);
/* Puts everything off. */
void agenda_delay(struct agenda *agenda, uint64_t us);

#endif
