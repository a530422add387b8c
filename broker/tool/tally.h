/* broker/tool/tally.h: what came back, counted. Pure. */
#ifndef WSB_BROKER_TOOL_TALLY_H
#define WSB_BROKER_TOOL_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/histogram.h"
#include "common/span.h"

/* Error codes that are told apart; the others are counted together. */
#define TALLY_CODES 16

#define TALLY_SAMPLE_MAX 200

enum wrong_kind {
	WRONG_FORM,    /* not JSON, or not an answer */
	WRONG_ID,      /* an id that is not open on this connection */
	WRONG_TWICE,   /* answered before */
	WRONG_CONTENT, /* the result is not what was expected */
	WRONG_KINDS,
};

const char *wrong_kind_text(enum wrong_kind kind);

/* What has happened since the last line of progress. */
struct tally_recent {
	uint64_t answers;
	struct histogram latency;
};

/* Answers and errors count for requests that were due within the time that is measured; what must
 * not happen at all (wrong, lost, unsent, failed connections) counts whenever it happens. */
struct tally {
	uint64_t answers; /* errors included */
	uint64_t errors;
	uint64_t wrong[WRONG_KINDS];
	uint64_t lost;	 /* never answered */
	uint64_t unsent; /* due, but too many were open */
	uint64_t connections_failed;
	uint64_t connections_lost;
	struct histogram latency; /* of answers, errors included */
	struct {
		int64_t code;
		uint64_t count;
	} codes[TALLY_CODES];
	size_t code_count;
	uint64_t other_codes;
	char wrong_sample[TALLY_SAMPLE_MAX]; /* the first wrong answer, cut short; empty: none */
	struct tally_recent recent;
};

void tally_init(struct tally *tally);

void tally_answer(struct tally *tally, uint64_t latency_us, bool measured);
/* An answer that is an error; counts beside tally_answer. */
void tally_error(struct tally *tally, int64_t code, bool measured);
void tally_wrong(struct tally *tally, enum wrong_kind kind, struct span text);

void tally_unsent(struct tally *tally);

uint64_t tally_wrongs(const struct tally *tally);

/* Nothing that must not happen has happened. */
bool tally_is_clean(const struct tally *tally);

void tally_recent_reset(struct tally *tally);

#endif
