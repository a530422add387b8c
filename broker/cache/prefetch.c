#include "broker/cache/prefetch.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include "broker/cache/follow.h"
#include "broker/cache/habits.h"
#include "broker/cache/open_guesses.h"
#include "broker/cache/rewrite.h"

/* What comes later has nothing to do with it any more. */
#define SUCCESSION_US UINT64_C(60000000)
#define STEPS	      2	 /* requests of a client that are remembered */
#define PARAMS_LEAVES 12 /* values of one that are */
#define RESULT_LEAVES 12
#define RESULT_BYTES  16384 /* a longer result is not looked at */
#define MESSAGE_BYTES 4096  /* a longer request is not made into a guess */
#define SWEEP	      256   /* places that one slice of housekeeping looks at */

struct step {
	uint64_t hash; /* 0: none */
	uint64_t at_us;
	uint16_t method;
	uint8_t encoding;
	uint8_t count;
	bool has_leaves;
	bool has_result; /* also those of its result */
	struct leaf leaves[PARAMS_LEAVES + RESULT_LEAVES];
};

struct trail {
	uint64_t client;
	size_t newest;
	struct step steps[STEPS];
};

struct prefetch {
	uint64_t seed;
	struct trail *trails; /* by client; one that needs the place of another takes it */
	size_t trail_count;   /* a power of two */
	struct follow follow;
	struct habits habits;
	struct open_guesses outstanding;
	struct prefetch_stats stats;
	struct strbuf params; /* that are being made */
	struct strbuf texts[PREFETCH_GUESSES];
};

/* Besides the tables: the object, texts of guesses, what the allocator adds. */
#define FIXED_BYTES (UINT64_C(32) << 10)

static enum wsb_err init(struct prefetch *prefetch, uint64_t bytes)
{
	enum wsb_err err;

	prefetch->trail_count = 1;
	while (prefetch->trail_count * 2 * sizeof(struct trail) <= bytes / 4)
		prefetch->trail_count *= 2;
	prefetch->trails = calloc(prefetch->trail_count, sizeof(*prefetch->trails));
	err = prefetch->trails ? WSB_OK : WSB_ENOMEM;
	if (err == WSB_OK)
		err = follow_init(&prefetch->follow, bytes / 2, bytes / 8);
	if (err == WSB_OK)
		err = habits_init(&prefetch->habits, bytes / 16, prefetch->seed);
	if (err == WSB_OK)
		err = open_guesses_init(&prefetch->outstanding, bytes / 16);
	return err;
}

enum wsb_err prefetch_create(struct prefetch **out, uint64_t bytes, uint64_t seed)
{
	struct prefetch *prefetch = calloc(1, sizeof(*prefetch));
	enum wsb_err err = WSB_ENOMEM;

	*out = NULL;
	if (prefetch) {
		prefetch->seed = seed;
		err = init(prefetch,
			   (bytes > PREFETCH_BYTES_MIN ? bytes : PREFETCH_BYTES_MIN) - FIXED_BYTES);
	}
	if (err == WSB_OK)
		*out = prefetch;
	else
		prefetch_destroy(prefetch);
	return err;
}

void prefetch_destroy(struct prefetch *prefetch)
{
	if (!prefetch)
		return;
	free(prefetch->trails);
	follow_fini(&prefetch->follow);
	habits_fini(&prefetch->habits);
	open_guesses_fini(&prefetch->outstanding);
	strbuf_fini(&prefetch->params);
	for (size_t i = 0; i < PREFETCH_GUESSES; i++)
		strbuf_fini(&prefetch->texts[i]);
	free(prefetch);
}

/* Never 0, which stands for none. */
static uint64_t hash_of(const struct prefetch *prefetch, struct span common)
{
	return XXH3_64bits_withSeed(common.at, common.len, prefetch->seed) | 1ULL << 63;
}

static struct trail *trail_of(struct prefetch *prefetch, uint64_t client)
{
	uint64_t hash = XXH3_64bits_withSeed(&client, sizeof(client), prefetch->seed);

	return &prefetch->trails[hash & (prefetch->trail_count - 1)];
}

static bool is_recent(const struct step *step, uint64_t now_us)
{
	return step->hash != 0 && now_us - step->at_us < SUCCESSION_US;
}

/* The params that have come, and what they are made of. */
struct arrival {
	const struct message *message;
	uint64_t hash;
	uint64_t now_us;
	uint16_t method;
	bool dull;	 /* nothing is to be learnt of what follows it */
	bool has_leaves; /* all of them, and few enough to learn them */
	size_t count;
	struct leaf_at leaves[PARAMS_LEAVES];
};

static void learn_step(struct prefetch *prefetch, const struct step *step,
		       const struct arrival *arrival, bool newest)
{
	const struct message *message = arrival->message;
	struct pair *pair;

	if (!is_recent(step, arrival->now_us) || step->hash == arrival->hash)
		return;
	pair = habits_pair(&prefetch->habits, step->method, arrival->method);
	if (newest)
		follow_learn(&prefetch->follow, step->hash, arrival->hash, arrival->method,
			     message->encoding, message->params);
	if (!pair || !step->has_leaves || !arrival->has_leaves ||
	    step->encoding != message->encoding)
		return;
	habits_learn(&prefetch->habits, step->method, pair, step->leaves, step->count,
		     message->encoding, message->params, arrival->leaves, arrival->count,
		     arrival->now_us);
}

static void push_step(struct trail *trail, const struct arrival *arrival)
{
	struct step *step;

	trail->newest = (trail->newest + 1) % STEPS;
	step = &trail->steps[trail->newest];
	step->hash = arrival->hash;
	step->at_us = arrival->now_us;
	step->method = arrival->method;
	step->encoding = (uint8_t)arrival->message->encoding;
	step->has_leaves = !arrival->dull;
	step->has_result = false;
	step->count = (uint8_t)arrival->count;
	for (size_t i = 0; i < arrival->count; i++)
		step->leaves[i] = arrival->leaves[i].leaf;
}

/* The values that a guess can be made of, and where it goes. */
struct guessing {
	struct prefetch *prefetch;
	const struct message *message;
	uint64_t now_us;
	uint16_t method;
	const struct leaf_at *known;
	size_t known_count;
	struct prefetch_guess *out;
	size_t count;
};

static bool is_known(const struct guessing *guessing, struct span text)
{
	for (size_t i = 0; i < guessing->count; i++)
		if (span_equal(guessing->out[i].text, text))
			return true;
	return false;
}

static void guess(struct guessing *guessing, const struct pair *pair, enum habit_kind kind,
		  struct span params)
{
	struct prefetch *prefetch = guessing->prefetch;
	const struct method *method = prefetch->habits.methods[pair->to];
	struct strbuf *text = &prefetch->texts[guessing->count];

	if (guessing->message->text.len > MESSAGE_BYTES)
		return;
	if (pair->to == guessing->method && span_equal(params, guessing->message->params))
		return;
	strbuf_clear(text);
	if (!rewrite(guessing->message, span_of(method->name, method->len), params, text) ||
	    is_known(guessing, strbuf_span(text)))
		return;
	guessing->out[guessing->count++] = (struct prefetch_guess){
		.text = strbuf_span(text),
		.encoding = guessing->message->encoding,
		.rule = habits_rule(&prefetch->habits, guessing->method, pair, kind),
	};
}

static void guess_by_values(struct guessing *guessing, struct pair *pair)
{
	struct strbuf *params = &guessing->prefetch->params;

	strbuf_clear(params);
	if (guessing->count < PREFETCH_GUESSES && habits_believe(pair, guessing->now_us) &&
	    pair->pattern.encoding == guessing->message->encoding &&
	    pattern_build(&pair->pattern, guessing->known, guessing->known_count, params))
		guess(guessing, pair, HABIT_VALUES, strbuf_span(params));
}

static void guess_by_patterns(struct guessing *guessing)
{
	struct pair *pairs = guessing->prefetch->habits.methods[guessing->method]->pairs;

	for (size_t i = 0; i < HABITS_PAIRS; i++) {
		if (pairs[i].to == HABITS_NONE)
			continue;
		guess_by_values(guessing, &pairs[i]);
		if (++pairs[i].tries >= HABITS_TRIES_MAX) {
			pairs[i].tries /= 2;
			pairs[i].hits /= 2;
		}
	}
}

static struct pair *find_pair(struct prefetch *prefetch, uint16_t from, uint16_t to)
{
	struct pair *pairs = prefetch->habits.methods[from]->pairs;

	for (size_t i = 0; i < HABITS_PAIRS; i++)
		if (pairs[i].to == to)
			return &pairs[i];
	return NULL;
}

static void guess_by_succession(struct guessing *guessing, uint64_t hash)
{
	struct prefetch *prefetch = guessing->prefetch;
	const struct follow_successor *found[2];
	size_t count = follow_find(&prefetch->follow, hash, found);

	for (size_t i = 0; i < count && guessing->count < PREFETCH_GUESSES; i++) {
		const struct follow_text *text = found[i]->text;
		struct pair *pair = find_pair(prefetch, guessing->method, found[i]->method);

		if (pair && text->encoding == guessing->message->encoding &&
		    verdicts_allow(&pair->verdicts[HABIT_LITERAL], guessing->now_us))
			guess(guessing, pair, HABIT_LITERAL, span_of(text->params, text->len));
	}
}

static void settle_used(struct prefetch *prefetch, uint64_t hash, uint64_t now_us)
{
	struct guess guess;

	if (!open_guesses_take(&prefetch->outstanding, hash, &guess))
		return;
	prefetch->stats.used++;
	habits_judge(&prefetch->habits, &guess, true, now_us);
}

static void settle_wasted(struct prefetch *prefetch, const struct guess *guess, uint64_t now_us)
{
	prefetch->stats.wasted++;
	habits_judge(&prefetch->habits, guess, false, now_us);
}

static bool any_has_leaves(const struct trail *trail)
{
	for (size_t i = 0; i < STEPS; i++)
		if (trail->steps[i].hash != 0 && trail->steps[i].has_leaves)
			return true;
	return false;
}

static void look_at_params(const struct habits *habits, const struct trail *trail,
			   struct arrival *arrival)
{
	struct span params = arrival->message->params;
	bool whole;

	arrival->dull = habits_dull(habits, arrival->method, arrival->now_us);
	if (!params.at || (arrival->dull && !any_has_leaves(trail)))
		return;
	arrival->count = leaves_find(arrival->message->encoding, params, LEAF_PARAMS,
				     arrival->leaves, PARAMS_LEAVES, &whole);
	arrival->has_leaves =
		whole && arrival->count <= PATTERN_SLOTS_MAX && params.len <= PATTERN_BYTES_MAX;
}

size_t prefetch_note(struct prefetch *prefetch, const struct prefetch_request *request,
		     uint64_t now_us, struct prefetch_guess out[PREFETCH_GUESSES])
{
	struct arrival arrival = {.message = request->message,
				  .hash = hash_of(prefetch, request->common),
				  .now_us = now_us};
	struct guessing guessing = {.prefetch = prefetch,
				    .message = request->message,
				    .now_us = now_us,
				    .known = arrival.leaves,
				    .out = out};
	struct trail *trail = trail_of(prefetch, request->client);
	struct step *newest = &trail->steps[trail->newest];

	settle_used(prefetch, arrival.hash, now_us);
	if (trail->client != request->client)
		*trail = (struct trail){.client = request->client};
	if (newest->hash == arrival.hash) {
		newest->at_us = now_us;
		return 0;
	}
	arrival.method = habits_method(&prefetch->habits, request->message->method);
	if (arrival.method == HABITS_NONE)
		return 0;
	look_at_params(&prefetch->habits, trail, &arrival);
	for (size_t i = 0; i < STEPS; i++)
		learn_step(prefetch, &trail->steps[i], &arrival, i == trail->newest);
	push_step(trail, &arrival);
	guessing.method = arrival.method;
	guessing.known_count = arrival.count;
	guess_by_patterns(&guessing);
	guess_by_succession(&guessing, arrival.hash);
	return guessing.count;
}

static struct step *find_step(struct prefetch *prefetch, uint64_t client, uint64_t hash)
{
	struct trail *trail = trail_of(prefetch, client);

	for (size_t i = 0; i < STEPS && trail->client == client; i++)
		if (trail->steps[i].hash == hash)
			return &trail->steps[i];
	return NULL;
}

/* The values of params and result together; how many there are. */
static size_t look_at_both(const struct message *request, const struct message *answer,
			   struct step *step, struct leaf_at *leaves)
{
	bool whole;
	size_t count = leaves_find(request->encoding, request->params, LEAF_PARAMS, leaves,
				   PARAMS_LEAVES, &whole);

	count += leaves_find(answer->encoding, answer->result, LEAF_RESULT, leaves + count,
			     RESULT_LEAVES, &whole);
	for (size_t i = 0; i < count; i++)
		step->leaves[i] = leaves[i].leaf;
	step->count = (uint8_t)count;
	step->has_result = true;
	return count;
}

size_t prefetch_answered(struct prefetch *prefetch, const struct prefetch_request *request,
			 const struct message *answer, uint64_t now_us,
			 struct prefetch_guess out[PREFETCH_GUESSES])
{
	struct leaf_at leaves[PARAMS_LEAVES + RESULT_LEAVES];
	struct guessing guessing = {.prefetch = prefetch,
				    .message = request->message,
				    .now_us = now_us,
				    .known = leaves,
				    .out = out};
	struct step *step =
		find_step(prefetch, request->client, hash_of(prefetch, request->common));
	struct method *method = step ? prefetch->habits.methods[step->method] : NULL;

	if (!step || step->has_result || !step->has_leaves || !method->wants_result ||
	    !answer->result.at || answer->result.len > RESULT_BYTES ||
	    answer->encoding != request->message->encoding)
		return 0;
	guessing.method = step->method;
	guessing.known_count = look_at_both(request->message, answer, step, leaves);
	for (size_t i = 0; i < HABITS_PAIRS; i++)
		if (method->pairs[i].to != HABITS_NONE &&
		    pattern_reads_result(&method->pairs[i].pattern))
			guess_by_values(&guessing, &method->pairs[i]);
	return guessing.count;
}

void prefetch_issued(struct prefetch *prefetch, uint32_t rule, struct span common, uint64_t now_us)
{
	const struct guess guess = {
		.hash = hash_of(prefetch, common), .issued_us = now_us, .rule = rule};
	struct guess lost;

	prefetch->stats.issued++;
	if (open_guesses_add(&prefetch->outstanding, &guess, &lost))
		settle_wasted(prefetch, &lost, now_us);
}

void prefetch_upkeep(struct prefetch *prefetch, uint64_t now_us)
{
	uint64_t before_us = now_us > PREFETCH_WAIT_US ? now_us - PREFETCH_WAIT_US : 0;
	size_t left = SWEEP;
	struct guess guess;

	while (open_guesses_expire(&prefetch->outstanding, before_us, &left, &guess))
		settle_wasted(prefetch, &guess, now_us);
}

void prefetch_stats(const struct prefetch *prefetch, uint64_t now_us, struct prefetch_stats *out)
{
	*out = prefetch->stats;
	out->rests = prefetch->habits.rests;
	out->methods = prefetch->habits.count;
	out->resting = habits_resting(&prefetch->habits, now_us);
	out->bytes = prefetch->trail_count * sizeof(struct trail) +
		     prefetch->follow.count * sizeof(struct follow_entry) +
		     prefetch->follow.text_bytes + prefetch->habits.count * sizeof(struct method) +
		     prefetch->outstanding.count * sizeof(struct guess);
}
