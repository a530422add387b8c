/* broker/control/config.h: the whole configuration, immutable once loaded, and there for as long as
 * anybody holds it: a request that is under way keeps the rules under which it began. */
#ifndef WSB_BROKER_CONTROL_CONFIG_H
#define WSB_BROKER_CONTROL_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "broker/cache/settings.h"
#include "broker/control/requests.h"
#include "broker/journal/settings.h"
#include "broker/pool/settings.h"
#include "broker/route/push.h"
#include "broker/route/route.h"
#include "broker/session/jwt.h"
#include "broker/session/settings.h"
#include "common/err.h"
#include "common/log.h"
#include "common/strbuf.h"
#include "proto/envelope.h"

enum address_kind { ADDRESS_TCP, ADDRESS_UNIX, ADDRESS_FD };

struct address {
	enum address_kind kind;
	const char *text; /* as written */
	const char *host; /* TCP: a literal address, without brackets */
	uint16_t port;	  /* TCP */
	const char *path; /* Unix */
	const char *name; /* of a socket that whoever starts the broker has opened */
};

struct listener_tls_settings {
	const char *certificate; /* NULL: no TLS */
	const char *key;
	const char *client_ca; /* NULL: client certificates are not asked for */
};

/* One line of a token file: who may come in. Exactly one of secret and sha256 is meaningful. */
enum token_role { ROLE_CLIENT, ROLE_VIEWER, ROLE_PUBLISHER, ROLE_OPERATOR };
struct token {
	const char *name;
	enum token_role role;
	const char *secret; /* NULL: only its hash is known */
	uint8_t sha256[32];
};

struct token_set {
	const char *file; /* NULL: none */
	struct token *tokens;
	size_t count;
};

struct listener_settings {
	struct address address;
	const char *path; /* requests elsewhere get 404; compared without the query */
	bool reuse_port;
	bool compression; /* permessage-deflate, where a client offers it */
	struct listener_tls_settings tls;
	const char **origins; /* none: any */
	size_t origin_count;
	bool auth;		 /* a credential is asked for */
	struct token_set tokens; /* loaded from auth.tokens */
	struct jwt_rules jwt;	 /* auth.jwt; asked when tokens do not know a credential */
	const char *auth_query;	 /* query parameter that may carry it; NULL: header only */
	bool session;		 /* each client gets an upstream connection of its own */
	uint32_t session_pool;	 /* index of the pool, then */
};

struct admin_settings {
	struct address address;
	struct token_set tokens; /* none: loopback and the broker's own user may do all */
	const char **hosts;	 /* names that loopback may be asked by without a token */
	size_t host_count;
	bool ready_any; /* ready: any */
};

struct drain_settings {
	uint64_t delay_us;
	uint64_t timeout_us;
	uint64_t spread_us;
	uint16_t code;
};

struct overrides;

struct config {
	const char *file; /* NULL: built from URLs */
	const char *node;
	const char *state; /* NULL: none */
	struct {
		enum log_level level;
		enum log_format format;
		struct requests_settings requests;
	} log;
	struct listener_settings *listeners;
	size_t listener_count;
	struct admin_settings admin;
	struct limits_settings limits;
	bool envelope_is_jsonrpc;
	struct envelope_settings envelope;
	struct pool_settings *pools;
	size_t pool_count;
	struct route_settings *routes; /* never empty: without any there is `*` to the first pool */
	size_t route_count;
	struct push_settings *push; /* what becomes of pushes; the first that matches counts */
	size_t push_count;
	struct {
		enum cache_strategy strategy; /* of routes that name none */
		struct cache_settings store;
		struct prefetch_settings prefetch;
	} cache;
	struct bus_settings bus; /* no URL: it is embedded */
	struct drain_settings drain;
	struct arena *arena; /* owns every string and array above; NULL: the caller does */
	size_t holds;
};

/* Where a configuration is read from: a file's text, or the URLs of its one pool. */
struct config_source {
	const char *file; /* names the text in errors, and its folder is where paths begin */
	struct span text;
	const char *const *urls; /* NULL: the text counts */
	size_t url_count;
};

/* What lies on top of it in a broker that runs. */
struct config_layers {
	const struct overrides *overrides; /* changed at runtime */
	const struct config *file;	   /* what the source alone makes */
	const struct config *running;	   /* whose options that need a restart stay */
};

/* Reads source, with layers unless NULL. Errors as of config_load. Nothing of source need outlive
 * the call. */
enum wsb_err config_build(struct config **out, const struct config_source *source,
			  const struct config_layers *layers, struct strbuf *errors) WSB_CHECKED;

/* Reads a file's text into the arena; errors as of config_load. */
enum wsb_err config_text_read(struct arena *arena, const char *file, struct span *out,
			      struct strbuf *errors) WSB_CHECKED;

/* Loads and validates FILE: every option against its table (unknown keys, types, ranges),
 * environment expansion, references between sections, pointers and templates of the envelope, token
 * files. All errors are gathered: each is appended to errors as one line "FILE:LINE:COL: message".
 * WSB_OK: *out is set and held by the caller. WSB_EINVAL: errors is not empty. WSB_EIO: FILE
 * cannot be read. */
enum wsb_err config_load(struct config **out, const char *file, struct strbuf *errors) WSB_CHECKED;

/* The same from a text that is at hand; FILE names it in errors, and its folder is where relative
 * paths begin. text need not outlive the call. */
enum wsb_err config_parse(struct config **out, const char *file, struct span text,
			  struct strbuf *errors) WSB_CHECKED;

/* The configuration of `serve URL...`: pool main, all defaults. */
enum wsb_err config_from_urls(struct config **out, const char *const *urls, size_t count,
			      struct strbuf *errors) WSB_CHECKED;

static inline const struct config *config_hold(const struct config *config)
{
	((struct config *)config)->holds++;
	return config;
}

/* The last one frees it. NULL is allowed. */
void config_release(const struct config *config);

/* The reference of all keys, one Markdown table, made from the option table. */
void config_reference(struct strbuf *out);

#endif
