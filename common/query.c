#include "common/query.h"

static int hex_digit(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	digit = (char)(digit | 0x20);
	return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

struct span query_decode(struct span text, char *room, size_t size)
{
	size_t len = 0;

	for (size_t i = 0; i < text.len; i++) {
		char byte = text.at[i];

		if (byte == '%' && i + 2 < text.len && hex_digit(text.at[i + 1]) >= 0 &&
		    hex_digit(text.at[i + 2]) >= 0) {
			byte = (char)(hex_digit(text.at[i + 1]) * 16 + hex_digit(text.at[i + 2]));
			i += 2;
		}
		if (len == size)
			return span_of(NULL, 0);
		room[len++] = byte;
	}
	return span_of(room, len);
}

bool query_next(struct span *query, struct span *name, struct span *value)
{
	const char *end;
	const char *equals;
	struct span pair;

	while (query->at && query->len > 0 && *query->at == '&')
		*query = span_of(query->at + 1, query->len - 1);
	if (!query->at || query->len == 0)
		return false;
	end = memchr(query->at, '&', query->len);
	pair = span_of(query->at, end ? (size_t)(end - query->at) : query->len);
	*query = span_of(pair.at + pair.len, query->len - pair.len);
	equals = memchr(pair.at, '=', pair.len);
	*name = span_of(pair.at, equals ? (size_t)(equals - pair.at) : pair.len);
	*value = equals ? span_of(equals + 1, pair.len - name->len - 1)
			: span_of(pair.at + pair.len, 0);
	return true;
}

struct span query_value(struct span query, const char *name, char *room, size_t size)
{
	struct span own;
	struct span value;

	while (query_next(&query, &own, &value)) {
		if (span_is(own, name))
			return query_decode(value, room, size);
	}
	return span_of(NULL, 0);
}
