#include "broker/route/tag_template.h"
#include "common/strbuf.h"
#include "proto/transcode.h"
#include "tests/fuzz/fuzz.h"

#define LIMIT 64

static struct envelope *envelope(void)
{
	static struct envelope *made;

	if (!made)
		must(envelope_create(&made, NULL, NULL, 0) == WSB_OK);
	return made;
}

static bool scan(enum encoding encoding, struct span text, struct message *message)
{
	return envelope_scan(envelope(), FROM_UPSTREAM, encoding, text, message) == WSB_OK &&
	       message->flaw == FLAW_NONE && !message->batch;
}

static void check_list(const struct tag_list *list, enum tag_use use)
{
	must(list->count <= LIMIT);
	for (size_t i = 0; i < list->count; i++) {
		must(list->tags[i].len > 0);
		must(list->tags[i].len <= (use == TAGS_OF_ENTRY ? 1 : 2) * TAG_BYTES_MAX);
		for (size_t k = 0; k < i; k++)
			must(!span_equal(list->tags[i], list->tags[k]));
	}
}

/* The same message in the other encoding has the same tags. */
static void check_twin(const struct tag_templates *templates, const struct message *message,
		       enum tag_verdict verdict, const struct tag_list *list)
{
	struct message twin;
	struct tag_list other;
	struct strbuf text;

	strbuf_init(&text);
	tag_list_init(&other, 2);
	if (transcode(ENCODING_JSON, ENCODING_MSGPACK, message->text, &text) == WSB_OK &&
	    scan(ENCODING_MSGPACK, strbuf_span(&text), &twin)) {
		must(tag_templates_eval(templates, &twin, &twin, LIMIT, &other) == verdict);
		must(other.missing == list->missing && other.count == list->count);
		for (size_t i = 0; i < list->count; i++)
			must(span_equal(list->tags[i], other.tags[i]));
	}
	tag_list_fini(&other);
	strbuf_fini(&text);
}

static void check(const char *template, enum tag_use use, struct span text)
{
	struct tag_templates *templates;
	enum tag_verdict verdict;
	struct message message;
	struct tag_list list;
	const char *why = NULL;
	size_t bad = 1;

	if (tag_templates_create(&templates, &template, 1, use, &why, &bad) != WSB_OK) {
		must(why && bad == 0 && !templates);
		return;
	}
	tag_list_init(&list, 1);
	if (scan(ENCODING_JSON, text, &message)) {
		verdict = tag_templates_eval(templates, &message, &message, LIMIT, &list);
		must(use == TAGS_OF_ENTRY || verdict != TAGS_MISSING);
		check_list(&list, use);
		check_twin(templates, &message, verdict, &list);
	}
	tag_list_fini(&list);
	tag_templates_destroy(templates);
}

/* A template, a zero byte, and a message in JSON. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data, *end = memchr(data, 0, size);

	if (!end)
		return 0;
	for (int use = TAGS_OF_ENTRY; use <= TAGS_OF_PUSH; use++)
		check(text, (enum tag_use)use, span_of(end + 1, size - (size_t)(end + 1 - text)));
	return 0;
}
