#include "broker/cache/tags.h"

#include <string.h>
#include <xxhash.h>

bool tags_init(struct tags *tags, struct index *entries, struct budget *budget, uint64_t most,
	       uint64_t seed)
{
	*tags = (struct tags){
		.entries = entries,
		.budget = budget,
		.seed = seed,
		.oldest_idle = INDEX_NONE,
		.newest_idle = INDEX_NONE,
	};
	return index_init(&tags->index, budget, most);
}

void tags_fini(struct tags *tags)
{
	for (uint32_t id = 0; id < tags->index.used; id++)
		budget_give(tags->budget, tag_at(tags, id));
	index_fini(&tags->index);
}

static uint32_t hash_of(const struct tags *tags, bool is_method, struct span text)
{
	return (uint32_t)XXH3_64bits_withSeed(text.at, text.len, tags->seed + is_method);
}

uint32_t tags_find(const struct tags *tags, bool is_method, struct span text)
{
	uint32_t id = index_first(&tags->index, hash_of(tags, is_method, text));

	for (; id != INDEX_NONE; id = index_next(&tags->index, id)) {
		const struct tag *tag = tag_at(tags, id);

		if (tag->is_method == is_method && span_equal(tag_text(tag), text))
			return id;
	}
	return INDEX_NONE;
}

size_t tags_cost(size_t len)
{
	return budget_cost(sizeof(struct tag) + len);
}

uint32_t tags_intern(struct tags *tags, bool is_method, struct span text)
{
	uint32_t id = tags_find(tags, is_method, text);
	struct tag *tag;

	if (id != INDEX_NONE)
		return id;
	tag = budget_take(tags->budget, sizeof(*tag) + text.len);
	if (!tag)
		return INDEX_NONE;
	*tag = (struct tag){
		.hard = tags->all_hard,
		.head = INDEX_NONE,
		.len = (uint16_t)text.len,
		.is_method = is_method,
	};
	if (text.len > 0)
		memcpy(tag->text, text.at, text.len);
	id = index_add(&tags->index, hash_of(tags, is_method, text), tag);
	if (id == INDEX_NONE) {
		budget_give(tags->budget, tag);
		return INDEX_NONE;
	}
	tags->bytes += budget_cost_of(tag);
	return id;
}

struct tag *tags_current(const struct tags *tags, uint32_t id)
{
	struct tag *tag = tag_at(tags, id);

	if (tag->hard < tags->all_hard) {
		tag->hard = tags->all_hard;
		tag->live = 0;
	}
	return tag;
}

static void end_idleness(struct tags *tags, struct tag *tag)
{
	if (!tag->is_idle)
		return;
	if (tag->older != INDEX_NONE)
		tag_at(tags, tag->older)->newer = tag->newer;
	else
		tags->oldest_idle = tag->newer;
	if (tag->newer != INDEX_NONE)
		tag_at(tags, tag->newer)->older = tag->older;
	else
		tags->newest_idle = tag->older;
	tag->is_idle = false;
	tags->idle_count--;
	tags->idle_bytes -= budget_cost_of(tag);
}

void tags_idle(struct tags *tags, uint32_t id, uint64_t now_ms)
{
	struct tag *tag = tag_at(tags, id);

	if (tag->count > 0)
		return;
	end_idleness(tags, tag);
	tag->is_idle = true;
	tag->idle_ms = now_ms;
	tag->newer = INDEX_NONE;
	tag->older = tags->newest_idle;
	if (tags->newest_idle != INDEX_NONE)
		tag_at(tags, tags->newest_idle)->newer = id;
	else
		tags->oldest_idle = id;
	tags->newest_idle = id;
	tags->idle_count++;
	tags->idle_bytes += budget_cost_of(tag);
}

uint64_t tags_forget(struct tags *tags, uint32_t id)
{
	struct tag *tag = tag_at(tags, id);
	uint64_t clock = tag->hard > tag->soft ? tag->hard : tag->soft;

	end_idleness(tags, tag);
	index_remove(&tags->index, id);
	tags->bytes -= budget_cost_of(tag);
	budget_give(tags->budget, tag);
	return clock;
}

static void gain(struct tags *tags, struct tag *tag)
{
	end_idleness(tags, tag);
	tag->count++;
	tag->live++;
}

void tags_release(struct tags *tags, uint32_t id, uint64_t now_ms)
{
	const struct tag *tag = tag_at(tags, id);

	if (tag->count > 0 || tag->is_idle)
		return;
	if (tag->hard > tags->all_hard || tag->soft > 0)
		tags_idle(tags, id, now_ms);
	else
		tags_forget(tags, id);
}

/* Whose clock is behind the tag's has been left out of its live ones when that was set. */
static void lose(struct tags *tags, uint32_t id, const struct entry *entry, uint64_t now_ms)
{
	struct tag *tag = tags_current(tags, id);

	tag->count--;
	if (entry->clock >= tag->hard)
		tag->live--;
	tags_release(tags, id, now_ms);
}

/* The link of an entry that is known to carry the tag. */
static struct tag_link *link_of(const struct tags *tags, uint32_t entry_id, uint32_t tag)
{
	struct entry *entry = entry_at(tags->entries, entry_id);
	uint32_t low = 0;
	uint32_t high = entry->tag_count;

	while (high - low > 1) {
		uint32_t middle = (low + high) / 2;

		if (entry->links[middle].tag <= tag)
			low = middle;
		else
			high = middle;
	}
	assert(entry->links[low].tag == tag);
	return &entry->links[low];
}

void tags_link(struct tags *tags, uint32_t id)
{
	struct entry *entry = entry_at(tags->entries, id);

	for (uint32_t i = 0; i < entry->tag_count; i++) {
		struct tag_link *link = &entry->links[i];
		struct tag *tag = tags_current(tags, link->tag);

		link->prev = INDEX_NONE;
		link->next = tag->head;
		if (tag->head != INDEX_NONE)
			link_of(tags, tag->head, link->tag)->prev = id;
		tag->head = id;
		gain(tags, tag);
	}
}

void tags_link_method(struct tags *tags, uint32_t tag)
{
	gain(tags, tags_current(tags, tag));
}

void tags_unlink(struct tags *tags, uint32_t id, uint64_t now_ms)
{
	struct entry *entry = entry_at(tags->entries, id);

	for (uint32_t i = 0; i < entry->tag_count; i++) {
		const struct tag_link *link = &entry->links[i];

		if (link->prev != INDEX_NONE)
			link_of(tags, link->prev, link->tag)->next = link->next;
		else
			tag_at(tags, link->tag)->head = link->next;
		if (link->next != INDEX_NONE)
			link_of(tags, link->next, link->tag)->prev = link->prev;
		lose(tags, link->tag, entry, now_ms);
	}
}

void tags_unlink_method(struct tags *tags, uint32_t tag, const struct entry *entry, uint64_t now_ms)
{
	lose(tags, tag, entry, now_ms);
}

uint32_t tags_next(const struct tags *tags, uint32_t tag, uint32_t entry)
{
	return link_of(tags, entry, tag)->next;
}
