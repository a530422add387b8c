#include "broker/admin/filter.h"

#include <string.h>

#include "broker/admin/answer.h"
#include "broker/admin/routes.h"
#include "common/clock.h"
#include "common/nearest.h"
#include "common/query.h"
#include "common/units.h"

/* How many are shown to whoever bounds nothing. */
#define LAST_DEFAULT 1000

static bool refuse(const struct admin_exchange *exchange, const char *name, const char *expected)
{
	answer_problemf(exchange->response, 400, "%s must be %s.", name, expected);
	return false;
}

/* Its value in text, and absent when there is none. One that does not fit is refused: to show what
 * nobody asked for would be worse. */
static bool read_value(const struct admin_exchange *exchange, const char *name, char *text,
		       size_t size, struct span *found)
{
	char room[ADMIN_QUERY_MAX];
	const struct span value =
		query_value(span_text(exchange->call->query), name, room, sizeof(room));

	*found = span_of(NULL, 0);
	if (!value.at)
		return true;
	if (value.len >= size)
		return refuse(exchange, name, "shorter");
	memcpy(text, value.at, value.len);
	text[value.len] = '\0';
	*found = span_of(text, value.len);
	return true;
}

static bool read_number(const struct admin_exchange *exchange, const char *name, uint64_t *out)
{
	char text[24];
	struct span found;

	if (!read_value(exchange, name, text, sizeof(text), &found))
		return false;
	return !found.at || admin_name_is_number(text, out) ||
	       refuse(exchange, name, "a whole number");
}

/* A moment, or how long ago it was. */
static bool read_time(const struct admin_exchange *exchange, const char *name, uint64_t *out)
{
	char text[FILTER_TEXT_MAX];
	struct span found;
	uint64_t now_us = exchange->call->wall_us;
	uint64_t ago_us;

	if (!read_value(exchange, name, text, sizeof(text), &found))
		return false;
	if (!found.at || clock_read(found, out) == WSB_OK)
		return true;
	if (units_duration_us(found, &ago_us) != WSB_OK)
		return refuse(exchange, name, "a time such as 2026-11-22T07:12:00Z, or 10m (ago)");
	*out = ago_us < now_us ? now_us - ago_us : 1;
	return true;
}

static bool read_text(const struct admin_exchange *exchange, const char *name, char *text,
		      size_t size, const char **out)
{
	struct span found;

	if (!read_value(exchange, name, text, size, &found))
		return false;
	if (found.at)
		*out = text;
	return true;
}

/* "?slow", "?slow=true", "?slow=1". */
static bool read_flag(const struct admin_exchange *exchange, const char *name, bool *out)
{
	char text[8];
	struct span found;

	if (!read_value(exchange, name, text, sizeof(text), &found))
		return false;
	*out = span_is(found, "true") || span_is(found, "1") || (found.at && found.len == 0);
	return *out || !found.at || span_is(found, "false") || span_is(found, "0") ||
	       refuse(exchange, name, "true or false");
}

bool filter_check_names(const struct admin_exchange *exchange, const char *const *known)
{
	struct span query = span_text(exchange->call->query);
	struct span name;
	struct span value;

	while (query_next(&query, &name, &value)) {
		struct nearest nearest;
		struct strbuf detail;
		size_t at = 0;

		nearest_init(&nearest, name);
		while (known[at] && !span_is(name, known[at]))
			nearest_offer(&nearest, span_text(known[at++]));
		if (known[at])
			continue;
		strbuf_init(&detail);
		strbuf_text(&detail, "Unknown parameter ");
		strbuf_json(&detail, name);
		nearest_suggest(&nearest, &detail);
		answer_problem(exchange->response, 400, strbuf_span(&detail).at);
		strbuf_fini(&detail);
		return false;
	}
	return true;
}

bool filter_read(const struct admin_exchange *exchange, const char *const *known,
		 struct filter *out)
{
	struct history_query *query = &out->history;
	uint64_t last = 0;

	*out = (struct filter){0};
	if (!filter_check_names(exchange, known) ||
	    !read_time(exchange, "since", &query->since_us) ||
	    !read_time(exchange, "until", &query->until_us) ||
	    !read_number(exchange, "after", &query->after_id) ||
	    !read_number(exchange, "last", &last) ||
	    !read_text(exchange, "pool", out->pool, sizeof(out->pool), &query->pool) ||
	    !read_text(exchange, "type", out->type, sizeof(out->type), &query->type) ||
	    !read_flag(exchange, "slow", &out->slow) ||
	    !read_flag(exchange, "failed", &out->failed))
		return false;
	if (query->until_us > 0 && query->since_us > query->until_us)
		return refuse(exchange, "until", "later than since");
	out->bounded = last > 0 || query->since_us > 0 || query->after_id > 0;
	if (last == 0)
		last = query->since_us > 0 || query->after_id > 0 ? FILTER_LAST_MAX : LAST_DEFAULT;
	query->last = (size_t)(last < FILTER_LAST_MAX ? last : FILTER_LAST_MAX);
	return true;
}

/* Which page, and how long it is. */
static bool read_page(const struct admin_exchange *exchange, size_t limit_max, uint64_t *cursor,
		      size_t *limit)
{
	uint64_t number = *limit;

	if (!read_number(exchange, "cursor", cursor) || !read_number(exchange, "limit", &number))
		return false;
	if (number == 0 || number > limit_max) {
		answer_problemf(exchange->response, 400, "limit must be from 1 to %zu.", limit_max);
		return false;
	}
	*limit = (size_t)number;
	return true;
}

bool filter_read_cache(const struct admin_exchange *exchange, size_t limit_default,
		       size_t limit_max, struct cache_filter *out)
{
	static const char *const known[] = {"key", "tag", "method", "cursor", "limit", NULL};
	struct cache_query *query = &out->query;

	*out = (struct cache_filter){.query.limit = limit_default};
	return filter_check_names(exchange, known) &&
	       read_text(exchange, "key", out->key, sizeof(out->key), &query->key) &&
	       read_text(exchange, "tag", out->tag, sizeof(out->tag), &query->tag) &&
	       read_text(exchange, "method", out->method, sizeof(out->method), &query->method) &&
	       read_page(exchange, limit_max, &query->cursor, &query->limit);
}

bool filter_read_config(const struct admin_exchange *exchange, size_t limit_max,
			struct config_filter *out)
{
	static const char *const known[] = {"key", "cursor", "limit", NULL};
	const char *key = NULL;
	uint64_t cursor = 0;

	*out = (struct config_filter){.query.count = limit_max};
	if (!filter_check_names(exchange, known) ||
	    !read_text(exchange, "key", out->key, sizeof(out->key), &key) ||
	    !read_page(exchange, limit_max, &cursor, &out->query.count))
		return false;
	out->query.from = (size_t)cursor;
	if (key && key[0])
		out->query.pattern = span_text(key);
	return true;
}

void filter_add(struct strbuf *query, const char *name, const char *value)
{
	if (!value)
		return;
	strbuf_printf(query, "&%s=", name);
	for (; *value; value++) {
		unsigned char byte = (unsigned char)*value;

		if ((byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
		    (byte >= 'a' && byte <= 'z') || strchr("-._~", byte))
			strbuf_add(query, span_of(value, 1));
		else
			strbuf_printf(query, "%%%02X", byte);
	}
}

void filter_link_next(struct admin_response *response, struct strbuf *link)
{
	strbuf_text(link, ">; rel=\"next\"");
	if (link->failed || link->len >= sizeof(response->link))
		answer_no_memory(response);
	else
		memcpy(response->link, link->text, link->len + 1);
	strbuf_fini(link);
}
