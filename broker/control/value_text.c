#include "broker/control/value_text.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/units.h"

static const void *member(const struct option *option, const void *base)
{
	return (const char *)base + option->offset;
}

static uint64_t number_of(const struct option *option, const void *base)
{
	const void *at = member(option, base);

	switch (option->size) {
	case sizeof(bool):
		return *(const bool *)at ? 1 : 0;
	case sizeof(uint16_t):
		return *(const uint16_t *)at;
	case sizeof(uint32_t):
		return *(const uint32_t *)at;
	default:
		return *(const uint64_t *)at;
	}
}

static bool add_text(struct strbuf *out, const char *text)
{
	if (!text)
		return false;
	strbuf_text(out, text);
	return true;
}

static bool is_number(struct span text)
{
	char copy[48];
	char *end;

	if (text.len >= sizeof(copy))
		return false;
	memcpy(copy, text.at, text.len);
	copy[text.len] = '\0';
	strtod(copy, &end);
	return !*end;
}

/* Whether text says the same without quotes. Rather one too many in quotes. */
static bool is_plain(struct span text)
{
	static const char *const words[] = {"null", "true", "false", "yes", "no", "on", "off"};

	if (text.len == 0 || !(isalnum((unsigned char)text.at[0]) || text.at[0] == '/'))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (!isalnum((unsigned char)text.at[i]) && !strchr("._-/:+@=", text.at[i]))
			return false;
	}
	if (is_number(text))
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (text.len == strlen(words[i]) && strncasecmp(text.at, words[i], text.len) == 0)
			return false;
	}
	return text.at[text.len - 1] != ':';
}

void yaml_scalar(struct strbuf *out, struct span text)
{
	struct strbuf quoted;

	if (is_plain(text)) {
		strbuf_add(out, text);
		return;
	}
	strbuf_init(&quoted);
	strbuf_json(&quoted, text);
	for (size_t i = 0; i < quoted.len; i++)
		strbuf_text(out, quoted.text[i] == '$' ? "$$" : (char[]){quoted.text[i], '\0'});
	out->failed = out->failed || quoted.failed;
	strbuf_fini(&quoted);
}

static void add_number(const struct option *option, const void *base, struct strbuf *out)
{
	uint64_t number = number_of(option, base);
	char text[UNITS_TEXT_MAX];

	if (option->type == OPTION_DURATION)
		units_duration_text(number, text);
	else if (option->type == OPTION_SIZE)
		units_bytes_text(number, text);
	else
		snprintf(text, sizeof(text), "%" PRIu64, number);
	strbuf_text(out, text);
}

/* The shortest that reads back as the same. */
static void add_share(double share, struct strbuf *out)
{
	char text[32];

	for (int digits = 1; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, share);
		if (strtod(text, NULL) == share)
			break;
	}
	strbuf_text(out, text);
}

static bool add_json(const json_t *json, struct strbuf *out)
{
	char *text =
		json ? json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS) : NULL;
	bool any = add_text(out, text);

	free(text);
	return any;
}

static bool add_error_place(const struct envelope_settings *envelope, struct strbuf *out)
{
	if (!envelope->error || !envelope->error_value)
		return add_text(out, envelope->error);
	strbuf_printf(out, "{%s: %s}", envelope->error, envelope->error_value);
	return true;
}

static bool add_texts(const char *const *texts, size_t count, struct strbuf *out)
{
	for (size_t i = 0; i < count; i++) {
		strbuf_text(out, i > 0 ? ", " : "[");
		yaml_scalar(out, span_text(texts[i]));
	}
	strbuf_text(out, count > 0 ? "]" : "");
	return count > 0;
}

static bool add_sharing(const struct option *option, const struct cache_scope_setting *scope,
			struct strbuf *out)
{
	if (scope->kind == CACHE_SCOPE_POINTERS)
		return add_texts(scope->pointers, scope->count, out);
	return add_text(out, option->choices[scope->kind]);
}

static bool add_headers(const struct header_setting *headers, size_t count, struct strbuf *out)
{
	for (size_t i = 0; i < count; i++) {
		strbuf_printf(out, "%s%s: ", i > 0 ? ", " : "{", headers[i].name);
		yaml_scalar(out, span_text(headers[i].value));
	}
	strbuf_text(out, count > 0 ? "}" : "");
	return count > 0;
}

static bool add_action(const struct option *option, const void *base, struct strbuf *out)
{
	return number_of(option, base) == option->min && add_text(out, "true");
}

static bool add_pool(const struct config *config, const struct option *option, const void *base,
		     struct strbuf *out)
{
	const struct listener_settings *listener = base;
	const struct route_settings *route = base;

	if (option->scope == SCOPE_LISTENER)
		return listener->session &&
		       add_text(out, config->pools[listener->session_pool].name);
	return route->action == ROUTE_FORWARD && add_text(out, config->pools[route->pool].name);
}

static size_t count_of(const struct option *option, const void *base)
{
	return *(const size_t *)((const char *)base + option->count_offset);
}

static bool add_count(size_t count, struct strbuf *out)
{
	if (count > 0)
		strbuf_printf(out, "%zu %s", count, count == 1 ? "entry" : "entries");
	return count > 0;
}

/* What a route would do if it were cached is nothing that it does. */
static bool means_nothing(const struct option *option, const void *base)
{
	static const char section[] = "cache.";

	return option->scope == SCOPE_ROUTE &&
	       strncmp(option->path, section, strlen(section)) == 0 &&
	       !((const struct route_settings *)base)->cache.enabled;
}

bool value_text(const struct config *config, const struct option *option, const void *base,
		struct strbuf *out)
{
	const void *at = member(option, base);

	if (means_nothing(option, base))
		return false;
	if (option->size == 0)
		return option->type == OPTION_POOL && add_pool(config, option, base, out);
	switch (option->type) {
	case OPTION_FLAG:
		return add_text(out, number_of(option, base) ? "true" : "false");
	case OPTION_NUMBER:
	case OPTION_DURATION:
	case OPTION_SIZE:
		add_number(option, base, out);
		return true;
	case OPTION_SHARE:
		add_share(*(const double *)at, out);
		return true;
	case OPTION_CHOICE:
		return add_text(out, option->choices[number_of(option, base)]);
	case OPTION_ADDRESS:
		return add_text(out, ((const struct address *)at)->text);
	case OPTION_URL:
		return add_text(out, ((const struct endpoint_settings *)base)->url);
	case OPTION_TOKENS:
		return add_text(out, ((const struct token_set *)at)->file);
	case OPTION_KEYS:
		return add_text(out, ((const struct jwk_set *)at)->file);
	case OPTION_ACTION:
		return add_action(option, base, out);
	case OPTION_OBJECT:
	case OPTION_VALUE:
		return add_json(*(json_t *const *)at, out);
	case OPTION_ERROR:
		return add_error_place(at, out);
	case OPTION_TEXTS:
		return add_texts(*(const char *const *const *)at, count_of(option, base), out);
	case OPTION_SHARING:
		return add_sharing(option, at, out);
	case OPTION_REDIS:
		return add_texts(((const struct bus_settings *)at)->texts, count_of(option, base),
				 out);
	case OPTION_HEADERS:
		return add_headers(*(struct header_setting *const *)at, count_of(option, base),
				   out);
	case OPTION_LIST:
		return add_count(count_of(option, base), out);
	default:
		return add_text(out, *(const char *const *)at);
	}
}

static bool add_endpoint(const struct endpoint_settings *endpoint, struct strbuf *out)
{
	const char *scheme = endpoint->tls ? "wss" : "ws";
	bool bracketed = endpoint->host && strchr(endpoint->host, ':');

	if (!endpoint->host || !endpoint->path)
		return false;
	strbuf_printf(out, bracketed ? "%s://[%s]:%u/%s" : "%s://%s:%u/%s", scheme, endpoint->host,
		      (unsigned int)endpoint->port, strcmp(endpoint->path, "/") == 0 ? "" : "…");
	return true;
}

/* Whether a URL in it has a user and perhaps a password. */
static bool has_userinfo(struct span text)
{
	const char *end = text.at ? memchr(text.at, '@', text.len) : NULL;

	for (const char *at = text.at; end && at + 3 <= end; at++)
		if (memcmp(at, "://", 3) == 0)
			return true;
	return false;
}

bool value_shown(const struct config *config, const struct option *option, const void *base,
		 struct strbuf *out)
{
	struct strbuf text;
	bool any;

	if (option->type == OPTION_URL)
		return add_endpoint(base, out);
	strbuf_init(&text);
	any = value_text(config, option, base, &text);
	if (any && (option->secret || has_userinfo(strbuf_span(&text))))
		strbuf_text(out, VALUE_SECRET);
	else if (any)
		strbuf_add(out, strbuf_span(&text));
	out->failed = out->failed || text.failed;
	strbuf_fini(&text);
	return any;
}

static bool same_token(const struct token *a, const struct token *b)
{
	if (strcmp(a->name, b->name) != 0 || a->role != b->role || !a->secret != !b->secret)
		return false;
	return a->secret ? strcmp(a->secret, b->secret) == 0
			 : memcmp(a->sha256, b->sha256, sizeof(a->sha256)) == 0;
}

static bool same_tokens(const struct token_set *a, const struct token_set *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		if (!same_token(&a->tokens[i], &b->tokens[i]))
			return false;
	}
	return true;
}

bool value_same(const struct config *config_a, const void *a, const struct config *config_b,
		const void *b, const struct option *option)
{
	struct strbuf text_a;
	struct strbuf text_b;
	bool same;

	if (option->type == OPTION_LIST)
		return true;
	strbuf_init(&text_a);
	strbuf_init(&text_b);
	same = value_text(config_a, option, a, &text_a) ==
		       value_text(config_b, option, b, &text_b) &&
	       span_equal(strbuf_span(&text_a), strbuf_span(&text_b));
	if (option->type == OPTION_TOKENS)
		same = same && same_tokens(member(option, a), member(option, b));
	if (option->type == OPTION_KEYS)
		same = same && jwk_set_equal(member(option, a), member(option, b));
	strbuf_fini(&text_a);
	strbuf_fini(&text_b);
	return same;
}
