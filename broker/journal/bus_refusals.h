/* broker/journal/bus_refusals.h: parts of the bus that Redis refuses while the rest works: told
 * once, tried again with pauses. Nothing outside of the bus includes it. */
#ifndef WSB_BROKER_JOURNAL_BUS_REFUSALS_H
#define WSB_BROKER_JOURNAL_BUS_REFUSALS_H

#include <stdbool.h>
#include <stdint.h>
#include "broker/journal/bus.h"

/* So much is kept of what Redis says. */
#define BUS_WORDS_MAX 200

/* Something that Redis will not do, or cannot. */
struct bus_refusal {
	char words[BUS_WORDS_MAX];
	uint32_t times;	   /* in a row; 0: it is not refused */
	uint64_t again_us; /* it is not tried before */
};

void bus_keep_words(char kept[BUS_WORDS_MAX], const char *words); /* cut, if they are long */
/* words may be anything from outside. */
void refusal_begin(struct bus *bus, enum bus_part part, struct span words, uint64_t now_us);
void refusal_end(struct bus *bus, enum bus_part part, uint64_t now_us);
/* It is not yet time to try again. */
bool refusal_holds(const struct bus *bus, enum bus_part part, uint64_t now_us);
/* Redis is not what it was, for the log neither. */
bool refusal_concerns_all(struct span error);

#endif
