#include "broker/engine/tenancy.h"

#include <assert.h>
#include <string.h>

#include "broker/engine/client.h"

static bool find_listener(const struct config *config, const char *address, uint32_t *index)
{
	for (size_t i = 0; i < config->listener_count; i++) {
		if (strcmp(config->listeners[i].address.text, address) == 0) {
			*index = (uint32_t)i;
			return true;
		}
	}
	return false;
}

static bool same_token(const struct token *a, const struct token *b)
{
	if (strcmp(a->name, b->name) != 0 || !a->secret != !b->secret)
		return false;
	return a->secret ? strcmp(a->secret, b->secret) == 0
			 : memcmp(a->sha256, b->sha256, sizeof(a->sha256)) == 0;
}

static bool holds_token(const struct token_set *set, const struct token *token)
{
	for (size_t i = 0; i < set->count; i++)
		if (same_token(&set->tokens[i], token))
			return true;
	return false;
}

static bool takes_signed(const struct listener_settings *listener)
{
	return listener->jwt.keys.count > 0;
}

/* With which of several tokens of one name somebody came is not known: one that is left will do.
 * Whom no token file knew came with a signed token, if those were taken, and goes when it ends. */
static bool may_stay(const struct listener_settings *before, const struct listener_settings *after,
		     const char *identity)
{
	bool known = false;

	if (!after->auth)
		return true;
	for (size_t i = 0; identity && i < before->tokens.count; i++) {
		const struct token *token = &before->tokens.tokens[i];

		if (strcmp(token->name, identity) != 0)
			continue;
		if (holds_token(&after->tokens, token))
			return true;
		known = true;
	}
	return !known && takes_signed(before) && takes_signed(after);
}

/* Whether nobody needs to be asked who he is: the usual case, and there may be many clients. */
static bool same_rules(const struct listener_settings *before,
		       const struct listener_settings *after)
{
	if (before->auth != after->auth || takes_signed(before) != takes_signed(after) ||
	    before->tokens.count != after->tokens.count)
		return false;
	for (size_t i = 0; i < before->tokens.count; i++)
		if (!same_token(&before->tokens.tokens[i], &after->tokens.tokens[i]))
			return false;
	return true;
}

static void expel(struct engine *engine, struct session *session, uint16_t code, const char *why)
{
	log_event(engine->log, LOG_INFO, "client.expelled", log_number("client", session->id),
		  log_text("identity", session->identity ? session->identity : ""),
		  log_text("reason", why));
	client_close(engine, session, code, why);
}

static void review_limits(struct engine *engine, struct session *session, uint32_t rate_before,
			  uint64_t now_us)
{
	const struct limits_settings *limits = &engine->config->limits;
	bool paused = session->in_flight >= limits->in_flight_per_client;

	session->outbox.limit = limits->send_buffer_bytes;
	if (limits->rate_per_client != rate_before)
		quota_init(&session->own_quota, limits->rate_per_client, now_us);
	session->quota = &session->own_quota;
	if (session->state == SESSION_OPEN && session->kind == SESSION_WEBSOCKET &&
	    session->paused != paused)
		client_pause(engine, session, paused, now_us);
}

/* What has become of one listener. */
struct move {
	bool gone;
	bool same_rules;
	uint32_t to;
};

#define LISTENERS_MAX 64

static void find_moves(const struct config *before, const struct config *after,
		       struct move moves[LISTENERS_MAX])
{
	assert(before->listener_count <= LISTENERS_MAX);
	for (size_t i = 0; i < before->listener_count; i++) {
		const struct listener_settings *listener = &before->listeners[i];
		struct move *move = &moves[i];

		*move = (struct move){0};
		move->gone = !find_listener(after, listener->address.text, &move->to);
		if (!move->gone)
			move->same_rules = same_rules(listener, &after->listeners[move->to]);
	}
}

static void review_client(struct engine *engine, const struct config *before,
			  const struct move *moves, struct session *session, uint64_t now_us)
{
	const struct listener_settings *old = &before->listeners[session->listener];
	const struct move *move = &moves[session->listener];
	const struct config *config = engine->config;

	session->listener = move->to;
	if (move->gone)
		expel(engine, session, config->drain.code, "the listener is gone");
	else if (!move->same_rules &&
		 !may_stay(old, &config->listeners[move->to], session->identity))
		expel(engine, session, 1008, "the token is not valid any more");
	review_limits(engine, session, before->limits.rate_per_client, now_us);
}

void tenancy_review(struct engine *engine, const struct config *before, uint64_t now_us)
{
	struct move moves[LISTENERS_MAX];

	find_moves(before, engine->config, moves);
	for (size_t state = 0; state < SESSION_CLOSED; state++) {
		list_each(&engine->sessions.states[state], node)
			review_client(engine, before, moves,
				      list_entry(node, struct session, state_link), now_us);
	}
	engine->visitors.count_max = engine->config->limits.clients;
	if (engine->config->limits.rate_per_client != before->limits.rate_per_client)
		visitors_fini(&engine->visitors);
}
