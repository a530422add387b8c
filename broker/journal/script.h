/* broker/journal/script.h: what is done inside Redis in one step: numbering, logging and telling
 * events; reading where a log stands; beginning its numbers anew.
 *
 * All keys begin with the prefix, so that a prefix in braces keeps them in one hash slot:
 * PREFIX:epoch, PREFIX:position (the counter), PREFIX:invalidations:log (the stream), PREFIX:inbox,
 * and PREFIX:source:SOURCE, the numbers of the events of a source that were logged last. */
#ifndef WSB_BROKER_JOURNAL_SCRIPT_H
#define WSB_BROKER_JOURNAL_SCRIPT_H

#include <stdbool.h>
#include <stdint.h>
#include "common/err.h"
#include "common/span.h"
#include "common/strbuf.h"
#include "proto/event.h"

/* The group that reads the inbox. */
#define SCRIPT_GROUP "brokers"

/* So many events are logged in one step, and so long their texts may get before no other is added:
 * while it runs, Redis does nothing else. */
#define SCRIPT_EVENTS_MAX 128
#define SCRIPT_BYTES_MAX  ((size_t)128 << 10)

/* Three for the command, five keys, five terms, and those of the events. */
#define SCRIPT_WORDS_MAX (13 + 5 * SCRIPT_EVENTS_MAX)

/* The names on Redis of one prefix, and the words of one command, which stay valid until the next
 * one is made. */
struct script {
	struct strbuf epoch, counter, log, source, inbox;
	struct strbuf json_channel, msgpack_channel;
	struct strbuf invalidate_channel, brokers_channel, talk_channel;
	struct strbuf texts; /* of the events, one behind the other */
	size_t events;
	char number[24], position[POSITION_TEXT_MAX], epoch_text[24], length[24];
	struct span words[SCRIPT_WORDS_MAX];
	size_t count;
};

/* source: of this broker's events. WSB_ENOMEM: script_fini is to be called all the same. */
enum wsb_err script_init(struct script *script, const char *prefix, const char *source,
			 uint32_t log_length) WSB_CHECKED;
void script_fini(struct script *script);
/* From the next event on. */
void script_set_length(struct script *script, uint32_t log_length);

/* The text that numbers, logs and publishes; SCRIPT LOAD answers with its hash. */
extern const char *const script_publish_text;

/* Begins a command that publishes the events which script_add adds to it, at least one, and that
 * script_end ends: EVALSHA hash, or EVAL of the text where hash is absent. number: of the first of
 * them, larger than that of every event of this source before, and the same when it is sent again:
 * then it is not logged again; each other's is one more than that before it. epoch: begins if there
 * is none.
 * Answers with five: how many of them, from the first on, need not be sent again; how many of these
 * are in the log; the highest position of those, ""; why the next one was refused, ""; why channels
 * have not been told, "". */
void script_publish(struct script *script, struct span hash, uint64_t number, uint64_t epoch);
/* Not to one that is full. inbox_entry: the entry of the inbox that caused it, acknowledged in the
 * same step, and only once: where another broker was first it is not logged; absent: none. It must
 * stay valid until the command is sent. WSB_ENOMEM: the event is not among them. */
enum wsb_err script_add(struct script *script, const struct event *event,
			struct span inbox_entry) WSB_CHECKED;
bool script_is_full(const struct script *script);
void script_end(struct script *script);

/* Answers with the epoch, the counter, the id of the newest entry, its event, and the event of the
 * entry at `own`; each may be nil. own need not be set. */
void script_look(struct script *script, struct position own);

/* Begins a new epoch where it still is `expected` (absent: there is none). event, unless NULL, is
 * its first. Answers 1, or 0 when another broker was first. */
enum wsb_err script_renumber(struct script *script, struct span expected, uint64_t epoch,
			     const struct event *event) WSB_CHECKED;

#endif
