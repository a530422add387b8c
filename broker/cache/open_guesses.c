#include "broker/cache/open_guesses.h"

#include <stdlib.h>

#define WAYS 4

enum wsb_err open_guesses_init(struct open_guesses *outstanding, uint64_t bytes)
{
	size_t count = WAYS;

	while (count * 2 * sizeof(struct guess) <= bytes)
		count *= 2;
	*outstanding = (struct open_guesses){.count = count};
	outstanding->guesses = calloc(count, sizeof(*outstanding->guesses));
	return outstanding->guesses ? WSB_OK : WSB_ENOMEM;
}

void open_guesses_fini(struct open_guesses *outstanding)
{
	free(outstanding->guesses);
}

static struct guess *set_of(const struct open_guesses *outstanding, uint64_t hash)
{
	return &outstanding->guesses[hash & (outstanding->count - 1) & ~(uint64_t)(WAYS - 1)];
}

bool open_guesses_add(struct open_guesses *outstanding, const struct guess *guess,
		      struct guess *lost)
{
	struct guess *set = set_of(outstanding, guess->hash);
	struct guess *place = &set[0];

	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].hash == guess->hash) {
			place = &set[i];
			break;
		}
		if (place->hash != 0 && (set[i].hash == 0 || set[i].issued_us < place->issued_us))
			place = &set[i];
	}
	*lost = *place;
	*place = *guess;
	return lost->hash != 0;
}

bool open_guesses_take(struct open_guesses *outstanding, uint64_t hash, struct guess *out)
{
	struct guess *set = set_of(outstanding, hash);

	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].hash != hash)
			continue;
		*out = set[i];
		set[i].hash = 0;
		return true;
	}
	return false;
}

bool open_guesses_expire(struct open_guesses *outstanding, uint64_t before_us, size_t *left,
			 struct guess *out)
{
	for (; *left > 0; (*left)--) {
		struct guess *guess = &outstanding->guesses[outstanding->sweep];

		outstanding->sweep = (outstanding->sweep + 1) & (outstanding->count - 1);
		if (guess->hash == 0 || guess->issued_us >= before_us)
			continue;
		*out = *guess;
		guess->hash = 0;
		(*left)--;
		return true;
	}
	return false;
}
