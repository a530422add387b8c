#include "proto/template.h"

#include <stdlib.h>
#include "proto/json_scan.h"

/* Text, and the slot behind it (SLOT_COUNT: none). */
struct piece {
	struct span text; /* into the template's copy */
	enum template_slot slot;
};

struct template
{
	char *text;
	struct piece *pieces;
	size_t count;
};

static const char *const slot_names[SLOT_COUNT] = {"id",     "code",   "message", "data",
						   "result", "method", "params"};

/* The slot that begins behind a dollar sign; SLOT_COUNT when there is none of this name. */
static enum template_slot slot_read(struct span rest, size_t *len)
{
	enum template_slot slot = SLOT_ID;

	for (*len = 0; *len < rest.len; (*len)++) {
		if (rest.at[*len] < 'a' || rest.at[*len] > 'z')
			break;
	}
	while (slot < SLOT_COUNT && !span_is(span_of(rest.at, *len), slot_names[slot]))
		slot++;
	return slot;
}

static void piece_add(struct template *compiled, const char *from, const char *to,
		      enum template_slot slot)
{
	compiled->pieces[compiled->count++] =
		(struct piece){.text = span_of(from, (size_t)(to - from)), .slot = slot};
}

static enum wsb_err cut_up(struct template *compiled, const char *end, unsigned slots,
			   const char **why)
{
	const char *from = compiled->text;

	for (const char *at = from; at != end; at++) {
		enum template_slot slot;
		size_t len;

		if (*at != '$')
			continue;
		if (end - at > 1 && at[1] == '$') {
			piece_add(compiled, from, ++at, SLOT_COUNT);
			from = at + 1;
			continue;
		}
		slot = slot_read(span_of(at + 1, (size_t)(end - at - 1)), &len);
		if (slot == SLOT_COUNT || !(slots & 1U << slot)) {
			*why = "after $ must stand id, code, message, data or another $";
			return WSB_EINVAL;
		}
		piece_add(compiled, from, at, slot);
		at += len;
		from = at + 1;
	}
	piece_add(compiled, from, end, SLOT_COUNT);
	return WSB_OK;
}

static bool is_valid_with(const struct template *compiled, const char *sample,
			  struct strbuf *scratch)
{
	struct span values[SLOT_COUNT];

	for (size_t i = 0; i < SLOT_COUNT; i++)
		values[i] = span_text(sample);
	strbuf_clear(scratch);
	template_fill(compiled, values, scratch);
	return json_scan_is_valid(strbuf_span(scratch));
}

/* A number would do within a string, a string would do as a member's name; a value takes both. */
static enum wsb_err check(const struct template *compiled, const char **why)
{
	enum wsb_err err = WSB_OK;
	struct strbuf scratch;

	strbuf_init(&scratch);
	if (!is_valid_with(compiled, "1", &scratch) ||
	    !is_valid_with(compiled, "\"a\"", &scratch)) {
		*why = "with values in its slots this is no JSON (slots stand without quotes)";
		err = scratch.failed ? WSB_ENOMEM : WSB_EINVAL;
	}
	strbuf_fini(&scratch);
	return err;
}

enum wsb_err template_compile(struct template **out, struct span text, unsigned slots,
			      const char **why)
{
	struct template *compiled = calloc(1, sizeof(*compiled));
	size_t dollars = 0;
	enum wsb_err err;

	*out = NULL;
	if (!compiled)
		return WSB_ENOMEM;
	for (size_t i = 0; i < text.len; i++)
		dollars += text.at[i] == '$';
	compiled->text = malloc(text.len + 1);
	compiled->pieces = calloc(dollars + 1, sizeof(*compiled->pieces));
	if (!compiled->text || !compiled->pieces) {
		template_destroy(compiled);
		return WSB_ENOMEM;
	}
	memcpy(compiled->text, text.at, text.len);
	err = cut_up(compiled, compiled->text + text.len, slots, why);
	if (err == WSB_OK)
		err = check(compiled, why);
	if (err != WSB_OK) {
		template_destroy(compiled);
		return err;
	}
	*out = compiled;
	return WSB_OK;
}

void template_destroy(struct template *compiled)
{
	if (!compiled)
		return;
	free(compiled->text);
	free(compiled->pieces);
	free(compiled);
}

void template_fill(const struct template *compiled, const struct span values[SLOT_COUNT],
		   struct strbuf *out)
{
	for (size_t i = 0; i < compiled->count; i++) {
		strbuf_add(out, compiled->pieces[i].text);
		if (compiled->pieces[i].slot != SLOT_COUNT)
			strbuf_add(out, values[compiled->pieces[i].slot]);
	}
}
