#include "broker/control/vitals.h"

#include <stddef.h>

#define LATE_IN_A_ROW 2

void vitals_note_tick(struct vitals *vitals, uint64_t lag_us)
{
	if (lag_us <= vitals->patience_us / 4)
		vitals->late_in_a_row = 0;
	else if (vitals->late_in_a_row < LATE_IN_A_ROW)
		vitals->late_in_a_row++;
}

const char *vitals_judge(const struct vitals *vitals, bool listens)
{
	if (vitals->late_in_a_row >= LATE_IN_A_ROW)
		return "the loop comes round too late every time";
	return listens ? NULL : "a listener is not open";
}
