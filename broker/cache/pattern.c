#include "broker/cache/pattern.h"

#include <stdlib.h>
#include <string.h>

void pattern_fini(struct pattern *pattern)
{
	free(pattern->params);
	*pattern = (struct pattern){.params = NULL};
}

/* Of the sources only those remain that have the value this time too. */
static void narrow(struct pattern_slot *slot, const struct leaf *known, size_t known_count,
		   uint32_t value)
{
	uint8_t kept = 0;

	slot->constant = slot->constant && slot->value == value;
	for (uint8_t i = 0; i < slot->count; i++) {
		for (size_t k = 0; k < known_count; k++) {
			if (known[k].path != slot->sources[i] || known[k].value != value)
				continue;
			slot->sources[kept++] = slot->sources[i];
			break;
		}
	}
	slot->count = kept;
}

static void begin_slot(struct pattern_slot *slot, const struct leaf *known, size_t known_count,
		       const struct leaf *leaf)
{
	*slot = (struct pattern_slot){.path = leaf->path, .value = leaf->value, .constant = true};
	for (size_t k = 0; k < known_count && slot->count < PATTERN_SOURCES_MAX; k++)
		if (known[k].value == leaf->value)
			slot->sources[slot->count++] = known[k].path;
}

static bool same_shape(const struct pattern *pattern, enum encoding encoding,
		       const struct leaf_at *leaves, size_t count)
{
	if (!pattern->params || pattern->encoding != encoding || pattern->slot_count != count)
		return false;
	for (size_t i = 0; i < count; i++)
		if (pattern->slots[i].path != leaves[i].leaf.path)
			return false;
	return true;
}

static bool take_params(struct pattern *pattern, struct span params, const struct leaf_at *leaves)
{
	char *copy = realloc(pattern->params, params.len);

	if (!copy)
		return false;
	memcpy(copy, params.at, params.len);
	pattern->params = copy;
	pattern->len = (uint16_t)params.len;
	for (uint8_t i = 0; i < pattern->slot_count; i++) {
		pattern->slots[i].at = (uint16_t)(leaves[i].token.at - params.at);
		pattern->slots[i].len = (uint16_t)leaves[i].token.len;
		pattern->slots[i].value = leaves[i].leaf.value;
	}
	return true;
}

static bool is_explained(const struct pattern_slot *slot)
{
	return slot->constant || slot->count > 0;
}

static void begin(struct pattern *pattern, const struct leaf *known, size_t known_count,
		  enum encoding encoding, const struct leaf_at *leaves, size_t count)
{
	pattern->encoding = encoding;
	pattern->slot_count = (uint8_t)count;
	pattern->seen = 1;
	for (size_t i = 0; i < count; i++)
		begin_slot(&pattern->slots[i], known, known_count, &leaves[i].leaf);
}

bool pattern_learn(struct pattern *pattern, const struct leaf *known, size_t known_count,
		   enum encoding encoding, struct span params, const struct leaf_at *leaves,
		   size_t count, bool *unexplained)
{
	bool fits = same_shape(pattern, encoding, leaves, count);
	bool same = fits;

	*unexplained = false;
	for (size_t i = 0; same && i < count; i++) {
		narrow(&pattern->slots[i], known, known_count, leaves[i].leaf.value);
		if (!is_explained(&pattern->slots[i]))
			fits = false;
	}
	*unexplained = same && !fits;
	if (!fits)
		begin(pattern, known, known_count, encoding, leaves, count);
	else if (pattern->seen < UINT16_MAX)
		pattern->seen++;
	if (!take_params(pattern, params, leaves))
		pattern_fini(pattern);
	return fits;
}

bool pattern_reads_result(const struct pattern *pattern)
{
	for (uint8_t i = 0; i < pattern->slot_count; i++) {
		const struct pattern_slot *slot = &pattern->slots[i];
		bool needs = !slot->constant;

		for (uint8_t k = 0; k < slot->count; k++)
			needs = needs && (slot->sources[k] & 1) == LEAF_RESULT;
		if (needs)
			return true;
	}
	return false;
}

/* What goes in a slot: rather a value that moves than one that has merely not moved yet. */
static struct span value_of(const struct pattern *pattern, const struct pattern_slot *slot,
			    const struct leaf_at *known, size_t count)
{
	for (uint8_t i = 0; i < slot->count; i++)
		for (size_t k = 0; k < count; k++)
			if (known[k].leaf.path == slot->sources[i])
				return known[k].token;
	if (slot->constant)
		return span_of(pattern->params + slot->at, slot->len);
	return span_of(NULL, 0);
}

bool pattern_build(const struct pattern *pattern, const struct leaf_at *known, size_t count,
		   struct strbuf *out)
{
	size_t before = out->len;
	size_t at = 0;

	for (uint8_t i = 0; i < pattern->slot_count; i++) {
		const struct pattern_slot *slot = &pattern->slots[i];
		struct span value = value_of(pattern, slot, known, count);

		if (!value.at) {
			out->len = before;
			return false;
		}
		strbuf_add(out, span_of(pattern->params + at, slot->at - at));
		strbuf_add(out, value);
		at = (size_t)slot->at + slot->len;
	}
	strbuf_add(out, span_of(pattern->params + at, pattern->len - at));
	return !out->failed;
}
