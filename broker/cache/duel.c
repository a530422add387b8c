#include "broker/cache/duel.h"

#define NONE UINT32_MAX

/* The lead is judged each time so many were sampled, and three quarters of it stay: it speaks of
 * about four times as many. It must be more than 1 % of them to go by recency, and less than a
 * fifth of that to leave it. */
#define ROUND	   512
#define LEAD_ENTER 20
#define LEAD_LEAVE 4

#define FREQUENCY_MAX  63
#define S3_FREQUENCY   3
#define S3_WANTED      2
#define S3_SMALL_SHARE 10

void duel_init(struct duel *duel, enum cache_policy_kind kind)
{
	*duel = (struct duel){.kind = kind};
}

void duel_fit(struct duel *duel, uint32_t entries)
{
	uint64_t limit = UINT32_MAX;

	if (entries > DUEL_ENTRIES)
		limit = (UINT64_C(1) << 32) * DUEL_ENTRIES / entries;
	duel->capacity = entries < DUEL_ENTRIES ? entries : DUEL_ENTRIES;
	/* The sample changes seldom: each change makes both forget some of what they know. */
	if (limit > duel->limit + duel->limit / 8 || limit < duel->limit - duel->limit / 8)
		duel->limit = (uint32_t)limit;
}

/* Without a way out in the middle, so that it is done for several at once. */
static uint32_t find(const uint32_t *hashes, uint32_t count, uint32_t hash)
{
	uint32_t found = NONE;

	for (uint32_t i = 0; i < count; i++)
		found = hashes[i] == hash ? i : found;
	return found;
}

/* The one with the least value, of all or of those in one queue. */
static uint32_t least(const struct mini *mini, bool of_queue, bool proven)
{
	uint32_t found = NONE;

	for (uint32_t i = 0; i < mini->count; i++)
		if ((!of_queue || mini->proven[i] == proven) &&
		    (found == NONE || (int32_t)(mini->values[i] - mini->values[found]) < 0))
			found = i;
	return found;
}

static void take_out(struct mini *mini, uint32_t place)
{
	uint32_t last = --mini->count;

	mini->proven_count -= mini->proven[place];
	mini->hashes[place] = mini->hashes[last];
	mini->values[place] = mini->values[last];
	mini->frequencies[place] = mini->frequencies[last];
	mini->proven[place] = mini->proven[last];
}

static void put_in(struct mini *mini, uint32_t hash, uint32_t value, uint8_t frequency, bool proven)
{
	uint32_t place = mini->count++;

	mini->hashes[place] = hash;
	mini->values[place] = value;
	mini->frequencies[place] = frequency;
	mini->proven[place] = proven;
	mini->proven_count += proven;
}

static bool look_at_recent(struct mini *mini, uint32_t hash, uint32_t capacity)
{
	uint32_t place = find(mini->hashes, mini->count, hash);

	if (place != NONE) {
		mini->values[place] = ++mini->clock;
		return true;
	}
	while (mini->count >= capacity)
		take_out(mini, least(mini, false, false));
	put_in(mini, hash, ++mini->clock, 0, false);
	return false;
}

static void remember(struct duel *duel, uint32_t hash, uint8_t frequency)
{
	duel->gone_at = (duel->gone_at + 1) % (duel->capacity > 0 ? duel->capacity : 1);
	duel->gone[duel->gone_at] = hash;
	duel->gone_frequencies[duel->gone_at] = frequency;
}

static uint8_t recall(struct duel *duel, uint32_t hash)
{
	uint32_t place = find(duel->gone, duel->capacity, hash);

	if (place == NONE)
		return 0;
	duel->gone[place] = 0;
	return duel->gone_frequencies[place];
}

/* The clock is the worth of the last victim. */
static bool look_by_frequency(struct duel *duel, uint32_t hash)
{
	struct mini *mini = &duel->policy;
	uint32_t place = find(mini->hashes, mini->count, hash);
	uint8_t frequency;

	if (place != NONE) {
		if (mini->frequencies[place] < FREQUENCY_MAX)
			mini->frequencies[place]++;
		mini->values[place] = mini->clock + mini->frequencies[place];
		return true;
	}
	while (mini->count >= duel->capacity) {
		uint32_t victim = least(mini, false, false);

		mini->clock = mini->values[victim];
		remember(duel, mini->hashes[victim], mini->frequencies[victim]);
		take_out(mini, victim);
	}
	frequency = (uint8_t)(1 + recall(duel, hash) / 2);
	put_in(mini, hash, mini->clock + frequency, frequency, false);
	return false;
}

static void make_room_by_queues(struct duel *duel)
{
	struct mini *mini = &duel->policy;

	while (mini->count >= duel->capacity) {
		uint32_t small = mini->count - mini->proven_count;
		bool is_small = small > mini->count / S3_SMALL_SHARE || mini->proven_count == 0;
		uint32_t place = least(mini, true, !is_small);
		uint8_t frequency = mini->frequencies[place];

		if (frequency >= (is_small ? S3_WANTED : 1)) {
			mini->frequencies[place] = is_small ? 0 : (uint8_t)(frequency - 1);
			mini->values[place] = ++mini->clock;
			mini->proven_count += is_small;
			mini->proven[place] = true;
			continue;
		}
		if (is_small)
			remember(duel, mini->hashes[place], 1);
		take_out(mini, place);
	}
}

static bool look_by_queues(struct duel *duel, uint32_t hash)
{
	struct mini *mini = &duel->policy;
	uint32_t place = find(mini->hashes, mini->count, hash);

	if (place != NONE) {
		if (mini->frequencies[place] < S3_FREQUENCY)
			mini->frequencies[place]++;
		return true;
	}
	make_room_by_queues(duel);
	put_in(mini, hash, ++mini->clock, 0, recall(duel, hash) > 0);
	return false;
}

void duel_sample(struct duel *duel, uint32_t hash)
{
	if (duel->capacity == 0)
		return;
	duel->lead += look_at_recent(&duel->recent, hash, duel->capacity);
	duel->lead -= duel->kind == CACHE_GDSF ? look_by_frequency(duel, hash)
					       : look_by_queues(duel, hash);
	if (++duel->samples % ROUND != 0)
		return;
	if (duel->lead > LEAD_ENTER)
		duel->prefers_recency = true;
	else if (duel->lead < LEAD_LEAVE)
		duel->prefers_recency = false;
	duel->lead = duel->lead * 3 / 4;
}
