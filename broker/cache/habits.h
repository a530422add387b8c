/* broker/cache/habits.h: what is known of methods: which follow which, how their params are made,
 * and whether guesses at them come true. For the predictor alone. */
#ifndef WSB_BROKER_CACHE_HABITS_H
#define WSB_BROKER_CACHE_HABITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "broker/cache/open_guesses.h"
#include "broker/cache/pattern.h"
#include "broker/cache/verdicts.h"
#include "common/err.h"
#include "common/span.h"

#define HABITS_METHODS_MAX 512
#define HABITS_NAME_MAX	   64 /* methods with longer names are not learnt */
#define HABITS_PAIRS	   4  /* methods that are known to follow one */
#define HABITS_TRIES_MAX   64 /* then tries and hits are halved, so that old habits fade */
#define HABITS_DULL_US	   UINT64_C(60000000)
#define HABITS_NONE	   UINT16_MAX

/* The two ways to come to a guess, each judged on its own. */
enum habit_kind { HABIT_LITERAL, HABIT_VALUES, HABIT_KINDS };

/* One method after another. */
struct pair {
	uint16_t to;		/* HABITS_NONE: free */
	uint16_t weight;	/* how often, until others push it out */
	uint16_t tries;		/* requests of the former method */
	uint16_t hits;		/* of which the latter followed as the pattern says */
	uint8_t fits;		/* times that the pattern has held lately */
	uint8_t misfits;	/* ... and has not */
	uint64_t dull_until_us; /* nothing is learnt of its values before */
	struct verdicts verdicts[HABIT_KINDS];
	struct pattern pattern;
};

struct method {
	char name[HABITS_NAME_MAX];
	uint8_t len;
	bool wants_result; /* something that follows has values that stand nowhere in params */
	struct pair pairs[HABITS_PAIRS];
};

struct map;
struct habits {
	struct map *by_name;
	struct method **methods;
	uint16_t count;
	uint16_t max;
	uint64_t rests;
};

enum wsb_err habits_init(struct habits *habits, uint64_t bytes, uint64_t seed) WSB_CHECKED;
void habits_fini(struct habits *habits);

/* The number of a method; HABITS_NONE: it cannot be learnt. */
uint16_t habits_method(struct habits *habits, struct span name);

/* The pair, which is made when there is room; NULL: there is none yet. */
struct pair *habits_pair(struct habits *habits, uint16_t from, uint16_t to);

/* Whether nothing is to be learnt of the values of a method, since what follows it does not care
 * for them. */
bool habits_dull(const struct habits *habits, uint16_t method, uint64_t now_us);

/* Params of the latter method have followed values of the former. */
void habits_learn(struct habits *habits, uint16_t from, struct pair *pair, const struct leaf *known,
		  size_t known_count, enum encoding encoding, struct span params,
		  const struct leaf_at *leaves, size_t count, uint64_t now_us);

/* Whether the pattern is believed, and guesses by it come true. */
bool habits_believe(const struct pair *pair, uint64_t now_us);

/* A rule is a pair and a kind, told by a number that a pair which takes its place does not get. */
uint32_t habits_rule(const struct habits *habits, uint16_t from, const struct pair *pair,
		     enum habit_kind kind);
/* Judges the rule of a guess by what became of it; nothing happens where the rule is no more. */
void habits_judge(struct habits *habits, const struct guess *guess, bool used, uint64_t now_us);

/* Pairs that rest. */
uint32_t habits_resting(const struct habits *habits, uint64_t now_us);

#endif
