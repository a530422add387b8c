/* broker/control/vitals.h: whether a broker is alive enough for its watchdog: the signs that its
 * loop gets round in time and that it can be reached. Pure. */
#ifndef WSB_BROKER_CONTROL_VITALS_H
#define WSB_BROKER_CONTROL_VITALS_H

#include <stdbool.h>
#include <stdint.h>

struct vitals {
	uint64_t patience_us;	/* after that time without a word somebody ends the process */
	uint32_t late_in_a_row; /* ticks that came later than a quarter of it */
};

/* A tick came so late. */
void vitals_note_tick(struct vitals *vitals, uint64_t lag_us);

/* NULL: all is well. Else what is wrong. listens: everything that should be listened on is. One
 * late tick means nothing, since the process may have been stopped or the machine suspended;
 * several in a row mean that nobody is served. */
const char *vitals_judge(const struct vitals *vitals, bool listens);

#endif
