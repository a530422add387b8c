#include "broker/cache/duel.h"

#include "broker/cache/s3fifo.h"

#define NONE UINT32_MAX

/* Some room for chance, which may sample smaller ones and so more of them. */
#define SAMPLED (DUEL_ENTRIES / 8 * 7)

/* What the average one is worth. */
#define UNIT 65536.0
#define SPAN (UINT32_C(1) << 30)

/* The lead is judged each time so many were sampled, and three quarters of it stay: it speaks of
 * about four times as many. It must be more than 1 % of them to go by recency, and less than a
 * fifth of that to leave it. */
#define ROUND	   512
#define LEAD_ENTER 20
#define LEAD_SURE  64
#define LEAD_LEAVE 4

#define FREQUENCY_MAX 63

void duel_init(struct duel *duel, enum cache_policy_kind kind)
{
	*duel = (struct duel){.kind = kind};
}

void duel_fit(struct duel *duel, uint64_t entries, uint64_t bytes)
{
	uint64_t limit = UINT32_MAX;

	if (entries > SAMPLED)
		limit = (UINT64_C(1) << 32) * SAMPLED / entries;
	duel->gone_count = entries > SAMPLED ? SAMPLED : (uint32_t)entries + 1;
	duel->capacity = entries > SAMPLED ? bytes / entries * SAMPLED : bytes;
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
	mini->proven_bytes -= mini->proven[place] ? mini->sizes[place] : 0;
	mini->bytes -= mini->sizes[place];
	mini->sizes[place] = mini->sizes[last];
	mini->hashes[place] = mini->hashes[last];
	mini->values[place] = mini->values[last];
	mini->frequencies[place] = mini->frequencies[last];
	mini->proven[place] = mini->proven[last];
}

/* What one look is about. */
struct sample {
	uint32_t hash;
	uint32_t size;
	uint64_t capacity;
};

static bool is_full(const struct mini *mini, const struct sample *sample)
{
	return mini->count == DUEL_ENTRIES ||
	       (mini->count > 0 && mini->bytes + sample->size > sample->capacity);
}

static void put_in(struct mini *mini, const struct sample *sample, uint32_t value,
		   uint8_t frequency, bool proven)
{
	uint32_t place = mini->count++;

	mini->hashes[place] = sample->hash;
	mini->values[place] = value;
	mini->sizes[place] = sample->size;
	mini->frequencies[place] = frequency;
	mini->proven[place] = proven;
	mini->proven_count += proven;
	mini->proven_bytes += proven ? sample->size : 0;
	mini->bytes += sample->size;
}

static bool look_at_recent(struct mini *mini, const struct sample *sample)
{
	uint32_t place = find(mini->hashes, mini->count, sample->hash);

	if (place != NONE) {
		mini->values[place] = ++mini->clock;
		return true;
	}
	while (is_full(mini, sample))
		take_out(mini, least(mini, false, false));
	put_in(mini, sample, ++mini->clock, 0, false);
	return false;
}

static void remember(struct duel *duel, uint32_t hash, uint8_t frequency)
{
	duel->gone_at = (duel->gone_at + 1) % duel->gone_count;
	duel->gone[duel->gone_at] = hash;
	duel->gone_frequencies[duel->gone_at] = frequency;
}

static uint8_t recall(struct duel *duel, uint32_t hash)
{
	uint32_t place = find(duel->gone, duel->gone_count, hash);

	if (place == NONE)
		return 0;
	duel->gone[place] = 0;
	return duel->gone_frequencies[place];
}

/* The clock is the worth of the last victim. */
static uint32_t value_of(const struct duel *duel, uint8_t frequency, uint32_t size)
{
	double worth = UNIT * frequency * duel->mean_size / size;

	return duel->policy.clock + (worth < SPAN ? (uint32_t)worth : SPAN);
}

static bool look_by_frequency(struct duel *duel, const struct sample *sample)
{
	struct mini *mini = &duel->policy;
	uint32_t place = find(mini->hashes, mini->count, sample->hash);
	uint8_t frequency;

	if (place != NONE) {
		if (mini->frequencies[place] < FREQUENCY_MAX)
			mini->frequencies[place]++;
		mini->values[place] = value_of(duel, mini->frequencies[place], sample->size);
		return true;
	}
	while (is_full(mini, sample)) {
		uint32_t victim = least(mini, false, false);

		mini->clock = mini->values[victim];
		remember(duel, mini->hashes[victim], mini->frequencies[victim]);
		take_out(mini, victim);
	}
	frequency = (uint8_t)(1 + recall(duel, sample->hash) / 2);
	put_in(mini, sample, value_of(duel, frequency, sample->size), frequency, false);
	return false;
}

static void move_on(struct mini *mini, uint32_t place)
{
	mini->frequencies[place] = 0;
	mini->proven[place] = true;
	mini->proven_count++;
	mini->proven_bytes += mini->sizes[place];
	mini->values[place] = ++mini->clock;
}

static void let_one_go(struct duel *duel)
{
	struct mini *mini = &duel->policy;
	uint64_t small = mini->bytes - mini->proven_bytes;
	bool is_small = small > mini->bytes / S3FIFO_SMALL_SHARE || mini->proven_count == 0;
	uint32_t place = least(mini, true, !is_small);

	if (place == NONE) {
		is_small = !is_small;
		place = least(mini, true, !is_small);
	}
	if (is_small && mini->frequencies[place] >= S3FIFO_WANTED) {
		move_on(mini, place);
	} else if (!is_small && mini->frequencies[place] > 0) {
		mini->frequencies[place]--;
		mini->values[place] = ++mini->clock;
	} else {
		if (is_small)
			remember(duel, mini->hashes[place], 1);
		take_out(mini, place);
	}
}

static bool look_by_queues(struct duel *duel, const struct sample *sample)
{
	struct mini *mini = &duel->policy;
	uint32_t place = find(mini->hashes, mini->count, sample->hash);

	if (place != NONE) {
		if (mini->frequencies[place] < S3FIFO_FREQUENCY_MAX)
			mini->frequencies[place]++;
		return true;
	}
	while (is_full(mini, sample))
		let_one_go(duel);
	put_in(mini, sample, ++mini->clock, 0, recall(duel, sample->hash) > 0);
	return false;
}

void duel_sample(struct duel *duel, uint32_t hash, size_t size)
{
	struct sample sample = {
		.hash = hash,
		.size = size < UINT32_MAX ? (uint32_t)size : UINT32_MAX,
		.capacity = duel->capacity,
	};

	if (duel->mean_size == 0)
		duel->mean_size = sample.size;
	duel->mean_size += (sample.size - duel->mean_size) / 1024;
	duel->lead += look_at_recent(&duel->recent, &sample);
	duel->lead -= duel->kind == CACHE_GDSF ? look_by_frequency(duel, &sample)
					       : look_by_queues(duel, &sample);
	if (++duel->samples % ROUND != 0)
		return;
	/* One round may be chance, unless it is beyond doubt: two are a tendency. */
	if (duel->lead > LEAD_SURE || (duel->lead > LEAD_ENTER && duel->was_ahead))
		duel->prefers_recency = true;
	else if (duel->lead < LEAD_LEAVE)
		duel->prefers_recency = false;
	duel->was_ahead = duel->lead > LEAD_ENTER;
	duel->lead = duel->lead * 3 / 4;
}
