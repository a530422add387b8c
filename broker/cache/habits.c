#include "broker/cache/habits.h"

#include <stdlib.h>
#include <string.h>
#include "common/map.h"

enum wsb_err habits_init(struct habits *habits, uint64_t bytes, uint64_t seed)
{
	/* With its name in the map, and what the allocator adds. */
	uint64_t most = bytes / (sizeof(struct method) + HABITS_PAIRS * (PATTERN_BYTES_MAX + 16) +
				 HABITS_NAME_MAX + 128);

	*habits = (struct habits){
		.max = (uint16_t)(most < HABITS_METHODS_MAX ? most : HABITS_METHODS_MAX)};
	habits->methods = calloc((size_t)habits->max + 1, sizeof(struct method *));
	if (!habits->methods)
		return WSB_ENOMEM;
	return map_create(&habits->by_name, seed);
}

void habits_fini(struct habits *habits)
{
	for (uint16_t i = 0; i < habits->count; i++) {
		for (size_t k = 0; k < HABITS_PAIRS; k++)
			pattern_fini(&habits->methods[i]->pairs[k].pattern);
		free(habits->methods[i]);
	}
	free(habits->methods);
	map_destroy(habits->by_name);
}

static uint16_t add_method(struct habits *habits, struct span name)
{
	struct method *method = calloc(1, sizeof(*method));

	if (!method)
		return HABITS_NONE;
	habits->methods[habits->count] = method;
	/* A pointer tells the number: the place that holds the method. */
	if (map_put(habits->by_name, name, &habits->methods[habits->count]) != WSB_OK) {
		free(method);
		return HABITS_NONE;
	}
	memcpy(method->name, name.at, name.len);
	method->len = (uint8_t)name.len;
	for (size_t i = 0; i < HABITS_PAIRS; i++)
		method->pairs[i].to = HABITS_NONE;
	return habits->count++;
}

uint16_t habits_method(struct habits *habits, struct span name)
{
	struct method **place = map_get(habits->by_name, name);

	if (place)
		return (uint16_t)(place - habits->methods);
	if (name.len == 0 || name.len > HABITS_NAME_MAX || habits->count == habits->max)
		return HABITS_NONE;
	return add_method(habits, name);
}

struct pair *habits_pair(struct habits *habits, uint16_t from, uint16_t to)
{
	struct pair *pairs = habits->methods[from]->pairs, *least = &pairs[0];

	for (size_t i = 0; i < HABITS_PAIRS; i++) {
		if (pairs[i].to == to) {
			if (pairs[i].weight < UINT16_MAX)
				pairs[i].weight++;
			return &pairs[i];
		}
		if (pairs[i].to == HABITS_NONE || pairs[i].weight < least->weight)
			least = &pairs[i];
	}
	if (least->to != HABITS_NONE && least->weight > 0) {
		least->weight--;
		return NULL;
	}
	pattern_fini(&least->pattern);
	*least = (struct pair){.to = to, .weight = 1};
	return least;
}

bool habits_dull(const struct habits *habits, uint16_t method, uint64_t now_us)
{
	const struct pair *pairs = habits->methods[method]->pairs;
	bool any = false;

	for (size_t i = 0; i < HABITS_PAIRS; i++) {
		if (pairs[i].to == HABITS_NONE)
			continue;
		if (now_us >= pairs[i].dull_until_us)
			return false;
		any = true;
	}
	return any;
}

static void note_fit(struct pair *pair, bool fits, uint64_t now_us)
{
	pair->fits = (uint8_t)(pair->fits + fits);
	pair->misfits = (uint8_t)(pair->misfits + !fits);
	if (fits && pair->hits < pair->tries)
		pair->hits++;
	if (pair->fits + pair->misfits < HABITS_TRIES_MAX)
		return;
	if (pair->misfits > pair->fits)
		pair->dull_until_us = now_us + HABITS_DULL_US;
	pair->fits /= 2;
	pair->misfits /= 2;
}

void habits_learn(struct habits *habits, uint16_t from, struct pair *pair, const struct leaf *known,
		  size_t known_count, enum encoding encoding, struct span params,
		  const struct leaf_at *leaves, size_t count, uint64_t now_us)
{
	bool fits, unexplained;

	if (now_us < pair->dull_until_us)
		return;
	fits = pattern_learn(&pair->pattern, known, known_count, encoding, params, leaves, count,
			     &unexplained);
	if (unexplained)
		habits->methods[from]->wants_result = true;
	note_fit(pair, fits, now_us);
}

bool habits_believe(const struct pair *pair, uint64_t now_us)
{
	return pair->to != HABITS_NONE && pair->pattern.seen >= PATTERN_SURE &&
	       2U * pair->hits + 1 >= pair->tries &&
	       verdicts_allow(&pair->verdicts[HABIT_VALUES], now_us);
}

#define TO_SHIFT   12
#define FROM_SHIFT 3
#define PAIR_SHIFT 1

uint32_t habits_rule(const struct habits *habits, uint16_t from, const struct pair *pair,
		     enum habit_kind kind)
{
	size_t at = (size_t)(pair - habits->methods[from]->pairs);

	return (uint32_t)pair->to << TO_SHIFT | (uint32_t)from << FROM_SHIFT |
	       (uint32_t)at << PAIR_SHIFT | (uint32_t)kind;
}

void habits_judge(struct habits *habits, const struct guess *guess, bool used, uint64_t now_us)
{
	uint32_t rule = guess->rule;
	uint32_t from = rule >> FROM_SHIFT & (HABITS_METHODS_MAX - 1);
	struct pair *pair = &habits->methods[from]->pairs[rule >> PAIR_SHIFT & (HABITS_PAIRS - 1)];

	if (pair->to == rule >> TO_SHIFT &&
	    verdicts_add(&pair->verdicts[rule & (HABIT_KINDS - 1)], used, guess->issued_us, now_us))
		habits->rests++;
}

uint32_t habits_resting(const struct habits *habits, uint64_t now_us)
{
	uint32_t count = 0;

	for (size_t i = 0; i < (size_t)habits->count * HABITS_PAIRS; i++) {
		const struct pair *pair =
			&habits->methods[i / HABITS_PAIRS]->pairs[i % HABITS_PAIRS];

		for (size_t kind = 0; kind < HABIT_KINDS; kind++)
			count += !verdicts_allow(&pair->verdicts[kind], now_us);
	}
	return count;
}
