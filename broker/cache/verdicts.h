/* broker/cache/verdicts.h: whether guesses of one kind are worth making, by what became of the last
 * hundred. For the predictor alone. */
#ifndef WSB_BROKER_CACHE_VERDICTS_H
#define WSB_BROKER_CACHE_VERDICTS_H

#include <stdbool.h>
#include <stdint.h>

#define VERDICTS_WINDOW	     100
#define VERDICTS_TRIAL	     20 /* judged after so many, when they have rested */
#define VERDICTS_LEAST_SHARE 60 /* of a hundred */
#define VERDICTS_REST_US     UINT64_C(10000000)
#define VERDICTS_REST_MAX_US UINT64_C(3600000000)

/* All zero is the beginning. */
struct verdicts {
	uint64_t used[2]; /* a bit for each of the window */
	uint8_t at;
	uint8_t count;
	uint8_t used_count;
	bool trial;
	uint64_t rest_us; /* the last rest; 0: there was none */
	uint64_t off_until_us;
};

static inline bool verdicts_allow(const struct verdicts *verdicts, uint64_t now_us)
{
	return now_us >= verdicts->off_until_us;
}

/* Notes what became of a guess that was sent then; what was sent before the last rest says nothing
 * new. True: that was too bad, they rest now. */
bool verdicts_add(struct verdicts *verdicts, bool used, uint64_t issued_us, uint64_t now_us);

#endif
