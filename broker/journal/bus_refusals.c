#include <stdio.h>
#include <string.h>
#include "broker/journal/bus_state.h"

/* Mended by an operator, who should not have to wait for long. */
#define AGAIN_BASE_US UINT64_C(500000)
#define AGAIN_MAX_US  UINT64_C(15000000)

const char *bus_part_name(enum bus_part part)
{
	static const char *const names[BUS_PARTS] = {
		[BUS_PUBLISHING] = "publish",	 [BUS_INBOX_READING] = "inbox",
		[BUS_CHANNELS] = "channels",	 [BUS_COPIES] = "copies",
		[BUS_HEARTBEATS] = "heartbeats", [BUS_TABLE] = "brokers",
	};

	return names[part];
}

static uint64_t delay(struct bus *bus, uint32_t times)
{
	uint64_t us = AGAIN_BASE_US;

	for (uint32_t i = 1; i < times && us < AGAIN_MAX_US; i++)
		us *= 2;
	if (us > AGAIN_MAX_US)
		us = AGAIN_MAX_US;
	/* Many brokers may be refused at once. */
	return us / 2 + rng_below(&bus->rng, us / 2 + 1);
}

void bus_keep_words(char kept[BUS_WORDS_MAX], const char *words)
{
	size_t len = strnlen(words, BUS_WORDS_MAX);

	if (len == BUS_WORDS_MAX)
		for (len--; len > 0 && ((unsigned char)words[len] & 0xc0) == 0x80; len--)
			; /* no part of a character is left */
	memmove(kept, words, len);
	kept[len] = '\0';
}

void refusal_begin(struct bus *bus, enum bus_part part, struct span words, uint64_t now_us)
{
	struct bus_refusal *refusal = &bus->refusals[part];
	char before[BUS_WORDS_MAX];

	/* The same, said of something else that was under way. */
	if (now_us < refusal->again_us)
		return;
	memcpy(before, refusal->words, sizeof(before));
	strbuf_clear(&bus->text);
	strbuf_plain(&bus->text, words.len > 0 ? words : span_text("without a word"));
	bus_keep_words(refusal->words, strbuf_span(&bus->text).at);
	refusal->again_us = now_us + delay(bus, ++refusal->times);
	if (strcmp(before, refusal->words) != 0)
		bus->ports.refused(bus->ports.context, part, refusal->words, now_us);
}

void refusal_end(struct bus *bus, enum bus_part part, uint64_t now_us)
{
	bool was_refused = bus->refusals[part].times > 0;

	bus->refusals[part] = (struct bus_refusal){.times = 0};
	if (was_refused)
		bus->ports.refused(bus->ports.context, part, "", now_us);
}

bool refusal_holds(const struct bus *bus, enum bus_part part, uint64_t now_us)
{
	return now_us < bus->refusals[part].again_us;
}

const char *bus_refusal(const struct bus *bus, enum bus_part part)
{
	return bus->refusals[part].times > 0 ? bus->refusals[part].words : NULL;
}

/* Redis' code, or that of what a script called, before version 7 somewhere within. */
static bool has_code(struct span error, const char *code)
{
	char within[32];

	snprintf(within, sizeof(within), " -%s ", code);
	return span_begins(error, code) ||
	       memmem(error.at ? error.at : "", error.len, within, strlen(within));
}

bool refusal_concerns_all(struct span error)
{
	static const char *const codes[] = {"READONLY", "UNBLOCKED", "LOADING", "MASTERDOWN"};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (has_code(error, codes[i]))
			return true;
	return false;
}
