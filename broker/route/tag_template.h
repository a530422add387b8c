/* broker/route/tag_template.h: names of what an answer depends upon, or a push has changed.
 *
 * A template is a text with slots: "property:{params.id}", "city:{result.items[*].city}". A slot
 * holds a path (see proto/path.h). {params...} and {request:/pointer} read the request,
 * {result...} and {/pointer} the answer; on a push rule all but {result...} and {request:...} read
 * the push. Several values in a slot make several tags, several slots every combination. A template
 * that ends in "?" may find nothing. A backslash takes the next character literally.
 *
 * Values are written in one way, whichever way the message has them: 1, 1.0 and MessagePack's 1 are
 * "1", truth is "true" or "false", strings are their characters. Templates that invalidate may be
 * globs, but what they take from a message never is one. */
#ifndef WSB_BROKER_ROUTE_TAG_TEMPLATE_H
#define WSB_BROKER_ROUTE_TAG_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "broker/route/text_set.h"
#include "common/err.h"
#include "common/span.h"
#include "proto/envelope.h"

#define TAG_BYTES_MAX 256
#define TAG_SLOTS_MAX 4

enum tag_use {
	TAGS_OF_ENTRY, /* what a cached answer depends upon */
	TAGS_OF_WRITE, /* what a successful answer makes untrue */
	TAGS_OF_PUSH,  /* what a push makes untrue */
};

struct tag_templates;

/* texts[0..count) are copied. WSB_EINVAL: *why (constant text) says what is wrong, *bad is the
 * position; WSB_ENOMEM. Immutable once made. */
enum wsb_err tag_templates_create(struct tag_templates **out, const char *const *texts,
				  size_t count, enum tag_use use, const char **why,
				  size_t *bad) WSB_CHECKED;
void tag_templates_destroy(struct tag_templates *templates); /* NULL is allowed */

/* What an evaluation has found; reused from one to the next. */
struct tag_list {
	const struct span *tags; /* valid until the next evaluation */
	size_t count;
	size_t missing;		      /* templates that found nothing and do not end in "?" */
	const char *missing_template; /* the first of them, as written; lives with the templates */
	/* the rest is the evaluation's own */
	struct span *spans;
	size_t capacity;
	struct text_set set;
	struct text_set values[TAG_SLOTS_MAX];
	struct strbuf text;
};

void tag_list_init(struct tag_list *list, uint64_t seed);
void tag_list_fini(struct tag_list *list);

enum tag_verdict {
	TAGS_OK,
	TAGS_MISSING,  /* of an entry: list->missing_template found nothing */
	TAGS_TOO_MANY, /* more than limit, or one longer than TAG_BYTES_MAX */
	TAGS_NO_MEMORY,
};

/* Evaluates all of them, each tag once. limit: at most TEXT_SET_MAX. answer may be NULL: there is
 * none yet. Of a push both are the push.
 * What invalidates is never too long and never missing: a tag that no entry can have is left out,
 * and list->missing tells that a template has found nothing. */
enum tag_verdict tag_templates_eval(const struct tag_templates *templates,
				    const struct message *request, const struct message *answer,
				    size_t limit, struct tag_list *list);

#endif
