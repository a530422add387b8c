#include "broker/admin/access.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "broker/control/credentials.h"

static int refuse(int status, const char *sentence, char why[ACCESS_WHY_MAX])
{
	snprintf(why, ACCESS_WHY_MAX, "%s", sentence);
	return status;
}

static void become(struct identity *out, enum token_role role, const char *actor)
{
	out->role = role;
	snprintf(out->actor, sizeof(out->actor), "%s", actor);
}

const char *access_role_name(enum token_role role)
{
	static const char *const names[] = {
		[ROLE_CLIENT] = "client",
		[ROLE_VIEWER] = "viewer",
		[ROLE_PUBLISHER] = "publisher",
		[ROLE_OPERATOR] = "operator",
	};

	return names[role];
}

/* The host of a Host header, without its port and brackets. */
static struct span host_of(struct span host)
{
	const char *colon;

	if (host.len > 0 && host.at[0] == '[') {
		const char *end = memchr(host.at, ']', host.len);

		return end ? span_of(host.at + 1, (size_t)(end - host.at) - 1) : host;
	}
	colon = memchr(host.at, ':', host.len);
	return colon ? span_of(host.at, (size_t)(colon - host.at)) : host;
}

static bool is_address(struct span host)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (host.len >= sizeof(text))
		return false;
	memcpy(text, host.at, host.len);
	text[host.len] = '\0';
	return inet_pton(AF_INET, text, &address) == 1 || inet_pton(AF_INET6, text, &address) == 1;
}

static bool is_named(struct span host, const char *name)
{
	return host.len == strlen(name) && strncasecmp(host.at, name, host.len) == 0;
}

/* A page of another server can make a browser send requests here by letting its own name resolve to
 * the loopback address; it cannot make the name another one, or an address. What is no browser may
 * leave the header out. */
static bool host_is_ours(const struct admin_settings *settings, struct span header)
{
	struct span host;

	if (!header.at)
		return true;
	host = host_of(header);
	if (is_named(host, "localhost") || is_address(host))
		return true;
	for (size_t i = 0; i < settings->host_count; i++) {
		if (is_named(host, settings->hosts[i]))
			return true;
	}
	return false;
}

/* Whoever may act as the broker's own user could do it all anyway. */
static bool is_owner(const struct admin_peer *peer)
{
	return peer->uid != UINT32_MAX && (peer->uid == 0 || peer->uid == peer->broker_uid);
}

static int identify_local(const struct admin_settings *settings, const struct admin_peer *peer,
			  struct identity *out, char why[ACCESS_WHY_MAX])
{
	char actor[ACCESS_ACTOR_MAX];

	if (is_owner(peer)) {
		snprintf(actor, sizeof(actor), "uid %lu", (unsigned long)peer->uid);
		become(out, ROLE_OPERATOR, actor);
		return 0;
	}
	if (settings->tokens.count > 0)
		return refuse(401, "A bearer token is needed.", why);
	snprintf(why, ACCESS_WHY_MAX,
		 "Only root and the broker's own user (uid %lu) may come in here: there is no "
		 "admin.tokens that could let in others.",
		 (unsigned long)peer->broker_uid);
	return 403;
}

static int identify_by_token(const struct admin_settings *settings,
			     const struct credentials *credentials, struct span secret,
			     struct identity *out, char why[ACCESS_WHY_MAX])
{
	const struct token *token =
		credentials_find(&settings->tokens, secret, credentials->sha256);

	if (!token)
		return refuse(401, "This token is not known.", why);
	become(out, token->role, token->name);
	return 0;
}

int access_identify(const struct admin_settings *settings, const struct credentials *credentials,
		    struct identity *out, char why[ACCESS_WHY_MAX])
{
	struct span secret = credentials_bearer(credentials->authorization);

	if (settings->tokens.count > 0 && secret.at)
		return identify_by_token(settings, credentials, secret, out, why);
	if (credentials->peer.local)
		return identify_local(settings, &credentials->peer, out, why);
	if (settings->tokens.count > 0)
		return refuse(401, "A bearer token is needed.", why);
	if (!host_is_ours(settings, credentials->host))
		return refuse(403,
			      "The Host header names a host that is not known here: use an "
			      "address, or list the name in admin.hosts.",
			      why);
	become(out, ROLE_OPERATOR, "loopback");
	return 0;
}
