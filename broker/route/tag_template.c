#include "broker/route/tag_template.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "broker/route/decimal.h"
#include "proto/path.h"
#include "proto/token.h"

struct tag_slot {
	bool of_request;
	struct path path;
};

struct tag_template {
	char *text;				 /* as written, and behind it the literals */
	struct span literals[TAG_SLOTS_MAX + 1]; /* before, between and behind the slots */
	struct tag_slot *slots;
	size_t slot_count;
	bool optional;
};

struct tag_templates {
	enum tag_use use;
	size_t count;
	struct tag_template list[];
};

struct parser {
	struct tag_template *template;
	struct span rest;
	char *to; /* where the literals are written */
	size_t literal_bytes;
	enum tag_use use;
	const char *why;
};

static bool refuse(struct parser *parser, const char *why)
{
	parser->why = why;
	return false;
}

/* Which of the messages a path reads, and whether there is one. */
static bool slot_root(struct parser *parser, struct tag_slot *slot, bool told)
{
	enum path_root root = slot->path.root;

	if (root == PATH_ERROR)
		return refuse(parser, "an error has no tags");
	if (parser->use == TAGS_OF_PUSH && root == PATH_RESULT)
		return refuse(parser, "a push has no result: {params...} or {/pointer} read it");
	if (parser->use == TAGS_OF_PUSH && told)
		return refuse(parser, "a push answers no request: {/pointer} reads the push");
	slot->of_request = told || root == PATH_PARAMS;
	return true;
}

static bool slot_compile(struct parser *parser, struct span text)
{
	static const char request[] = "request:";
	bool told = span_begins(text, request);
	struct tag_slot *slot;

	if (parser->template->slot_count == TAG_SLOTS_MAX)
		return refuse(parser, "a template has at most 4 slots");
	slot = &parser->template->slots[parser->template->slot_count];
	if (told)
		text = span_of(text.at + strlen(request), text.len - strlen(request));
	if (told && (text.len == 0 || text.at[0] != '/'))
		return refuse(parser, "behind {request: stands a JSON pointer");
	if (path_compile(&slot->path, text, &parser->why) != WSB_OK)
		return false;
	parser->template->slot_count++;
	return slot_root(parser, slot, told);
}

static void literal_byte(struct parser *parser, char byte)
{
	struct span *literal = &parser->template->literals[parser->template->slot_count];

	if (literal->len == 0)
		literal->at = parser->to;
	*parser->to++ = byte;
	literal->len++;
}

/* What invalidates keeps the escapes of a glob, since it is one. */
static bool escape_compile(struct parser *parser)
{
	char byte;

	if (parser->rest.len < 2)
		return refuse(parser, "a backslash at the end takes nothing");
	byte = parser->rest.at[1];
	if (parser->use != TAGS_OF_ENTRY && strchr("*?\\", byte))
		literal_byte(parser, '\\');
	literal_byte(parser, byte);
	parser->literal_bytes++;
	parser->rest = span_of(parser->rest.at + 2, parser->rest.len - 2);
	return true;
}

static bool braces_compile(struct parser *parser)
{
	const char *end = memchr(parser->rest.at, '}', parser->rest.len);
	size_t len;

	if (!end)
		return refuse(parser, "{ without }; a literal one is written \\{");
	len = (size_t)(end - parser->rest.at) + 1;
	if (!slot_compile(parser, span_of(parser->rest.at + 1, len - 2)))
		return false;
	parser->rest = span_of(parser->rest.at + len, parser->rest.len - len);
	return true;
}

static bool step(struct parser *parser)
{
	char byte = parser->rest.at[0];

	if (byte == '\\')
		return escape_compile(parser);
	if (byte == '{')
		return braces_compile(parser);
	if (byte == '}')
		return refuse(parser, "} without {; a literal one is written \\}");
	parser->rest = span_of(parser->rest.at + 1, parser->rest.len - 1);
	if (byte == '?' && parser->rest.len == 0 && parser->template->slot_count > 0) {
		parser->template->optional = true;
		return true;
	}
	literal_byte(parser, byte);
	parser->literal_bytes++;
	return true;
}

static bool parse(struct parser *parser)
{
	if (parser->rest.len == 0)
		return refuse(parser, "a tag cannot be empty");
	while (parser->rest.len > 0) {
		if (!step(parser))
			return false;
	}
	if (parser->literal_bytes > TAG_BYTES_MAX)
		return refuse(parser, "a tag has at most 256 bytes");
	return true;
}

static size_t count_slots(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += *text == '{' ? 1 : 0;
	return count < TAG_SLOTS_MAX ? count : TAG_SLOTS_MAX;
}

static enum wsb_err template_compile(struct tag_template *template, const char *text,
				     enum tag_use use, const char **why)
{
	size_t len = strlen(text);
	struct parser parser = {.template = template, .use = use};

	template->text = malloc(2 * len + 2);
	template->slots = calloc(count_slots(text) + 1, sizeof(*template->slots));
	if (!template->text || !template->slots)
		return WSB_ENOMEM;
	for (size_t i = 0; i <= TAG_SLOTS_MAX; i++)
		template->literals[i] = span_text("");
	memcpy(template->text, text, len + 1);
	parser.rest = span_of(template->text, len);
	parser.to = template->text + len + 1;
	if (parse(&parser))
		return WSB_OK;
	*why = parser.why;
	return WSB_EINVAL;
}

void tag_templates_destroy(struct tag_templates *templates)
{
	for (size_t i = 0; templates && i < templates->count; i++) {
		free(templates->list[i].text);
		free(templates->list[i].slots);
	}
	free(templates);
}

enum wsb_err tag_templates_create(struct tag_templates **out, const char *const *texts,
				  size_t count, enum tag_use use, const char **why, size_t *bad)
{
	struct tag_templates *templates =
		calloc(1, sizeof(*templates) + count * sizeof(templates->list[0]));

	*out = NULL;
	if (!templates)
		return WSB_ENOMEM;
	templates->use = use;
	for (size_t i = 0; i < count; i++) {
		enum wsb_err err;

		templates->count++;
		err = template_compile(&templates->list[i], texts[i], use, why);
		if (err != WSB_OK) {
			*bad = i;
			tag_templates_destroy(templates);
			return err;
		}
	}
	*out = templates;
	return WSB_OK;
}

void tag_list_init(struct tag_list *list, uint64_t seed)
{
	*list = (struct tag_list){.count = 0};
	text_set_init(&list->set, seed);
	for (size_t i = 0; i < TAG_SLOTS_MAX; i++)
		text_set_init(&list->values[i], seed);
	strbuf_init(&list->text);
}

void tag_list_fini(struct tag_list *list)
{
	text_set_fini(&list->set);
	for (size_t i = 0; i < TAG_SLOTS_MAX; i++)
		text_set_fini(&list->values[i]);
	strbuf_fini(&list->text);
	free(list->spans);
}

/* One evaluation. */
struct eval {
	const struct tag_template *template;
	const struct message *request;
	const struct message *answer;
	struct tag_list *list;
	size_t limit;
	bool invalidates;
	enum tag_verdict verdict;
};

/* One slot that is being read. */
struct slot_read {
	struct eval *eval;
	enum encoding encoding;
	struct text_set *values;
};

static bool fail(struct eval *eval, enum wsb_err err)
{
	if (err == WSB_OK)
		return true;
	eval->verdict = err == WSB_ELIMIT ? TAGS_TOO_MANY : TAGS_NO_MEMORY;
	return false;
}

/* A value that no tag can hold: no entry has one, so there is nothing to invalidate. */
static bool too_long(struct eval *eval)
{
	return eval->invalidates || fail(eval, WSB_ELIMIT);
}

static bool take_text(struct slot_read *read, struct span text)
{
	if (!text.at || text.len > TAG_BYTES_MAX)
		return too_long(read->eval);
	return fail(read->eval, text_set_add(read->values, text, read->eval->limit));
}

static bool take_number(struct slot_read *read, struct span token)
{
	struct strbuf *text = &read->eval->list->text;
	char scratch[NUMBER_TEXT_MAX];
	struct decimal decimal;

	if (!decimal_read(read->encoding, token, scratch, &decimal))
		return true; /* no number that anybody means: not found */
	strbuf_clear(text);
	decimal_text(&decimal, text);
	if (text->failed)
		return fail(read->eval, WSB_ENOMEM);
	return take_text(read, strbuf_span(text));
}

/* The strings, numbers and truths; all else is as if it were not there. */
static bool take_value(void *context, struct span token)
{
	struct slot_read *read = context;
	char scratch[TAG_BYTES_MAX];

	switch (token_kind(read->encoding, token)) {
	case TOKEN_STRING:
		return take_text(read,
				 token_string(read->encoding, token, scratch, sizeof(scratch)));
	case TOKEN_NUMBER:
		return take_number(read, token);
	case TOKEN_FALSE:
		return take_text(read, span_text("false"));
	case TOKEN_TRUE:
		return take_text(read, span_text("true"));
	default:
		return true;
	}
}

static void add_escaped(struct strbuf *out, struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (strchr("*?\\", text.at[i]) && text.at[i])
			strbuf_text(out, "\\");
		strbuf_add(out, span_of(&text.at[i], 1));
	}
}

/* One combination of values; chosen: the position of each slot's. */
static bool add_tag(struct eval *eval, const size_t chosen[TAG_SLOTS_MAX])
{
	const struct tag_template *template = eval->template;
	struct strbuf *text = &eval->list->text;
	size_t len = template->literals[0].len;

	strbuf_clear(text);
	strbuf_add(text, template->literals[0]);
	for (size_t i = 0; i < template->slot_count; i++) {
		struct span value = text_set_at(&eval->list->values[i], chosen[i]);

		if (eval->invalidates)
			add_escaped(text, value);
		else
			strbuf_add(text, value);
		strbuf_add(text, template->literals[i + 1]);
		len += value.len + template->literals[i + 1].len;
	}
	if (text->failed)
		return fail(eval, WSB_ENOMEM);
	if (len > TAG_BYTES_MAX)
		return too_long(eval);
	return len == 0 ||
	       fail(eval, text_set_add(&eval->list->set, strbuf_span(text), eval->limit));
}

/* Counts through the combinations; false: that was the last. */
static bool next_combination(const struct eval *eval, size_t chosen[TAG_SLOTS_MAX])
{
	for (size_t i = 0; i < eval->template->slot_count; i++) {
		if (++chosen[i] < eval->list->values[i].count)
			return true;
		chosen[i] = 0;
	}
	return false;
}

/* Each value once, so that the work is bounded by the messages' length and the limit. */
static bool read_slots(struct eval *eval, size_t *combinations)
{
	*combinations = 1;
	for (size_t i = 0; i < eval->template->slot_count; i++) {
		const struct tag_slot *slot = &eval->template->slots[i];
		const struct message *message = slot->of_request ? eval->request : eval->answer;
		struct slot_read read = {.eval = eval, .values = &eval->list->values[i]};

		text_set_clear(read.values);
		if (message) {
			read.encoding = message->encoding;
			path_walk(&slot->path, message, take_value, &read);
		}
		if (eval->verdict != TAGS_OK)
			return false;
		*combinations *= read.values->count;
		if (*combinations > eval->limit)
			return fail(eval, WSB_ELIMIT);
	}
	return true;
}

static bool nothing_found(struct eval *eval)
{
	struct tag_list *list = eval->list;

	if (eval->template->optional)
		return true;
	if (list->missing++ == 0)
		list->missing_template = eval->template->text;
	if (!eval->invalidates)
		eval->verdict = TAGS_MISSING;
	return eval->invalidates;
}

static bool eval_template(struct eval *eval)
{
	size_t chosen[TAG_SLOTS_MAX] = {0};
	size_t combinations;

	if (!read_slots(eval, &combinations))
		return false;
	if (combinations == 0)
		return nothing_found(eval);
	do {
		if (!add_tag(eval, chosen))
			return false;
	} while (next_combination(eval, chosen));
	return true;
}

static enum tag_verdict publish(struct tag_list *list)
{
	if (list->capacity < list->set.count) {
		struct span *spans = realloc(list->spans, list->set.capacity * sizeof(*spans));

		if (!spans)
			return TAGS_NO_MEMORY;
		list->spans = spans;
		list->capacity = list->set.capacity;
	}
	for (size_t i = 0; i < list->set.count; i++)
		list->spans[i] = text_set_at(&list->set, i);
	list->tags = list->spans;
	list->count = list->set.count;
	return TAGS_OK;
}

enum tag_verdict tag_templates_eval(const struct tag_templates *templates,
				    const struct message *request, const struct message *answer,
				    size_t limit, struct tag_list *list)
{
	struct eval eval = {.request = request,
			    .answer = answer,
			    .list = list,
			    .limit = limit,
			    .invalidates = templates->use != TAGS_OF_ENTRY};

	assert(limit <= TEXT_SET_MAX);
	text_set_clear(&list->set);
	list->count = 0;
	list->missing = 0;
	list->missing_template = NULL;
	for (size_t i = 0; i < templates->count; i++) {
		eval.template = &templates->list[i];
		if (!eval_template(&eval))
			return eval.verdict;
	}
	return publish(list);
}
