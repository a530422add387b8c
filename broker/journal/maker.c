#include "broker/journal/maker.h"

#include <stdio.h>
#include "common/clock.h"

static void write_id(const struct maker *maker, char id[MAKER_ID_LEN + 1])
{
	static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	/* 128 bits, five at a time from the lowest. */
	uint64_t high = maker->ms << 16 | maker->high;
	uint64_t low = maker->low;

	for (size_t i = MAKER_ID_LEN; i-- > 0;) {
		id[i] = digits[low & 31];
		low = low >> 5 | high << 59;
		high >>= 5;
	}
	id[MAKER_ID_LEN] = '\0';
}

void maker_id(struct maker *maker, uint64_t wall_us, char id[MAKER_ID_LEN + 1])
{
	const uint64_t ms = wall_us / US_PER_MS & ((UINT64_C(1) << 48) - 1);

	if (ms > maker->ms) {
		maker->ms = ms;
		/* Half of the range is left to count in: more than any millisecond has room for. */
		maker->high = rng_next(&maker->rng) & 0x7fff;
		maker->low = rng_next(&maker->rng);
	} else if (++maker->low == 0) {
		maker->high++;
	}
	write_id(maker, id);
}

void maker_init(struct maker *maker, const char *node, uint64_t wall_us, uint64_t seed)
{
	char start[MAKER_ID_LEN + 1];

	*maker = (struct maker){0};
	rng_init(&maker->rng, seed);
	maker_id(maker, wall_us, start);
	snprintf(maker->source, sizeof(maker->source), "/wsbroker/%.*s/%s", MAKER_NODE_MAX, node,
		 start);
}

bool maker_is_own(const struct maker *maker, struct span source)
{
	return span_is(source, maker->source);
}
