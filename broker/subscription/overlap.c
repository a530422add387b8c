#include "broker/subscription/overlap.h"

#include <stdlib.h>
#include <string.h>

void overlap_past_add(struct overlap_past *past, uint64_t hash)
{
	if (past->count == OVERLAP_PAST)
		memmove(past->hashes, past->hashes + 1, --past->count * sizeof(past->hashes[0]));
	past->hashes[past->count++] = hash;
}

void overlap_init(struct overlap *overlap, const struct overlap_past *past)
{
	*overlap = (struct overlap){.past = *past};
	list_init(&overlap->waiting);
}

void overlap_fini(struct overlap *overlap)
{
	struct overlap_event *event;

	while ((event = overlap_take(overlap)))
		free(event);
}

static uint32_t less(uint32_t value, uint32_t by)
{
	return value > by ? value - by : 0;
}

static void run_drop(struct overlap_run *run, uint32_t count)
{
	run->count -= count;
	run->owed = less(run->owed, count);
	run->repeated = less(run->repeated, count);
	memmove(run->hashes, run->hashes + count, run->count * sizeof(run->hashes[0]));
}

static void run_add(struct overlap_run *run, uint64_t hash)
{
	if (run->count == OVERLAP_EVENTS)
		run_drop(run, 1);
	run->hashes[run->count++] = hash;
}

/* How many stand up to and with the one of this hash; 0: there is none. */
static uint32_t run_find(const struct overlap_run *run, uint64_t hash)
{
	for (uint32_t i = run->count; i > 0; i--)
		if (run->hashes[i - 1] == hash)
			return i;
	return 0;
}

/* Whether this one has come another way before. In its order the run comes to each of them once. */
static bool run_repeats(struct overlap_run *run, uint64_t hash)
{
	uint32_t found = run_find(run, hash);

	if (found <= run->repeated || found > run->owed)
		return false;
	run->repeated = found;
	return true;
}

static enum overlap_verdict judge_joined(struct overlap *overlap, uint64_t hash)
{
	struct overlap_run *old = &overlap->runs[OVERLAP_OLD];
	uint32_t found = run_find(old, hash);

	/* In its order it will not come back to what stands before. */
	run_drop(old, found);
	return found > 0 ? OVERLAP_REPEAT : OVERLAP_HAND_ON;
}

/* So many of those that wait stand before the event that has come on both ways. */
static void drop_past(struct overlap *overlap, uint32_t ahead)
{
	const struct overlap_past *past = &overlap->past;
	const uint64_t *end = past->hashes + past->count;
	uint32_t known = ahead < past->count ? ahead : past->count;

	while (known > 0 &&
	       memcmp(overlap->runs[OVERLAP_NEW].hashes, end - known, known * sizeof(*end)) != 0)
		known--;
	for (; known > 0; known--)
		free(overlap_take(overlap));
}

enum overlap_verdict overlap_judge(struct overlap *overlap, enum overlap_side side, uint64_t hash)
{
	struct overlap_run *mine = &overlap->runs[side];
	struct overlap_run *other = &overlap->runs[side == OVERLAP_OLD ? OVERLAP_NEW : OVERLAP_OLD];
	uint32_t found = run_find(other, hash);

	if (overlap->joined)
		return side == OVERLAP_NEW ? judge_joined(overlap, hash) : OVERLAP_REPEAT;
	if (run_repeats(mine, hash))
		return OVERLAP_REPEAT;
	overlap->alike |= run_find(mine, hash) > 0;
	if (overlap->alike || found == 0) {
		run_add(mine, hash);
		return side == OVERLAP_NEW ? OVERLAP_WAIT : OVERLAP_HAND_ON;
	}
	overlap->joined = true;
	drop_past(overlap, side == OVERLAP_NEW ? mine->count : found - 1);
	/* What the old side brought up to here the new one does not repeat. The old side's event
	 * stands among those that wait, so that all it brought before is behind the new one. */
	if (side == OVERLAP_NEW)
		run_drop(other, found);
	else
		run_drop(mine, mine->count);
	return OVERLAP_MEET;
}

bool overlap_keep(struct overlap *overlap, enum encoding encoding, uint64_t names, struct span text)
{
	size_t bytes = sizeof(struct overlap_event) + text.len;
	struct overlap_event *event = NULL;

	if (overlap->waiting.count < OVERLAP_EVENTS && overlap->bytes + bytes <= OVERLAP_BYTES)
		event = malloc(bytes);
	if (!event)
		return false;
	event->encoding = encoding;
	event->names = names;
	event->len = text.len;
	memcpy(event->text, text.at, text.len);
	list_node_init(&event->link);
	list_append(&overlap->waiting, &event->link);
	overlap->bytes += bytes;
	return true;
}

struct overlap_event *overlap_take(struct overlap *overlap)
{
	struct list_node *node = list_pop(&overlap->waiting);
	struct overlap_event *event;

	if (!node)
		return NULL;
	event = list_entry(node, struct overlap_event, link);
	overlap->bytes -= sizeof(*event) + event->len;
	return event;
}

void overlap_give_up(struct overlap *overlap)
{
	overlap->joined = true;
	if (overlap->alike)
		overlap->runs[OVERLAP_OLD].count = 0;
}

void overlap_go_on(struct overlap *overlap, const struct overlap_past *past)
{
	struct overlap_run *old = &overlap->runs[OVERLAP_OLD];

	overlap->past.count = 0;
	for (uint32_t i = 0; i < past->count; i++)
		if (run_find(old, past->hashes[i]) == 0)
			overlap_past_add(&overlap->past, past->hashes[i]);
	old->owed = old->count;
	old->repeated = 0;
	overlap->runs[OVERLAP_NEW] = (struct overlap_run){0};
	overlap->joined = false;
}
