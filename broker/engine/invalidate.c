#include "broker/engine/invalidate.h"

#include <stdlib.h>
#include <string.h>

#include "broker/engine/follow.h"
#include "broker/engine/record.h"

/* So many different ones are held back at once; more are told as they come. */
#define MERGES_MAX 10000

/* A broker that finds its log within this time has hardly been followed by anybody before. */
#define JOINS_SOON_US US_PER_S

/* An invalidation that has been applied and is told later, with what it says behind it. */
struct merge {
	struct list_node link;
	struct timer timer;
	enum event_cause cause;
	struct invalidation what;
	struct span key; /* how it is known among the others */
	struct span names[];
};

enum wsb_err invalidate_init(struct engine *engine)
{
	struct invalidations *invalidations = &engine->invalidations;
	const uint64_t wall_us = engine->ports->wall_us(engine->ports->io);
	enum wsb_err err;

	list_init(&invalidations->watches);
	invalidations->worked_us = engine->started_us;
	list_init(&invalidations->held);
	tag_list_init(&invalidations->tags, rng_next(&engine->rng));
	timerq_init(&invalidations->merging, engine->started_us);
	maker_init(&invalidations->maker, engine->config->node, wall_us, rng_next(&engine->rng));
	err = map_create(&invalidations->merges, rng_next(&engine->rng));
	if (err)
		return err;
	return journal_create(&invalidations->journal, wall_us / US_PER_MS, rng_next(&engine->rng));
}

static size_t apply(struct engine *engine, const struct invalidation *what, uint64_t now_us)
{
	struct cached *cached = &engine->cached;
	size_t hits = cache_invalidate(cached->cache, what, now_us);

	if (what->mode == INVALIDATE_SOFT)
		refresh_pace_softened(&cached->pace, hits, cached->stale_us, now_us);
	return hits;
}

/* Into the journal, and so to all who follow. */
static void keep(struct engine *engine, const struct event *event, struct position *numbered)
{
	enum wsb_err err = journal_append(engine->invalidations.journal, event, numbered);

	if (err == WSB_EEXIST)
		engine->stats.event_flaws[EVENT_FLAW_DUPLICATE]++;
	else if (err != WSB_OK)
		log_event(engine->log, LOG_ERROR, "invalidation.forgotten",
			  log_span("id", event->id), log_text("error", wsb_err_text(err)));
	follow_all(engine);
}

/* Into the log: without a bus the journal is the log, and numbers it. With one the event comes back
 * from there, as those of other brokers come. */
static void publish(struct engine *engine, const struct event *event)
{
	engine->invalidations.latest = (struct position){0};
	if (engine->bus) {
		if (bus_publish(engine->bus, event))
			log_event(engine->log, LOG_ERROR, "invalidation.forgotten",
				  log_span("id", event->id),
				  log_text("error", wsb_err_text(WSB_ENOMEM)));
		return;
	}
	keep(engine, event, &engine->invalidations.latest);
}

static void tell(struct engine *engine, const struct invalidation *what, enum event_cause cause)
{
	const uint64_t wall_us = engine->ports->wall_us(engine->ports->io);
	struct invalidation_parts parts = {.rest = *what};
	char id[MAKER_ID_LEN + 1];
	struct event event = {
		.type = what->all ? EVENT_FLUSHED : EVENT_INVALIDATED,
		.source = span_text(engine->invalidations.maker.source),
		.id = span_of(id, MAKER_ID_LEN),
		.time_us = wall_us,
		.cause = span_text(event_cause_name(cause)),
	};

	while (invalidation_next_part(&parts, &event.what)) {
		maker_id(&engine->invalidations.maker, wall_us, id);
		publish(engine, &event);
	}
}

size_t invalidate(struct engine *engine, const struct invalidation *what, enum event_cause cause,
		  uint64_t now_us)
{
	size_t hits = apply(engine, what, now_us);

	engine->stats.invalidations[cause]++;
	tell(engine, what, cause);
	return hits;
}

static void key_names(struct strbuf *key, const struct span *names, size_t count)
{
	strbuf_printf(key, "%zu;", count);
	for (size_t i = 0; i < count; i++) {
		strbuf_printf(key, "%zu:", names[i].len);
		strbuf_add(key, names[i]);
	}
}

/* Two that say the same in the same order have the same key. */
static struct span key_of(struct engine *engine, const struct invalidation *what,
			  enum event_cause cause)
{
	struct strbuf *key = &engine->invalidations.key;

	strbuf_clear(key);
	strbuf_printf(key, "%d;%d;%d;%d;", cause, what->mode, what->match, what->all);
	key_names(key, what->tags, what->tag_count);
	key_names(key, what->keys, what->key_count);
	key_names(key, what->methods, what->method_count);
	return strbuf_span(key);
}

/* Copies names, and their bytes to *bytes, which moves behind them. */
static const struct span *keep_names(struct span *to, const struct span *names, size_t count,
				     char **bytes)
{
	for (size_t i = 0; i < count; i++) {
		memcpy(*bytes, names[i].at, names[i].len);
		to[i] = span_of(*bytes, names[i].len);
		*bytes += names[i].len;
	}
	return to;
}

static struct merge *merge_create(const struct invalidation *what, enum event_cause cause,
				  struct span key)
{
	const size_t names = what->tag_count + what->key_count + what->method_count;
	/* The key holds all names, and more. */
	struct merge *merge = malloc(sizeof(*merge) + names * sizeof(struct span) + 2 * key.len);
	struct span *at;
	char *bytes;

	if (!merge)
		return NULL;
	list_node_init(&merge->link);
	timer_init(&merge->timer);
	merge->cause = cause;
	merge->what = *what;
	at = merge->names;
	bytes = (char *)(at + names);
	memcpy(bytes, key.at, key.len);
	merge->key = span_of(bytes, key.len);
	bytes += key.len;
	merge->what.tags = keep_names(at, what->tags, what->tag_count, &bytes);
	at += what->tag_count;
	merge->what.keys = keep_names(at, what->keys, what->key_count, &bytes);
	at += what->key_count;
	merge->what.methods = keep_names(at, what->methods, what->method_count, &bytes);
	return merge;
}

/* Whether it need not be told now, because it will be. */
static bool hold_back(struct engine *engine, const struct invalidation *what,
		      enum event_cause cause, uint64_t merge_us, uint64_t now_us)
{
	struct invalidations *invalidations = &engine->invalidations;
	struct span key = key_of(engine, what, cause);
	struct merge *merge;

	if (invalidations->key.failed)
		return false;
	if (map_get(invalidations->merges, key))
		return true;
	if (map_count(invalidations->merges) >= MERGES_MAX)
		return false;
	merge = merge_create(what, cause, key);
	if (merge && map_put(invalidations->merges, key, merge) != WSB_OK) {
		free(merge);
		merge = NULL;
	}
	if (!merge)
		return false;
	list_append(&invalidations->held, &merge->link);
	timerq_arm(&invalidations->merging, &merge->timer, now_us + merge_us);
	return true;
}

size_t invalidate_merged(struct engine *engine, const struct invalidation *what,
			 enum event_cause cause, uint64_t merge_us, uint64_t now_us)
{
	size_t hits;

	/* A broker that is about to stop holds nothing back. */
	if (merge_us == 0 || engine->draining)
		return invalidate(engine, what, cause, now_us);
	hits = apply(engine, what, now_us);
	engine->stats.invalidations[cause]++;
	if (!hold_back(engine, what, cause, merge_us, now_us))
		tell(engine, what, cause);
	return hits;
}

static void merge_destroy(struct engine *engine, struct merge *merge)
{
	map_remove(engine->invalidations.merges, merge->key);
	list_remove(&engine->invalidations.held, &merge->link);
	timerq_disarm(&engine->invalidations.merging, &merge->timer);
	free(merge);
}

static void merge_tell(struct engine *engine, struct merge *merge)
{
	tell(engine, &merge->what, merge->cause);
	merge_destroy(engine, merge);
}

void invalidate_tick(struct engine *engine, uint64_t now_us)
{
	struct timer *timer;

	while ((timer = timerq_pop(&engine->invalidations.merging, now_us)))
		merge_tell(engine, list_entry(timer, struct merge, timer));
	follow_tick(engine, now_us);
}

void invalidate_hurry(struct engine *engine)
{
	list_each(&engine->invalidations.held, node)
		merge_tell(engine, list_entry(node, struct merge, link));
}

void invalidate_fini(struct engine *engine)
{
	struct invalidations *invalidations = &engine->invalidations;

	/* Never made when the engine could not be. */
	if (invalidations->merges) {
		list_each(&invalidations->held, node)
			merge_destroy(engine, list_entry(node, struct merge, link));
	}
	map_destroy(invalidations->merges);
	journal_destroy(invalidations->journal);
	tag_list_fini(&invalidations->tags);
	strbuf_fini(&invalidations->key);
	strbuf_fini(&invalidations->text);
}

/* What stands there no reader is to see. */
static void pass_over(struct engine *engine, const struct event *event)
{
	if (position_is_set(event->position) &&
	    journal_pass(engine->invalidations.journal, event->position) == WSB_ENOMEM)
		log_event(engine->log, LOG_ERROR, "invalidation.forgotten",
			  log_span("id", event->id), log_text("error", wsb_err_text(WSB_ENOMEM)));
}

void invalidate_arrived(struct engine *engine, const struct event *event, uint64_t now_us)
{
	struct invalidations *invalidations = &engine->invalidations;

	if (event->type != EVENT_INVALIDATED && event->type != EVENT_FLUSHED) {
		/* A resync is about a hole that this broker has found itself; what could not be
		 * read has no id, and has been counted as that. */
		engine->stats.event_flaws[EVENT_FLAW_UNKNOWN] +=
			event->type == EVENT_OTHER && event->id.len > 0;
		pass_over(engine, event);
		return;
	}
	if (journal_knows(invalidations->journal, event->source, event->id)) {
		engine->stats.event_flaws[EVENT_FLAW_DUPLICATE]++;
		pass_over(engine, event);
		return;
	}
	/* Own ones were applied before they were sent. */
	if (!maker_is_own(&invalidations->maker, event->source)) {
		engine->stats.invalidations[CAUSE_BUS]++;
		apply(engine, &event->what, now_us);
	}
	keep(engine, event, NULL);
}

bool invalidate_past(struct engine *engine, const struct event *event)
{
	const bool is_shown = event->type == EVENT_INVALIDATED || event->type == EVENT_FLUSHED ||
			      event->type == EVENT_RESYNC;

	return journal_recall(engine->invalidations.journal, event, is_shown) == WSB_OK;
}

void invalidate_heard(struct engine *engine, const struct invalidation *what, uint64_t now_us)
{
	engine->stats.invalidations[CAUSE_SCRIPT]++;
	apply(engine, what, now_us);
}

/* Forget what you know. id is where its own will stand. */
static struct event resync_event(struct engine *engine, const char *why, struct position at,
				 char id[MAKER_ID_LEN + 1])
{
	struct maker *maker = &engine->invalidations.maker;
	const uint64_t wall_us = engine->ports->wall_us(engine->ports->io);

	maker_id(maker, wall_us, id);
	return (struct event){
		.type = EVENT_RESYNC,
		.source = span_text(maker->source),
		.id = span_of(id, MAKER_ID_LEN),
		.time_us = wall_us,
		.position = at,
		.what = {.mode = INVALIDATE_SOFT, .all = true},
		.cause = span_text(why),
	};
}

void invalidate_resync(struct engine *engine, const char *why, struct position at, uint64_t now_us)
{
	char id[MAKER_ID_LEN + 1];
	const struct event event = resync_event(engine, why, at, id);

	engine->stats.invalidations[CAUSE_RESYNC]++;
	apply(engine, &event.what, now_us);
	log_event(engine->log, LOG_WARN, "invalidation.resync", log_text("reason", why));
	record_event(engine, &(struct history_event){
				     .type = "cache.resync",
				     .object = "broker",
				     .reason = why,
			     });
	keep(engine, &event, NULL);
}

/* What was loaded before may be older than the log; and whoever came before has not been told what
 * others did meanwhile. */
void invalidate_joined(struct engine *engine, struct position at, uint64_t now_us)
{
	const struct invalidation all = {.mode = INVALIDATE_SOFT, .all = true};

	journal_begin(engine->invalidations.journal, at);
	if (engine->invalidations.watches.count > 0 || now_us - engine->started_us >= JOINS_SOON_US)
		invalidate_resync(engine, "joined", at, now_us);
	else
		apply(engine, &all, now_us);
}

const struct journal *engine_journal(const struct engine *engine)
{
	return engine->invalidations.journal;
}

enum wsb_err engine_missed(struct engine *engine, struct strbuf *out)
{
	return invalidate_missed(engine, ENCODING_JSON, out);
}

enum wsb_err invalidate_missed(struct engine *engine, enum encoding encoding, struct strbuf *out)
{
	char id[MAKER_ID_LEN + 1];
	const struct event event =
		resync_event(engine, "missed", journal_top(engine->invalidations.journal), id);

	return event_write(encoding, &event, out);
}
