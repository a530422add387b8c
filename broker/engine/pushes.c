#include "broker/engine/pushes.h"

#include <jansson.h>
#include <stdlib.h>

#include "broker/engine/client.h"
#include "broker/engine/invalidate_rule.h"
#include "broker/engine/link.h"
#include "broker/engine/watch.h"
#include "broker/pool/source.h"
#include "common/glob.h"
#include "proto/token.h"
#include "proto/value_walk.h"

/* A rule, and where the identities stand that it is about. */
struct push_rule {
	struct span method;
	enum push_forward forward;
	const struct invalidate_rule *invalidate;
	struct path identities;
};

enum wsb_err pushes_init(struct engine *engine)
{
	list_init(&engine->pushes.watches);
	return push_rules_make(&engine->pushes.rules, engine->config);
}

void pushes_fini(struct engine *engine)
{
	push_rules_drop(&engine->pushes.rules);
	strbuf_fini(&engine->pushes.text);
}

static enum wsb_err rule_compile(struct push_rule *rule, const struct push_settings *settings)
{
	const char *why;

	rule->method = span_text(settings->method);
	rule->forward = settings->forward;
	rule->invalidate = &settings->invalidate;
	if (rule->forward != FORWARD_MATCH)
		return WSB_OK;
	return path_compile(&rule->identities,
			    span_text(json_object_iter_key(json_object_iter(settings->match))),
			    &why);
}

enum wsb_err push_rules_make(struct push_rules *out, const struct config *config)
{
	struct push_rules made = {.count = config->push_count};
	enum wsb_err err;

	*out = (struct push_rules){.count = 0};
	made.rules = calloc(config->push_count + 1, sizeof(*made.rules));
	err = made.rules ? WSB_OK : WSB_ENOMEM;
	for (size_t i = 0; err == WSB_OK && i < config->push_count; i++)
		err = rule_compile(&made.rules[i], &config->push[i]);
	if (err == WSB_OK)
		*out = made;
	else
		push_rules_drop(&made);
	return err;
}

void push_rules_take(struct engine *engine, const struct push_rules *rules)
{
	push_rules_drop(&engine->pushes.rules);
	engine->pushes.rules = *rules;
}

void push_rules_drop(struct push_rules *rules)
{
	free(rules->rules);
	*rules = (struct push_rules){.count = 0};
}

/* Pushes may have been missed: what they would have invalidated may be untrue. */
static void doubt(struct engine *engine, const struct lane *lane, uint64_t now_us)
{
	/* A broker or a pool that goes has no use for it. */
	if (engine->draining || lane->retiring)
		return;
	for (size_t i = 0; i < engine->pushes.rules.count; i++)
		invalidate_by_gap(engine, engine->pushes.rules.rules[i].invalidate, now_us);
}

void pushes_elect(struct engine *engine, struct lane *lane, uint64_t now_us)
{
	struct pool *pool = lane->pool;
	struct connection *source;

	pool->hears_pushes = engine->pushes.rules.count > 0 && !engine->draining && !lane->retiring;
	while ((source = pool_elect_source(pool, now_us))) {
		log_event(engine->log, LOG_INFO,
			  source->push_source ? "push.source" : "push.source.next",
			  log_text("pool", pool->settings->name),
			  log_text("endpoint", source->endpoint->settings->name),
			  log_number("connection", source->id));
		if (!source->dedicated)
			link_call(engine, source, now_us);
	}
	if (lane->push_gaps == pool->push_gaps)
		return;
	lane->push_gaps = pool->push_gaps;
	doubt(engine, lane, now_us);
}

/* A push and, once somebody needs it, the same in the other encoding. */
struct push {
	enum encoding encoding;
	struct span text;
	struct span other;
	bool other_tried;
};

/* Absent: this encoding cannot carry it. */
static struct span push_text(struct engine *engine, struct push *push, enum encoding encoding)
{
	struct strbuf *text = &engine->pushes.text;

	if (encoding == push->encoding)
		return push->text;
	if (!push->other_tried) {
		push->other_tried = true;
		strbuf_clear(text);
		if (transcode(push->encoding, encoding, push->text, text) == WSB_OK)
			push->other = strbuf_span(text);
		else
			engine->stats.oddities[ODD_NOT_TRANSCODABLE]++;
	}
	return push->other;
}

static void push_send(struct engine *engine, struct session *session, struct push *push)
{
	struct span text = push_text(engine, push, session->encoding);

	if (text.at)
		client_send(engine, session, session->encoding, &text, 1);
}

static void push_to_watches(struct engine *engine, const struct message *message, struct push *push)
{
	list_each(&engine->pushes.watches, node) {
		struct watch *watch = list_entry(node, struct watch, link);
		struct span text;

		if (watch->batch || !watch_wants(watch, message->method))
			continue;
		text = push_text(engine, push, watch->session->encoding);
		if (text.at)
			watch_send(engine, watch, text);
	}
}

/* Sessions are looked at while values of the message are: each gets it once. */
struct matching {
	enum encoding encoding;
	const char *identity;
	bool found;
};

static bool match_value(void *context, struct span token)
{
	struct matching *matching = context;
	struct value_walk walk;
	struct span value, text;
	char buf[256];

	if (token_kind(matching->encoding, token) == TOKEN_ARRAY &&
	    value_walk_begin(&walk, matching->encoding, token)) {
		while (!matching->found && value_walk_next(&walk, NULL, &value))
			if (token_kind(matching->encoding, value) != TOKEN_ARRAY)
				match_value(context, value);
		return !matching->found;
	}
	if (token_kind(matching->encoding, token) == TOKEN_STRING) {
		text = token_string(matching->encoding, token, buf, sizeof(buf));
		matching->found = text.at && span_is(text, matching->identity);
	} else if (matching->encoding == ENCODING_JSON &&
		   token_kind(matching->encoding, token) == TOKEN_NUMBER) {
		matching->found = span_is(token, matching->identity);
	}
	return !matching->found;
}

static bool is_meant(const struct push_rule *rule, const struct message *message,
		     const struct session *session)
{
	struct matching matching = {message->encoding, session->identity, false};

	if (!session->identity)
		return false;
	path_walk(&rule->identities, message, match_value, &matching);
	return matching.found;
}

static void push_to_sessions(struct engine *engine, const struct push_rule *rule,
			     const struct message *message, struct push *push)
{
	list_each(&engine->sessions.states[SESSION_OPEN], node) {
		struct session *session = list_entry(node, struct session, state_link);

		if (session->kind == SESSION_WEBSOCKET &&
		    (rule->forward == FORWARD_ALL || is_meant(rule, message, session)))
			push_send(engine, session, push);
	}
}

static const struct push_rule *rule_find(const struct engine *engine, struct span method)
{
	struct span name = method.at ? method : span_of("", 0);

	for (size_t i = 0; i < engine->pushes.rules.count; i++)
		if (glob_match(engine->pushes.rules.rules[i].method, name))
			return &engine->pushes.rules.rules[i];
	return NULL;
}

bool pushes_take(struct engine *engine, struct connection *connection,
		 const struct message *message, uint64_t now_us)
{
	const struct push_rule *rule = rule_find(engine, message->method);
	struct traffic_stats *traffic = &engine_lane_of_pool(engine, connection->pool)->traffic;
	struct push push = {.encoding = message->encoding, .text = message->text};

	if (!rule)
		return false;
	if (!pool_push_counts(connection, message->text, now_us)) {
		traffic->pushes_elsewhere++;
		return true;
	}
	invalidate_by_push(engine, rule->invalidate, message, now_us);
	if (rule->forward == FORWARD_NONE) {
		traffic->pushes_dropped++;
		return true;
	}
	traffic->pushes_forwarded++;
	if (rule->forward == FORWARD_SUBSCRIBERS)
		push_to_watches(engine, message, &push);
	else
		push_to_sessions(engine, rule, message, &push);
	return true;
}
