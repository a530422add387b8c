#include "broker/cache/patterns.h"

#include <string.h>
#include "common/glob.h"

void patterns_init(struct patterns *patterns, struct budget *budget)
{
	patterns->count = 0;
	patterns->bytes = 0;
	patterns->budget = budget;
}

static void release(struct patterns *patterns, struct pattern *pattern)
{
	patterns->bytes -= budget_cost_of(pattern);
	budget_give(patterns->budget, pattern);
}

static void take_out(struct patterns *patterns, uint32_t place)
{
	patterns->count--;
	memmove(patterns->at + place, patterns->at + place + 1,
		(patterns->count - place) * sizeof(patterns->at[0]));
}

void patterns_fini(struct patterns *patterns)
{
	while (patterns->count > 0)
		patterns_forget_oldest(patterns);
}

uint64_t patterns_forget_oldest(struct patterns *patterns)
{
	struct pattern *pattern = patterns->at[0];
	uint64_t clock = pattern->clock;

	take_out(patterns, 0);
	release(patterns, pattern);
	return clock;
}

size_t pattern_size(const struct pattern_globs *globs)
{
	size_t size = sizeof(struct pattern) + globs->count * sizeof(struct span);

	for (size_t i = 0; i < globs->count; i++)
		size += globs->at[i].len;
	return size;
}

static struct pattern *copy(struct patterns *patterns, const struct pattern *made)
{
	struct pattern *pattern = budget_take(patterns->budget, pattern_size(&made->globs));
	char *text;

	if (!pattern)
		return NULL;
	*pattern = *made;
	pattern->globs.at = pattern->own;
	text = (char *)(pattern->own + made->globs.count);
	for (size_t i = 0; i < made->globs.count; i++) {
		struct span glob = made->globs.at[i];

		pattern->own[i] = span_of(text, glob.len);
		if (glob.len > 0)
			memcpy(text, glob.at, glob.len);
		text += glob.len;
	}
	patterns->bytes += budget_cost_of(pattern);
	return pattern;
}

static bool says_the_same(const struct pattern *a, const struct pattern *b)
{
	if (a->mode != b->mode || a->globs.is_method != b->globs.is_method ||
	    a->globs.count != b->globs.count)
		return false;
	for (size_t i = 0; i < a->globs.count; i++)
		if (!span_equal(a->globs.at[i], b->globs.at[i]))
			return false;
	return true;
}

#define PREFIX_MAX 256

/* What stands before the first character that is not taken literally. */
static size_t literal_len(struct span glob)
{
	size_t len = 0;

	while (len < glob.len && !memchr("*?\\", glob.at[len], 3))
		len++;
	return len;
}

static uint64_t lesser(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The two oldest become one: what both begin with, and then anything. Of several globs that an
 * entry must all have, the first alone hits no less. */
static bool join_oldest(struct patterns *patterns)
{
	struct pattern *a = patterns->at[0];
	struct pattern *b = patterns->at[1];
	size_t most = (size_t)lesser(literal_len(a->own[0]), literal_len(b->own[0]));
	struct pattern made = *b;
	char text[PREFIX_MAX + 1];
	struct span glob = span_of(text, 0);
	struct pattern *joined;

	while (glob.len < most && glob.len < PREFIX_MAX &&
	       a->own[0].at[glob.len] == b->own[0].at[glob.len]) {
		text[glob.len] = a->own[0].at[glob.len];
		glob.len++;
	}
	text[glob.len++] = '*';
	made.globs.at = &glob;
	made.globs.count = 1;
	made.globs.is_method = a->globs.is_method && b->globs.is_method;
	made.is_met = a->is_met && b->is_met;
	made.first_ms = lesser(a->first_ms, b->first_ms);
	if (a->mode == INVALIDATE_HARD)
		made.mode = INVALIDATE_HARD;
	joined = copy(patterns, &made);
	if (!joined)
		return false;
	take_out(patterns, 0);
	release(patterns, a);
	release(patterns, b);
	patterns->at[0] = joined;
	return true;
}

bool patterns_add(struct patterns *patterns, const struct pattern *made, uint64_t met_clock)
{
	struct pattern *pattern = NULL;

	for (uint32_t i = patterns->count; i > 0 && !pattern; i--) {
		if (!says_the_same(patterns->at[i - 1], made))
			continue;
		pattern = patterns->at[i - 1];
		take_out(patterns, i - 1);
	}
	if (pattern) {
		if (pattern->is_met || pattern->clock <= met_clock)
			pattern->first_ms = made->first_ms;
		pattern->is_met = made->is_met;
		pattern->clock = made->clock;
		pattern->told_ms = made->told_ms;
	} else {
		if (patterns->count == PATTERNS_MAX && !join_oldest(patterns))
			return false;
		pattern = copy(patterns, made);
	}
	if (!pattern)
		return false;
	patterns->at[patterns->count++] = pattern;
	return true;
}

static bool glob_hits(struct span glob, bool is_method, struct span method, const struct span *tags,
		      size_t tag_count)
{
	if (method.len > 0 && glob_match(glob, method))
		return true;
	for (size_t i = 0; i < tag_count && !is_method; i++)
		if (glob_match(glob, tags[i]))
			return true;
	return false;
}

bool pattern_hits(const struct pattern_globs *globs, struct span method, const struct span *tags,
		  size_t tag_count)
{
	for (size_t i = 0; i < globs->count; i++)
		if (!glob_hits(globs->at[i], globs->is_method, method, tags, tag_count))
			return false;
	return true;
}
