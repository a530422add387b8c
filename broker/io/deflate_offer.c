#include "broker/io/deflate_offer.h"

#include <stdio.h>
#include "broker/io/http_text.h"

#define WINDOW_BITS_MAX 15
#define WINDOW_BITS_MIN 8

/* zlib cannot make raw deflate with less. */
#define OWN_BITS_MIN 9

static void skip_blanks(struct span *text)
{
	while (text->len > 0 && (*text->at == ' ' || *text->at == '\t'))
		*text = span_of(text->at + 1, text->len - 1);
}

/* Takes one character off, and the blanks behind it, if it is the next one. */
static bool take(struct span *text, char wanted)
{
	if (text->len == 0 || *text->at != wanted)
		return false;
	*text = span_of(text->at + 1, text->len - 1);
	skip_blanks(text);
	return true;
}

static bool take_token(struct span *text, struct span *token)
{
	size_t len = 0;

	while (len < text->len && http_is_token(span_of(text->at + len, 1)))
		len++;
	*token = span_of(text->at, len);
	*text = span_of(text->at + len, text->len - len);
	skip_blanks(text);
	return len > 0;
}

/* A value may stand in quotes; escapes within are of no use here, but must not end it. */
static bool take_quoted(struct span *text, struct span *value)
{
	size_t len = 1;

	while (len < text->len && text->at[len] != '"')
		len += text->at[len] == '\\' ? 2 : 1;
	if (len >= text->len)
		return false;
	*value = span_of(text->at + 1, len - 1);
	*text = span_of(text->at + len + 1, text->len - len - 1);
	skip_blanks(text);
	return true;
}

struct parameter {
	struct span name;
	struct span value; /* absent: it has none */
};

static bool take_parameter(struct span *text, struct parameter *parameter)
{
	*parameter = (struct parameter){0};
	if (!take_token(text, &parameter->name))
		return false;
	if (!take(text, '='))
		return true;
	return text->len > 0 && *text->at == '"' ? take_quoted(text, &parameter->value)
						 : take_token(text, &parameter->value);
}

/* 8 to 15, without leading zeros; 0: it is something else. */
static uint8_t read_bits(struct span value)
{
	unsigned int bits = 0;

	if (value.len == 0 || value.len > 2 || value.at[0] == '0')
		return 0;
	for (size_t i = 0; i < value.len; i++) {
		if (value.at[i] < '0' || value.at[i] > '9')
			return 0;
		bits = bits * 10 + (unsigned int)(value.at[i] - '0');
	}
	return bits >= WINDOW_BITS_MIN && bits <= WINDOW_BITS_MAX ? (uint8_t)bits : 0;
}

enum name {
	SERVER_KEEPS_NOTHING = 1,
	CLIENT_KEEPS_NOTHING = 2,
	SERVER_BITS = 4,
	CLIENT_BITS = 8,
};

/* Which one it is, if its value is good for it; 0: the offer cannot be met. */
static unsigned int judge(const struct parameter *parameter, struct deflate_terms *terms)
{
	if (http_equals(parameter->name, "server_no_context_takeover"))
		return parameter->value.at ? 0 : SERVER_KEEPS_NOTHING;
	if (http_equals(parameter->name, "client_no_context_takeover"))
		return parameter->value.at ? 0 : CLIENT_KEEPS_NOTHING;
	if (http_equals(parameter->name, "client_max_window_bits"))
		return !parameter->value.at || read_bits(parameter->value) ? CLIENT_BITS : 0;
	if (!http_equals(parameter->name, "server_max_window_bits"))
		return 0;
	terms->window_bits = read_bits(parameter->value);
	terms->says_bits = true;
	return terms->window_bits >= OWN_BITS_MIN ? SERVER_BITS : 0;
}

/* One extension with its parameters. *fits: it is ours, and can be met. False: it cannot be read.
 */
static bool take_offer(struct span *text, struct deflate_terms *terms, bool *fits)
{
	unsigned int seen = 0;
	struct span name;

	*terms = (struct deflate_terms){.window_bits = WINDOW_BITS_MAX};
	if (!take_token(text, &name))
		return false;
	*fits = http_equals(name, "permessage-deflate");
	while (take(text, ';')) {
		struct parameter parameter;
		unsigned int which;

		if (!take_parameter(text, &parameter))
			return false;
		which = judge(&parameter, terms);
		*fits = *fits && which != 0 && !(seen & which);
		seen |= which;
	}
	return text->len == 0 || *text->at == ',';
}

struct deflate_terms deflate_offer_choose(struct span offers)
{
	const struct deflate_terms none = {0};

	skip_blanks(&offers);
	while (offers.len > 0) {
		struct deflate_terms terms;
		bool fits;

		if (take(&offers, ','))
			continue;
		if (!take_offer(&offers, &terms, &fits))
			return none;
		if (fits)
			return terms;
	}
	return none;
}

void deflate_offer_answer(struct deflate_terms terms, char answer[DEFLATE_ANSWER_MAX])
{
	char bits[32] = "";

	if (terms.says_bits)
		snprintf(bits, sizeof(bits), "; server_max_window_bits=%u", terms.window_bits);
	snprintf(answer, DEFLATE_ANSWER_MAX,
		 "permessage-deflate; server_no_context_takeover; client_no_context_takeover%s",
		 bits);
}
