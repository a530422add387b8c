#include "broker/pool/greeting.h"

#include "proto/partial.h"

/* Far enough, and still room to add to: whoever stood still puts deadlines off. */
#define NEVER_US (UINT64_MAX / 2)

/* A timeout of 0 means no limit. */
static uint64_t step_deadline(const struct greeting_step *step, uint64_t now_us)
{
	if (step->timeout_us == 0 || step->timeout_us > NEVER_US - now_us)
		return NEVER_US;
	return now_us + step->timeout_us;
}

static void step_pass(struct greeting *greeting)
{
	greeting->at++;
	greeting->deadline_us = 0;
}

static bool is_played(const struct greeting *greeting, const struct greeting_step *step)
{
	return greeting->part == GREET_ALL || step->push_source == (greeting->part == GREET_SOURCE);
}

void greeting_begin(struct greeting *greeting, const struct pool_settings *settings,
		    enum greeting_part part)
{
	greeting->part = part;
	greeting->steps = settings->on_connect;
	greeting->count = settings->on_connect_count;
	greeting->at = 0;
	greeting->deadline_us = 0;
}

enum greeting_verdict greeting_next(struct greeting *greeting, uint64_t now_us, struct span *send)
{
	while (greeting->at < greeting->count) {
		const struct greeting_step *step = &greeting->steps[greeting->at];

		if (greeting->deadline_us != 0)
			return GREETING_WAIT;
		if (!is_played(greeting, step)) {
			step_pass(greeting);
			continue;
		}
		if (step->expect)
			greeting->deadline_us = step_deadline(step, now_us);
		else
			step_pass(greeting);
		if (step->send) {
			*send = span_text(step->send);
			return GREETING_SEND;
		}
	}
	return GREETING_DONE;
}

enum greeting_verdict greeting_feed(struct greeting *greeting, enum encoding encoding,
				    struct span message)
{
	const struct greeting_step *step;
	enum greeting_verdict verdict = GREETING_PUSH;
	json_t *tree;

	if (!greeting_waits(greeting))
		return GREETING_PUSH;
	tree = message_tree(encoding, message);
	if (!tree)
		return GREETING_PUSH;

	step = &greeting->steps[greeting->at];
	/* A refusal is looked for first: `expect` may be the looser of the two. */
	if (step->reject && partial_match(step->reject, tree)) {
		verdict = GREETING_REJECTED;
	} else if (partial_match(step->expect, tree)) {
		step_pass(greeting);
		verdict = GREETING_SEND;
	}
	json_decref(tree);
	return verdict;
}

enum greeting_verdict greeting_check(const struct greeting *greeting, uint64_t now_us)
{
	if (greeting_waits(greeting) && now_us >= greeting->deadline_us)
		return GREETING_LATE;
	return GREETING_WAIT;
}
