#include "broker/engine/invalidate_rule.h"

#include <string.h>

#include "broker/engine/invalidate.h"
#include "broker/route/tag_template.h"

/* An upstream that comes and goes is told of once in such a time. */
#define GAP_MERGE_US US_PER_S

/* Every tag that a template can name: its slots stand for anything. */
static void add_pattern(struct strbuf *out, const char *template)
{
	const char *at = template;

	for (; *at; at++) {
		if (*at == '{') {
			strbuf_text(out, "*");
			at += strcspn(at, "}");
			if (!*at)
				return;
		} else if (*at == '\\' && at[1]) {
			strbuf_add(out, span_of(at++, 2));
		} else if (*at != '?' || at[1]) {
			strbuf_add(out,
				   span_of(at, 1)); /* the last ? says that it may find nothing */
		}
	}
}

/* All that the rule could ever name. */
static void invalidate_nameable(struct engine *engine, const struct invalidate_rule *rule,
				enum invalidation_mode mode, enum event_cause cause,
				uint64_t merge_us, uint64_t now_us)
{
	struct strbuf *text = &engine->invalidations.text;

	for (size_t i = 0; i < rule->count; i++) {
		struct span pattern;
		struct invalidation what = {.mode = mode};

		strbuf_clear(text);
		add_pattern(text, rule->templates[i]);
		pattern = strbuf_span(text);
		what.all = text->failed || pattern.len == 0 || pattern.len > TAG_GLOB_BYTES_MAX;
		what.tags = &pattern;
		what.tag_count = what.all ? 0 : 1;
		invalidate_merged(engine, &what, cause, merge_us, now_us);
	}
}

/* The message names more than can be told apart. */
static void invalidate_broadly(struct engine *engine, const struct invalidate_rule *rule,
			       enum event_cause cause, uint64_t now_us)
{
	engine->stats.invalidations_broad[cause]++;
	log_event(engine->log, LOG_WARN, "invalidation.too_many_tags",
		  log_text("cause", event_cause_name(cause)),
		  log_text("template", rule->templates[0]), log_number("limit", TEXT_SET_MAX));
	invalidate_nameable(engine, rule, rule->soft ? INVALIDATE_SOFT : INVALIDATE_HARD, cause,
			    rule->merge_us, now_us);
}

/* Of a push both are the same; answer may be NULL. */
static void invalidate_by_rule(struct engine *engine, const struct invalidate_rule *rule,
			       const struct message *request, const struct message *answer,
			       enum event_cause cause, uint64_t now_us)
{
	struct tag_list *list = &engine->invalidations.tags;
	const enum tag_verdict verdict =
		tag_templates_eval(rule->compiled, request, answer, TEXT_SET_MAX, list);
	const struct invalidation what = {
		.mode = rule->soft ? INVALIDATE_SOFT : INVALIDATE_HARD,
		.tags = list->tags,
		.tag_count = list->count,
	};

	if (verdict != TAGS_OK) {
		invalidate_broadly(engine, rule, cause, now_us);
		return;
	}
	if (list->missing > 0 && answer)
		log_event(engine->log, LOG_WARN, "invalidation.tag_missing",
			  log_text("cause", event_cause_name(cause)),
			  log_text("template", list->missing_template));
	if (list->count > 0)
		invalidate_merged(engine, &what, cause, rule->merge_us, now_us);
}

void invalidate_by_text(struct engine *engine, const struct invalidate_rule *rule,
			enum encoding encoding, struct span text, const struct message *answer,
			uint64_t now_us)
{
	struct message request;

	if (envelope_scan(engine->envelope, FROM_CLIENT, encoding, text, &request) != WSB_OK)
		invalidate_broadly(engine, rule, CAUSE_WRITE, now_us);
	else
		invalidate_by_rule(engine, rule, &request, answer, CAUSE_WRITE, now_us);
}

/* The request is read once more out of its text: few routes write. */
static void by_exchange(struct engine *engine, const struct exchange *exchange,
			const struct message *answer, uint64_t now_us)
{
	invalidate_by_text(engine, &exchange->route->invalidate, exchange->encoding,
			   span_of(exchange->text, exchange->len), answer, now_us);
}

void invalidate_by_write(struct engine *engine, const struct exchange *exchange,
			 const struct message *answer, uint64_t now_us)
{
	if (exchange->route->invalidate.compiled && !answer->failed)
		by_exchange(engine, exchange, answer, now_us);
}

void invalidate_by_doubt(struct engine *engine, const struct exchange *exchange, uint64_t now_us)
{
	if (exchange->route->invalidate.compiled && exchange->attempts_made > 0)
		by_exchange(engine, exchange, NULL, now_us);
}

void invalidate_by_push(struct engine *engine, const struct invalidate_rule *rule,
			const struct message *push, uint64_t now_us)
{
	if (rule->compiled)
		invalidate_by_rule(engine, rule, push, push, CAUSE_PUSH, now_us);
}

void invalidate_by_gap(struct engine *engine, const struct invalidate_rule *rule, uint64_t now_us)
{
	invalidate_nameable(engine, rule, INVALIDATE_SOFT, CAUSE_PUSH, GAP_MERGE_US, now_us);
}
