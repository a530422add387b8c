#include "broker/journal/bus.h"

#include <stdlib.h>
#include <string.h>
#include "broker/journal/bus_state.h"
#include "common/clock.h"

/* Nobody answers a connect, or a command, later than this. */
#define DEADLINE_US BUS_SILENCE_US
/* Back-off of whole rounds: short, since events wait meanwhile. */
#define RETRY_BASE_US UINT64_C(100000)
#define RETRY_MAX_US  UINT64_C(2000000)
/* A link that is not needed for the log is opened again after so long. */
#define REOPEN_US UINT64_C(1000000)

const char *bus_state_name(enum bus_state state)
{
	static const char *const names[BUS_STATES] = {
		[BUS_EMBEDDED] = "embedded", [BUS_LIVE] = "live",     [BUS_SUSPECT] = "suspect",
		[BUS_REPLAY] = "replay",     [BUS_RESYNC] = "resync",
	};

	return names[state];
}

enum wsb_err bus_create(struct bus **out, const struct bus_settings *settings,
			const struct bus_ports *ports, const char *node, const char *version,
			const char *source, uint64_t seed, uint64_t now_us)
{
	struct bus *bus = calloc(1, sizeof(*bus));

	*out = NULL;
	if (!bus)
		return WSB_ENOMEM;
	bus->settings = settings;
	bus->ports = *ports;
	bus->state = BUS_SUSPECT;
	bus->reason = "starting";
	bus->idle = true;
	bus->retry_us = bus->ticked_us = now_us;
	rng_init(&bus->rng, seed);
	peers_init(&bus->peers);
	strbuf_init(&bus->hash);
	strbuf_init(&bus->text);
	bus->node = strdup(node);
	bus->version = strdup(version);
	bus->source = strdup(source);
	if (script_init(&bus->script, settings->prefix, source, settings->log_length) ||
	    pending_create(&bus->pending, PENDING_EVENTS_MAX, PENDING_BYTES_MAX, seed) ||
	    !bus->node || !bus->version || !bus->source) {
		bus_destroy(bus);
		return WSB_ENOMEM;
	}
	*out = bus;
	return WSB_OK;
}

void bus_set_log_length(struct bus *bus, uint32_t events)
{
	script_set_length(&bus->script, events);
}

void bus_destroy(struct bus *bus)
{
	if (!bus)
		return;
	pending_destroy(bus->pending);
	peers_fini(&bus->peers);
	script_fini(&bus->script);
	strbuf_fini(&bus->hash);
	strbuf_fini(&bus->text);
	free(bus->node);
	free(bus->version);
	free(bus->source);
	free(bus);
}

void bus_enter(struct bus *bus, enum bus_state state, const char *reason, const char *detail,
	       uint64_t now_us)
{
	struct bus_change change = {
		.from = bus->state,
		.to = state,
		.reason = reason,
		.detail = detail,
		.url = bus->settings->urls[bus->url].label,
	};

	bus->label = change.url;
	if (state == bus->state && strcmp(reason, bus->reason) == 0 &&
	    strncmp(detail, bus->detail, sizeof(bus->detail) - 1) == 0)
		return;
	bus->state = state;
	bus->reason = reason;
	bus_keep_words(bus->detail, detail);
	bus->ports.changed(bus->ports.context, &change, now_us);
}

static void close_line(struct bus *bus, enum bus_link link)
{
	struct bus_line *line = &bus->lines[link];

	bus->ports.close(bus->ports.context, link);
	*line = (struct bus_line){.tried_us = line->tried_us};
}

static void close_all(struct bus *bus)
{
	for (size_t i = 0; i < BUS_LINKS; i++) {
		close_line(bus, (enum bus_link)i);
		bus->lines[i].tried_us = 0;
	}
	pending_rewind(bus->pending);
	bus->batch_count = 0;
	bus->looking = false;
	bus->looks = 0;
	bus->past_asked = false;
	strbuf_clear(&bus->hash);
	bus->by_text = false;
}

/* Full jitter, but never so short that a refused connect becomes a busy loop. */
static uint64_t retry_delay(struct bus *bus)
{
	uint64_t ceiling = RETRY_BASE_US;

	for (uint32_t i = 1; i < bus->failures && ceiling < RETRY_MAX_US; i++)
		ceiling *= 2;
	if (ceiling > RETRY_MAX_US)
		ceiling = RETRY_MAX_US;
	return RETRY_BASE_US / 2 + rng_below(&bus->rng, ceiling - RETRY_BASE_US / 2 + 1);
}

/* The next URL of the round, until one turns out to be the master's; then the first one again. */
void bus_restart(struct bus *bus, const char *reason, const char *detail, uint64_t now_us)
{
	bool was_master = bus->lines[BUS_COMMANDS].ready;

	bus_enter(bus, BUS_SUSPECT, reason, detail, now_us);
	close_all(bus);
	bus->idle = true;
	bus->retry_us = now_us;
	if (!was_master && bus->url + 1 < bus->settings->url_count) {
		bus->url++;
		return;
	}
	bus->url = 0;
	bus->failures++;
	bus->retry_us = now_us + retry_delay(bus);
}

void bus_restart_for(struct bus *bus, const char *reason, const struct redis_value *error,
		     uint64_t now_us)
{
	strbuf_clear(&bus->text);
	strbuf_plain(&bus->text,
		     error->kind == REDIS_ERROR ? error->text : span_text("an unexpected answer"));
	if (error->kind != REDIS_ERROR)
		bus->stats.malformed++;
	bus_restart(bus, reason, strbuf_span(&bus->text).at, now_us);
}

void bus_note_odd(struct bus *bus, const char *where, const char *why)
{
	bus->stats.malformed++;
	bus->ports.odd(bus->ports.context, where, why[0] ? why : "no reason is given");
}

/* Asks for a link that is neither open nor opening. */
static void open_link(struct bus *bus, enum bus_link link, uint64_t now_us)
{
	struct bus_line *line = &bus->lines[link];

	if (line->open || line->opening || now_us < line->tried_us)
		return;
	*line = (struct bus_line){
		.opening = true, .since_us = now_us, .tried_us = now_us + REOPEN_US};
	bus->ports.open(bus->ports.context, link, &bus->settings->urls[bus->url]);
}

bool bus_has_room(const struct bus *bus)
{
	return bus->lines[BUS_COMMANDS].count < BUS_ASKS_MAX - BUS_ASKS_SPARE;
}

void bus_say(struct bus *bus, enum bus_link link, enum bus_ask ask, const struct span *words,
	     size_t count, uint64_t now_us)
{
	struct bus_line *line = &bus->lines[link];

	if (!line->open || line->count == BUS_ASKS_MAX)
		return;
	if (line->count == 0)
		line->waiting_us = now_us;
	line->asks[(line->first + line->count++) % BUS_ASKS_MAX] = (uint8_t)ask;
	bus->ports.send(bus->ports.context, link, words, count);
}

static void introduce(struct bus *bus, enum bus_link link, uint64_t now_us)
{
	const struct bus_url *url = &bus->settings->urls[bus->url];
	struct span words[3] = {span_text("AUTH")};
	char number[16];

	if (url->password && url->user) {
		words[1] = span_text(url->user);
		words[2] = span_text(url->password);
		bus_say(bus, link, ASK_AUTH, words, 3, now_us);
	} else if (url->password) {
		words[1] = span_text(url->password);
		bus_say(bus, link, ASK_AUTH, words, 2, now_us);
	}
	if (url->database == 0)
		return;
	words[0] = span_text("SELECT");
	words[1] = span_of(number, (size_t)snprintf(number, sizeof(number), "%u", url->database));
	bus_say(bus, link, ASK_SELECT, words, 2, now_us);
}

void bus_opened(struct bus *bus, enum bus_link link, uint64_t now_us)
{
	struct bus_line *line = &bus->lines[link];

	line->opening = false;
	line->open = true;
	introduce(bus, link, now_us);
	switch (link) {
	case BUS_COMMANDS:
		commands_begin(bus, now_us);
		break;
	case BUS_TAIL:
		tail_begin(bus, now_us);
		break;
	case BUS_INBOX:
		inbox_begin(bus, now_us);
		break;
	default:
		hearing_begin(bus, now_us);
		break;
	}
}

static enum bus_part part_of(enum bus_link link)
{
	return link == BUS_INBOX ? BUS_INBOX_READING : BUS_CHANNELS;
}

void bus_leave_out(struct bus *bus, enum bus_link link, struct span words, uint64_t now_us)
{
	enum bus_part part = part_of(link);

	refusal_begin(bus, part, words, now_us);
	close_line(bus, link);
	bus->lines[link].tried_us = bus->refusals[part].again_us;
}

void bus_line_works(struct bus *bus, enum bus_link link, uint64_t now_us)
{
	bus->losses[link] = 0;
	refusal_end(bus, part_of(link), now_us);
}

/* The log needs two of them; the others come back by themselves. One that is lost again and again
 * is told. */
void bus_lost(struct bus *bus, enum bus_link link, const char *cause, const char *text,
	      uint64_t now_us)
{
	char words[BUS_WORDS_MAX];

	if (link == BUS_COMMANDS || link == BUS_TAIL) {
		bus_restart(bus, cause, text, now_us);
	} else if (++bus->losses[link] < BUS_LOSSES_MAX) {
		close_line(bus, link);
	} else {
		snprintf(words, sizeof(words), "%s: %s", cause, text);
		bus_leave_out(bus, link, span_text(words), now_us);
	}
}

/* Its first word alone: where AUTH is no command, the error repeats what it was given. */
static void refuse_auth(struct bus *bus, const struct redis_value *value, uint64_t now_us)
{
	struct redis_value code = *value;
	const char *blank = memchr(value->text.at ? value->text.at : "", ' ', value->text.len);

	if (blank)
		code.text.len = (size_t)(blank - value->text.at);
	bus_restart_for(bus, "auth", &code, now_us);
}

static void answer(struct bus *bus, enum bus_link link, enum bus_ask ask,
		   const struct redis_value *value, uint64_t now_us)
{
	switch (ask) {
	case ASK_AUTH:
		if (value->kind != REDIS_STATUS)
			refuse_auth(bus, value, now_us);
		break;
	case ASK_SELECT:
		if (value->kind != REDIS_STATUS)
			bus_restart_for(bus, "database", value, now_us);
		break;
	case ASK_READ:
		tail_answer(bus, value, now_us);
		break;
	case ASK_GROUP:
	case ASK_TRY:
	case ASK_CLAIM:
	case ASK_OWED:
	case ASK_CLAIMED:
	case ASK_TAKE:
		inbox_answer(bus, ask, value, now_us);
		break;
	case ASK_PING:
		break;
	default:
		(void)link;
		commands_answer(bus, ask, value, now_us);
		break;
	}
}

void bus_replied(struct bus *bus, enum bus_link link, const struct redis_value *value,
		 uint64_t now_us)
{
	struct bus_line *line = &bus->lines[link];
	enum bus_ask ask;

	if (!line->open)
		return;
	if (link == BUS_HEARING && value->kind == REDIS_ARRAY &&
	    !hearing_answer(bus, value, now_us))
		return;
	if (link == BUS_HEARING && value->kind == REDIS_ERROR && line->count == 0 && !line->ready) {
		hearing_refused(bus, value, now_us);
		return;
	}
	if (line->count == 0) {
		bus->stats.malformed++;
		bus_lost(bus, link, "protocol", "an answer to nothing", now_us);
		return;
	}
	ask = (enum bus_ask)line->asks[line->first];
	line->first = (uint16_t)((line->first + 1) % BUS_ASKS_MAX);
	line->count--;
	line->waiting_us = now_us;
	answer(bus, link, ask, value, now_us);
}

/* Nobody answers within the deadline. That channels are listened to is an answer to nothing. */
static void check_deadlines(struct bus *bus, uint64_t now_us)
{
	for (size_t i = 0; i < BUS_LINKS; i++) {
		const struct bus_line *line = &bus->lines[i];
		bool begins = line->opening || (i == BUS_HEARING && line->open && !line->ready);

		if ((begins && now_us - line->since_us >= DEADLINE_US) ||
		    (line->count > 0 && now_us - line->waiting_us >= DEADLINE_US))
			bus_lost(bus, (enum bus_link)i, line->opening ? "connect" : "silent",
				 line->opening ? "the connect takes too long"
					       : "an answer takes too long",
				 now_us);
	}
}

/* Some of it may have been read, and asked anew, before the tick: never in the future. */
static uint64_t later(uint64_t us, uint64_t gap_us, uint64_t now_us)
{
	return us + gap_us < now_us ? us + gap_us : now_us;
}

/* What the peers sent meanwhile has not been read yet: nobody is late. */
static void forgive(struct bus *bus, uint64_t gap_us, uint64_t now_us)
{
	for (size_t i = 0; i < BUS_LINKS; i++) {
		struct bus_line *line = &bus->lines[i];

		line->since_us = later(line->since_us, gap_us, now_us);
		line->waiting_us = later(line->waiting_us, gap_us, now_us);
	}
}

/* What is done every now and then while there is a master. */
static void upkeep(struct bus *bus, uint64_t now_us)
{
	/* Where the log cannot be trusted, its end is not that of what happened. */
	if (!bus->looking)
		open_link(bus, BUS_TAIL, now_us);
	open_link(bus, BUS_INBOX, now_us);
	open_link(bus, BUS_HEARING, now_us);
	tail_go_on(bus, now_us);
	inbox_go_on(bus, now_us);
	if (now_us - bus->looked_us >= BUS_LOOK_US && !bus->looking && bus_has_room(bus))
		commands_look(bus, now_us);
	if (now_us - bus->beat_us >= PEER_BEAT_US) {
		commands_beat(bus, now_us);
		hearing_ping(bus, now_us);
		peers_upkeep(&bus->peers, now_us);
	}
	commands_pump(bus, now_us);
}

void bus_tick(struct bus *bus, uint64_t now_us)
{
	uint64_t gap_us = now_us - bus->ticked_us;

	bus->ticked_us = now_us;
	bus->idle_reads = 0;
	if (bus->left)
		return;
	if (gap_us >= BUS_STANDSTILL_US) {
		bus->stood_still = true;
		forgive(bus, gap_us, now_us);
	}
	if (bus->state != bus_state(bus, now_us))
		bus_enter(bus, BUS_SUSPECT, "silent", "nothing is heard of the log", now_us);
	check_deadlines(bus, now_us);
	if (bus->idle && now_us >= bus->retry_us) {
		bus->idle = false;
		open_link(bus, BUS_COMMANDS, now_us);
	}
	if (bus->lines[BUS_COMMANDS].ready)
		upkeep(bus, now_us);
}

void bus_leave(struct bus *bus, uint64_t now_us)
{
	commands_talk(bus, "leave", span_text(bus->source), now_us);
	bus->left = true;
}

enum wsb_err bus_publish(struct bus *bus, const struct event *event)
{
	const struct pending_counts *counts = pending_counts(bus->pending);
	bool waits = !bus->lines[BUS_COMMANDS].ready || bus->looking ||
		     counts->waiting + counts->sent >= BUS_WINDOW ||
		     bus_refusal(bus, BUS_PUBLISHING);
	enum wsb_err err = pending_add(bus->pending, event, bus->inbox_entry, waits);

	bus->stats.merged = counts->merged;
	bus->stats.overflows = counts->overflows;
	bus->inbox_entry = (struct span){0};
	return err;
}

void bus_turn(struct bus *bus, uint64_t now_us)
{
	if (pending_due(bus->pending) > 0)
		commands_pump(bus, now_us);
}

enum bus_state bus_state(const struct bus *bus, uint64_t now_us)
{
	return bus->state == BUS_LIVE && now_us - bus->known_us >= BUS_SILENCE_US ? BUS_SUSPECT
										  : bus->state;
}

const char *bus_reason(const struct bus *bus)
{
	return bus->reason;
}

uint64_t bus_known_us(const struct bus *bus, uint64_t now_us)
{
	return bus_state(bus, now_us) == BUS_LIVE ? now_us : bus->known_us;
}

struct position bus_position(const struct bus *bus)
{
	return bus->position;
}

struct position bus_top(const struct bus *bus)
{
	return position_before(bus->top, bus->position) ? bus->position : bus->top;
}

const struct bus_stats *bus_stats(const struct bus *bus)
{
	return &bus->stats;
}

const struct bus_url *bus_place(const struct bus *bus)
{
	for (size_t i = 0; i < bus->settings->url_count; i++) {
		if (bus->settings->urls[i].label == bus->label)
			return &bus->settings->urls[i];
	}
	return &bus->settings->urls[bus->url];
}

const char *bus_user(const struct bus *bus)
{
	const struct bus_url *url = &bus->settings->urls[bus->url];

	return url->user && url->password ? url->user : url->user ? "USER" : "default";
}

size_t bus_queued(const struct bus *bus)
{
	const struct pending_counts *counts = pending_counts(bus->pending);

	return counts->waiting + counts->sent;
}

bool bus_is_sending(const struct bus *bus)
{
	const struct bus_line *line = &bus->lines[BUS_COMMANDS];

	return !bus->left && bus_queued(bus) > 0 && !bus_refusal(bus, BUS_PUBLISHING) &&
	       (line->open || line->opening || bus->failures <= 1);
}

const struct peers *bus_peers(const struct bus *bus)
{
	return &bus->peers;
}

uint64_t bus_ticket(const struct bus *bus)
{
	return pending_serial(bus->pending);
}

const char *bus_detail(const struct bus *bus)
{
	return bus->detail;
}

/* Whether every broker that lives has been heard of since the channel is listened to. */
static bool knows_peers(const struct bus *bus, uint64_t now_us)
{
	const struct bus_line *line = &bus->lines[BUS_HEARING];

	return line->ready && now_us - line->since_us >= PEER_BEAT_US + PEER_BEAT_US / 2;
}

/* With what keeps it from knowing more, where Redis has said so. */
static void name_itself(const struct bus *bus, struct strbuf *behind)
{
	const char *words = bus_refusal(bus, BUS_PUBLISHING);

	if (!words)
		words = bus_refusal(bus, BUS_CHANNELS);
	strbuf_text(behind, bus->node);
	if (words)
		strbuf_printf(behind, " (%s)", words);
}

bool bus_is_applied(struct bus *bus, uint64_t ticket, struct strbuf *behind, uint64_t now_us)
{
	char text[POSITION_TEXT_MAX];
	size_t len;

	if (bus_state(bus, now_us) != BUS_LIVE || !knows_peers(bus, now_us) ||
	    pending_settled(bus->pending) < ticket || position_before(bus->position, bus->logged)) {
		if (behind)
			name_itself(bus, behind);
		return false;
	}
	if (peers_have_applied(&bus->peers, bus->logged, behind, now_us))
		return true;
	if (position_before(bus->asked_for, bus->logged)) {
		bus->asked_for = bus->logged;
		len = position_write(bus->logged, text);
		commands_talk(bus, "await", span_of(text, len), now_us);
	}
	return false;
}
