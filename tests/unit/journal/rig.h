/* tests/unit/journal/rig.h: a bus with a scripted Redis around it. */
#ifndef WSB_TESTS_UNIT_JOURNAL_RIG_H
#define WSB_TESTS_UNIT_JOURNAL_RIG_H

#include "broker/journal/bus.h"

#define RIG_TEXT_MAX (1 << 19)

struct rig {
	struct bus *bus;
	struct bus_settings settings;
	struct bus_url urls[3];
	uint64_t now_us;
	bool open[BUS_LINKS]; /* asked for and not closed */
	/* What was said on each since it was looked at, "WORD WORD ...\n" a command. */
	char said[BUS_LINKS][RIG_TEXT_MAX];
	char told[RIG_TEXT_MAX]; /* what the ports were told, a line each */
	size_t dialled;		 /* index of the URL last opened */
	bool publishes;		 /* an entry of the inbox becomes an event, as it should */
	uint64_t ids;
	size_t past_room; /* so many events from before are kept */
};

/* urls: so many are configured. The first tick has passed: BUS_COMMANDS is being opened. */
void rig_init(struct rig *rig, size_t urls);
void rig_fini(struct rig *rig);

/* Time passes in ticks of 10 ms. */
void rig_pass(struct rig *rig, uint64_t ms);

/* An answer, written as JSON: texts, numbers, null, arrays, {"ok": status}, {"error": text}. */
void rig_reply(struct rig *rig, enum bus_link link, const char *json);

/* Opens the commands, and answers as a master whose log stands like this up to the look. */
void rig_meet(struct rig *rig, const char *look);
/* Opens the tail, whose first reading finds these entries. */
void rig_read(struct rig *rig, const char *reading);
/* All of it: live, at the position 1000-5 of event "e5". */
void rig_live(struct rig *rig);

/* The event of this id and tag as it stands in the log at this position, a JSON text in quotes. */
const char *rig_event(const char *position, const char *id, const char *tag);
/* [position, ["event", text]] */
const char *rig_entry(const char *position, const char *id, const char *tag);

/* Publishes an event for this tag, which leaves with the next bus_turn; or at once. */
void rig_add(struct rig *rig, const char *tag);
void rig_publish(struct rig *rig, const char *tag);

/* The answer to a command whose events, so many, are all in the log, the last at this position. */
void rig_logged(struct rig *rig, unsigned int count, const char *position);

/* Whether it was said, or told, since this was asked last, which clears it. */
bool rig_said(struct rig *rig, enum bus_link link, const char *text);
bool rig_told(struct rig *rig, const char *text);
size_t rig_count(const struct rig *rig, enum bus_link link, const char *text);

#endif
