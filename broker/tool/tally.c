#include "broker/tool/tally.h"

#include <stdio.h>

const char *wrong_kind_text(enum wrong_kind kind)
{
	static const char *const texts[WRONG_KINDS] = {
		[WRONG_FORM] = "not an answer",
		[WRONG_ID] = "an id that was not asked on this connection",
		[WRONG_TWICE] = "answered twice",
		[WRONG_CONTENT] = "not what was expected",
	};

	return texts[kind];
}

void tally_init(struct tally *tally)
{
	*tally = (struct tally){0};
	histogram_init(&tally->latency);
	histogram_init(&tally->recent.latency);
}

void tally_answer(struct tally *tally, uint64_t latency_us, bool measured)
{
	tally->recent.answers++;
	histogram_record(&tally->recent.latency, latency_us);
	if (!measured)
		return;
	tally->answers++;
	histogram_record(&tally->latency, latency_us);
}

static void count_code(struct tally *tally, int64_t code)
{
	for (size_t i = 0; i < tally->code_count; i++) {
		if (tally->codes[i].code == code) {
			tally->codes[i].count++;
			return;
		}
	}
	if (tally->code_count == TALLY_CODES) {
		tally->other_codes++;
		return;
	}
	tally->codes[tally->code_count].code = code;
	tally->codes[tally->code_count].count = 1;
	tally->code_count++;
}

void tally_error(struct tally *tally, int64_t code, bool measured)
{
	if (!measured)
		return;
	tally->errors++;
	count_code(tally, code);
}

void tally_wrong(struct tally *tally, enum wrong_kind kind, struct span text)
{
	tally->wrong[kind]++;
	if (tally->wrong_sample[0] == '\0')
		snprintf(tally->wrong_sample, sizeof(tally->wrong_sample), "%.*s",
			 (int)(text.len < TALLY_SAMPLE_MAX ? text.len : TALLY_SAMPLE_MAX - 1),
			 text.at);
}

void tally_unsent(struct tally *tally)
{
	tally->unsent++;
}

uint64_t tally_wrongs(const struct tally *tally)
{
	uint64_t count = 0;

	for (size_t i = 0; i < WRONG_KINDS; i++)
		count += tally->wrong[i];
	return count;
}

bool tally_is_clean(const struct tally *tally)
{
	return tally_wrongs(tally) == 0 && tally->lost == 0 && tally->connections_failed == 0 &&
	       tally->connections_lost == 0;
}

void tally_recent_reset(struct tally *tally)
{
	tally->recent.answers = 0;
	histogram_init(&tally->recent.latency);
}
