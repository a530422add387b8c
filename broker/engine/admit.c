#include "broker/engine/engine.h"

#include <stdio.h>
#include <string.h>
#include "broker/control/credentials.h"
#include "broker/control/token_file.h"
#include "broker/engine/state.h"
#include "broker/pool/tunnel.h"
#include "common/clock.h"
#include "common/query.h"

#define KEY_LEN 24 /* base64 of 16 bytes */

/* Those who are refused come again and again: one line for each reason in so long. */
#define TELL_US (10 * US_PER_S)

static uint64_t tell(struct refusal_told *told, uint64_t wall_us)
{
	uint64_t count = ++told->count;

	if (wall_us >= told->wall_us && wall_us - told->wall_us < TELL_US)
		return 0;
	*told = (struct refusal_told){.wall_us = wall_us};
	return count;
}

static void refuse(struct engine *engine, struct admittance *out, int status,
		   enum refusal_kind kind, const char *title, const char *detail)
{
	engine->stats.refusals[kind]++;
	out->refusal = kind;
	out->status = status;
	out->title = title;
	out->retry_after_s = status == 503 || status == 429 ? 1 : 0;
	snprintf(out->detail, sizeof(out->detail), "%s", detail);
}

static bool is_key(struct span key)
{
	return key.at && key.len == KEY_LEN && key.at[KEY_LEN - 1] == '=' &&
	       key.at[KEY_LEN - 2] == '=';
}

/* The next item of a comma-separated header value, without the space around it. */
static bool next_item(struct span *list, struct span *item)
{
	size_t len = 0;

	while (list->len > 0 && (*list->at == ' ' || *list->at == '\t' || *list->at == ','))
		*list = span_of(list->at + 1, list->len - 1);
	while (len < list->len && list->at[len] != ',')
		len++;
	*item = span_of(list->at, len);
	*list = span_of(list->at + len, list->len - len);
	while (item->len > 0 && (item->at[item->len - 1] == ' ' || item->at[item->len - 1] == '\t'))
		item->len--;
	return item->len > 0;
}

/* The first offered subprotocol that we speak. False: some were offered, none of them ours. */
static bool choose_subprotocol(struct span offered, const char **out)
{
	static const char *const known[] = {"jsonrpc.2.json", "jsonrpc.2.msgpack"};
	struct span item;
	bool any = false;

	while (offered.at && next_item(&offered, &item)) {
		any = true;
		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
			if (span_is(item, known[i])) {
				*out = known[i];
				return true;
			}
		}
	}
	return !any;
}

/* What is wrong with the wish for a WebSocket; NULL: nothing. */
static const char *flaw_of_upgrade(const struct admission *admission)
{
	if (!span_is(admission->method, "GET"))
		return "a WebSocket is asked for with GET";
	if (!span_is(admission->version, "13"))
		return "Sec-WebSocket-Version must be 13";
	if (!is_key(admission->key))
		return "Sec-WebSocket-Key must be 16 bytes in base64";
	return NULL;
}

static bool check_form(struct engine *engine, const struct admission *admission,
		       struct admittance *out)
{
	const char *detail = NULL;

	if (!admission->upgrade) {
		if (span_is(admission->method, "POST"))
			return true;
		detail = "this is a WebSocket endpoint: upgrade with GET, or POST one message";
	} else {
		detail = flaw_of_upgrade(admission);
		if (!detail && !choose_subprotocol(admission->protocols, &out->subprotocol))
			detail = "unknown subprotocol: offer jsonrpc.2.json, jsonrpc.2.msgpack or "
				 "none";
	}
	if (!detail)
		return true;
	refuse(engine, out, 400, REFUSAL_BAD_REQUEST, "Bad Request", detail);
	return false;
}

/* Of a session listener: the subprotocol is the upstream's business. */
static bool check_tunnel_form(struct engine *engine, const struct admission *admission,
			      struct admittance *out)
{
	const char *detail = admission->upgrade
				     ? flaw_of_upgrade(admission)
				     : "this listener carries WebSockets: upgrade with GET";

	out->tunnel = true;
	if (!detail)
		return true;
	if (admission->upgrade)
		refuse(engine, out, 400, REFUSAL_BAD_REQUEST, "Bad Request", detail);
	else if (span_is(admission->method, "GET"))
		refuse(engine, out, 426, REFUSAL_BAD_REQUEST, "Upgrade Required", detail);
	else
		refuse(engine, out, 405, REFUSAL_BAD_REQUEST, "Method Not Allowed", detail);
	return false;
}

static bool check_origin(struct engine *engine, const struct listener_settings *listener,
			 struct span origin, struct admittance *out)
{
	if (!origin.at || listener->origin_count == 0)
		return true;
	for (size_t i = 0; i < listener->origin_count; i++) {
		if (span_is(origin, listener->origins[i]) ||
		    span_is(span_text(listener->origins[i]), "*"))
			return true;
	}
	refuse(engine, out, 403, REFUSAL_ORIGIN, "Forbidden", "this origin may not connect");
	return false;
}

/* NULL: the token is good, and out says whose it is; else why it is not. */
static const char *check_signed_token(struct engine *engine, const struct jwt_rules *rules,
				      struct span token, const struct admission *admission,
				      struct admittance *out)
{
	struct jwt_claims claims;
	const char *problem;
	struct jwt jwt;

	problem = jwt_read(&jwt, token);
	if (!problem)
		problem = jwt_prove(&jwt, &rules->keys, admission->verify);
	if (!problem)
		problem = jwt_judge(&jwt, rules, admission->wall_us, &claims);
	if (problem)
		return problem;
	memcpy(engine->subject, claims.subject, sizeof(engine->subject));
	out->identity = engine->subject[0] ? engine->subject : NULL;
	if (!token_role_find(span_text(claims.role), &out->role))
		out->role = ROLE_CLIENT;
	out->holds_us = jwt_holds_us(&claims, admission->wall_us);
	return NULL;
}

/* A token that the file knows; else one that a key has signed. */
static const char *check_secret(struct engine *engine, const struct listener_settings *listener,
				struct span secret, const struct admission *admission,
				struct admittance *out)
{
	const struct token *token;

	if (!secret.at)
		return "a bearer token is needed";
	token = credentials_find(&listener->tokens, secret, admission->sha256);
	if (token) {
		out->identity = token->name;
		out->role = token->role;
		return NULL;
	}
	if (listener->jwt.keys.count == 0)
		return "this token is not known";
	return check_signed_token(engine, &listener->jwt, secret, admission, out);
}

static bool check_token(struct engine *engine, const struct listener_settings *listener,
			const struct admission *admission, struct admittance *out)
{
	char room[JWT_BYTES_MAX];
	struct span secret = credentials_bearer(admission->authorization);
	const char *problem;

	if (!listener->auth)
		return true;
	if (!secret.at && listener->auth_query)
		secret = query_value(admission->query, listener->auth_query, room, sizeof(room));
	problem = check_secret(engine, listener, secret, admission, out);
	if (problem)
		refuse(engine, out, 401, REFUSAL_UNAUTHORIZED, "Unauthorized", problem);
	return !problem;
}

static bool check_room(struct engine *engine, const struct admission *admission,
		       struct admittance *out)
{
	if (engine->draining) {
		refuse(engine, out, 503, REFUSAL_DRAINING, "Service Unavailable",
		       "the service restarts");
		return false;
	}
	if (session_count(&engine->sessions) + admission->opening >=
	    engine->config->limits.clients) {
		refuse(engine, out, 503, REFUSAL_FULL, "Service Unavailable",
		       "as many clients as limits.clients allows are connected");
		return false;
	}
	if (!admission->upgrade &&
	    admission->content_length > engine->config->limits.message_bytes) {
		refuse(engine, out, 413, REFUSAL_TOO_LARGE, "Content Too Large",
		       "the message is longer than limits.message");
		return false;
	}
	return true;
}

static bool check_tunnel_room(struct engine *engine, const struct listener_settings *listener,
			      struct admittance *out)
{
	struct lane *lane = engine->lanes[listener->session_pool];

	if (lane->paused) {
		refuse(engine, out, 503, REFUSAL_UNAVAILABLE, "Service Unavailable",
		       "the pool is paused");
		return false;
	}
	if (pool_has_tunnel_room(lane->pool))
		return true;
	lane->traffic.tunnels_full++;
	refuse(engine, out, 503, REFUSAL_FULL, "Service Unavailable",
	       "as many clients as pools.size allows are connected");
	return false;
}

/* Of a session listener all that is below the path is served. */
static bool is_served(const struct listener_settings *listener, struct span path)
{
	size_t len = strlen(listener->path);

	if (!listener->session)
		return span_is(path, listener->path);
	return span_begins(path, listener->path) &&
	       (listener->path[len - 1] == '/' || path.len == len || path.at[len] == '/');
}

static void judge(struct engine *engine, const struct admission *admission, struct admittance *out)
{
	const struct listener_settings *listener = &engine->config->listeners[admission->listener];

	if (!is_served(listener, admission->path)) {
		refuse(engine, out, 404, REFUSAL_NOT_FOUND, "Not Found",
		       "nothing is served at this path");
		return;
	}
	if ((listener->session ? check_tunnel_form(engine, admission, out)
			       : check_form(engine, admission, out)) &&
	    check_origin(engine, listener, admission->origin, out) &&
	    check_token(engine, listener, admission, out) && check_room(engine, admission, out) &&
	    listener->session)
		check_tunnel_room(engine, listener, out);
}

void engine_admit(struct engine *engine, const struct admission *admission, struct admittance *out)
{
	const int welcome = admission->upgrade ? 101 : 200;

	*out = (struct admittance){.status = welcome};
	judge(engine, admission, out);
	if (out->status != welcome)
		out->tell = tell(&engine->refused[out->refusal], admission->wall_us);
}
