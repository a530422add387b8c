/* common/clock.h: the only place that reads the time.
 * Pure code never calls these: it is handed now_us (monotonic microseconds). */
#ifndef WSB_COMMON_CLOCK_H
#define WSB_COMMON_CLOCK_H

#include <stddef.h>
#include <stdint.h>
#include "common/err.h"
#include "common/span.h"

#define US_PER_MS UINT64_C(1000)
#define US_PER_S  UINT64_C(1000000)

/* Microseconds since an arbitrary start; never goes back. */
uint64_t clock_monotonic_us(void);

/* Microseconds since 1970-01-01 UTC; may jump. For people, never for deadlines. */
uint64_t clock_wall_us(void);

#define CLOCK_TEXT_MAX 32
/* Writes wall_us as RFC 3339 in UTC with milliseconds (2026-11-22T07:12:00.123Z) into text. */
void clock_text(uint64_t wall_us, char text[CLOCK_TEXT_MAX]);

/* Reads RFC 3339: date, T, time with or without a fraction, Z or an offset (+02:00). WSB_EINVAL:
 * text is something else, or before 1970. */
enum wsb_err clock_read(struct span text, uint64_t *wall_us) WSB_CHECKED;

#endif
