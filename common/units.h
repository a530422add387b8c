/* common/units.h: durations and sizes as people write them: 250ms, 5s, 2m, 1h; 64KiB, 1MiB. */
#ifndef WSB_COMMON_UNITS_H
#define WSB_COMMON_UNITS_H

#include <stdint.h>
#include "common/err.h"
#include "common/span.h"

/* Accepts us, ms, s, m, h, d, with a fraction (1.5s); a bare 0 needs no unit. WSB_EINVAL: the text
 * is something else; WSB_ELIMIT: over a hundred years. */
enum wsb_err units_duration_us(struct span text, uint64_t *out) WSB_CHECKED;

/* Accepts B, KiB, MiB, GiB, TiB; a bare number is bytes. WSB_EINVAL, WSB_ELIMIT (over 2^62). */
enum wsb_err units_bytes(struct span text, uint64_t *out) WSB_CHECKED;

#define UNITS_TEXT_MAX 32
/* The shortest text that reads back as the same value: 90000000 is 90s, 65536 is 64KiB. */
void units_duration_text(uint64_t us, char text[UNITS_TEXT_MAX]);
void units_bytes_text(uint64_t bytes, char text[UNITS_TEXT_MAX]);

#endif
