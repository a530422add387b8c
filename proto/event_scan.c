#include "proto/event_words.h"

#include <stdlib.h>
#include <string.h>
#include "common/clock.h"
#include "common/escape.h"

/* More names than these are rare enough to be read the other way. */
#define NAMES_MAX 32
/* "2026-11-22T07:12:00.123Z" */
#define TIME_LEN 24

/* What is left of the text. */
struct scan {
	const char *at, *end;
};

static bool take(struct scan *scan, const char *word)
{
	const size_t len = strlen(word);

	if ((size_t)(scan->end - scan->at) < len || memcmp(scan->at, word, len) != 0)
		return false;
	scan->at += len;
	return true;
}

/* The length of the character that the text begins with, if it stands for itself also where
 * strbuf_json writes it; 0: it does not. */
static size_t plain_len(const struct scan *scan)
{
	const unsigned char first = (unsigned char)scan->at[0];
	size_t len;

	if (first < 0x80)
		return first >= 0x20 && first != '"' && first != '\\' && first != 0x7f;
	len = utf8_sequence_len(span_of(scan->at, (size_t)(scan->end - scan->at)));
	return first == 0xc2 && len == 2 && (unsigned char)scan->at[1] < 0xa0 ? 0 : len;
}

/* A text of min to max bytes behind its first quote, with the second. */
static bool take_text(struct scan *scan, size_t min, size_t max, struct span *out)
{
	const char *start = scan->at;

	while (scan->at < scan->end && *scan->at != '"') {
		const size_t len = plain_len(scan);

		if (len == 0)
			return false;
		scan->at += len;
	}
	*out = span_of(start, (size_t)(scan->at - start));
	return take(scan, "\"") && out->len >= min && out->len <= max;
}

/* A list behind its bracket, with the other one. */
static bool take_names(struct scan *scan, size_t bytes_max, struct span names[NAMES_MAX],
		       size_t *total, size_t *count)
{
	const size_t before = *total;

	*count = 0;
	if (take(scan, "]"))
		return true;
	do {
		if (*total == NAMES_MAX || !take(scan, "\"") ||
		    !take_text(scan, 1, bytes_max, &names[(*total)++]))
			return false;
	} while (take(scan, ","));
	*count = *total - before;
	return take(scan, "]");
}

/* As clock_text writes it: clock_read knows other ways. */
static bool take_time(struct scan *scan, uint64_t *wall_us)
{
	struct span text;

	return take_text(scan, TIME_LEN, TIME_LEN, &text) && text.at[10] == 'T' &&
	       text.at[17] != '6' && text.at[TIME_LEN - 1] == 'Z' &&
	       clock_read(text, wall_us) == WSB_OK;
}

static bool take_head(struct scan *scan, struct event *event)
{
	if (!take(scan, "{\"specversion\":\"1.0\",\"type\":\""))
		return false;
	if (take(scan, event_words[EVENT_INVALIDATED].type))
		event->type = EVENT_INVALIDATED;
	else if (take(scan, event_words[EVENT_FLUSHED].type))
		event->type = EVENT_FLUSHED;
	else
		return false;
	return take(scan, "\",\"source\":\"") &&
	       take_text(scan, 1, EVENT_NAME_BYTES_MAX, &event->source) &&
	       take(scan, ",\"id\":\"") && take_text(scan, 1, EVENT_NAME_BYTES_MAX, &event->id) &&
	       take(scan, ",\"time\":\"") && take_time(scan, &event->time_us);
}

static bool take_position(struct scan *scan, struct position *position)
{
	struct span text;

	if (!take(scan, ",\"data\":{\"position\":"))
		return false;
	if (take(scan, "null"))
		return true;
	return take(scan, "\"") && take_text(scan, 1, POSITION_TEXT_MAX, &text) &&
	       position_read(text, position);
}

static bool take_mode(struct scan *scan, struct event *event)
{
	if (!take(scan, ",\"op\":\"") || !take(scan, event_words[event->type].op) ||
	    !take(scan, "\",\"mode\":\""))
		return false;
	event->what.mode = take(scan, "soft\"") ? INVALIDATE_SOFT : INVALIDATE_HARD;
	return event->what.mode == INVALIDATE_SOFT || take(scan, "hard\"");
}

static bool take_match(struct scan *scan, struct event *event)
{
	if (!take(scan, ",\"match\":\""))
		return false;
	event->what.match = take(scan, "all\"") ? MATCH_ALL : MATCH_ANY;
	return event->what.match == MATCH_ALL || take(scan, "any\"");
}

static bool take_lists(struct scan *scan, struct event *event, struct span names[NAMES_MAX],
		       size_t *total)
{
	struct invalidation *what = &event->what;

	return take(scan, ",\"tags\":[") &&
	       take_names(scan, TAG_GLOB_BYTES_MAX, names, total, &what->tag_count) &&
	       take_match(scan, event) && take(scan, ",\"keys\":[") &&
	       take_names(scan, ENTRY_KEY_BYTES_MAX, names, total, &what->key_count) &&
	       take(scan, ",\"methods\":[") &&
	       take_names(scan, METHOD_GLOB_BYTES_MAX, names, total, &what->method_count);
}

static bool take_end(struct scan *scan, struct event *event)
{
	return take(scan, ",\"cause\":\"") &&
	       take_text(scan, 0, EVENT_CAUSE_BYTES_MAX, &event->cause) && take(scan, "}}") &&
	       scan->at == scan->end;
}

/* Into memory of its own; of a flush there are none. */
static bool keep_names(struct event_held *held, const struct span *names, size_t total)
{
	struct invalidation *what = &held->event.what;

	if (total == 0)
		return true;
	held->spans = malloc(total * sizeof(*names));
	if (!held->spans)
		return false;
	memcpy(held->spans, names, total * sizeof(*names));
	what->tags = held->spans;
	what->keys = what->tags + what->tag_count;
	what->methods = what->keys + what->key_count;
	return true;
}

bool event_scan(struct span text, struct event_held *out)
{
	struct scan scan = {.at = text.at, .end = text.at + text.len};
	struct event *event = &out->event;
	struct span names[NAMES_MAX];
	size_t total = 0;

	*out = (struct event_held){0};
	if (take_head(&scan, event) && take_position(&scan, &event->position) &&
	    take_mode(&scan, event) && take_lists(&scan, event, names, &total) &&
	    take_end(&scan, event) && (event->type == EVENT_INVALIDATED || total == 0) &&
	    keep_names(out, names, total)) {
		event->what.all = event->type == EVENT_FLUSHED;
		event->json = text;
		return true;
	}
	*out = (struct event_held){0};
	return false;
}
