#include "broker/cache/follow.h"

#include <stdlib.h>
#include <string.h>
#include "broker/cache/budget.h"

#define WAYS 4 /* entries that a hash may be in, side by side */

enum wsb_err follow_init(struct follow *follow, uint64_t bytes, uint64_t text_bytes)
{
	size_t count = WAYS;

	while (count * 2 * sizeof(struct follow_entry) <= bytes)
		count *= 2;
	*follow = (struct follow){.count = count, .text_bytes_max = text_bytes};
	follow->entries = calloc(count, sizeof(*follow->entries));
	return follow->entries ? WSB_OK : WSB_ENOMEM;
}

/* What the allocator adds is counted too. */
static size_t text_cost(size_t len)
{
	return budget_cost(sizeof(struct follow_text) + len);
}

static void forget_text(struct follow *follow, struct follow_successor *successor)
{
	if (!successor->text)
		return;
	follow->text_bytes -= text_cost(successor->text->len);
	free(successor->text);
	successor->text = NULL;
}

static void forget(struct follow *follow, struct follow_entry *entry)
{
	for (size_t i = 0; i < FOLLOW_SUCCESSORS; i++)
		forget_text(follow, &entry->successors[i]);
	*entry = (struct follow_entry){.hash = 0};
}

void follow_fini(struct follow *follow)
{
	for (size_t i = 0; follow->text_bytes > 0 && i < follow->count; i++)
		forget(follow, &follow->entries[i]);
	free(follow->entries);
}

static struct follow_entry *set_of(const struct follow *follow, uint64_t hash)
{
	return &follow->entries[hash & (follow->count - 1) & ~(uint64_t)(WAYS - 1)];
}

static struct follow_entry *find(const struct follow *follow, uint64_t hash)
{
	struct follow_entry *set = set_of(follow, hash);

	for (size_t i = 0; i < WAYS; i++)
		if (set[i].hash == hash)
			return &set[i];
	return NULL;
}

/* The one that is used least makes room; each that is looked at for it gets older. */
static struct follow_entry *claim(struct follow *follow, uint64_t hash)
{
	struct follow_entry *set = set_of(follow, hash);
	struct follow_entry *least = &set[0];

	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].hash == 0) {
			least = &set[i];
			break;
		}
		if (set[i].total < least->total)
			least = &set[i];
	}
	for (size_t i = 0; i < WAYS && least->hash != 0; i++)
		set[i].total -= set[i].total > 1 ? 1 : 0;
	forget(follow, least);
	least->hash = hash;
	return least;
}

static void halve(struct follow_entry *entry)
{
	entry->total /= 2;
	for (size_t i = 0; i < FOLLOW_SUCCESSORS; i++)
		entry->successors[i].count /= 2;
}

static void keep_params(struct follow *follow, struct follow_successor *successor,
			enum encoding encoding, struct span params)
{
	if (successor->text || !params.at || params.len > FOLLOW_PARAMS_MAX ||
	    follow->text_bytes + text_cost(params.len) > follow->text_bytes_max)
		return;
	successor->text = malloc(sizeof(*successor->text) + params.len);
	if (!successor->text)
		return;
	successor->text->encoding = encoding;
	successor->text->len = (uint32_t)params.len;
	memcpy(successor->text->params, params.at, params.len);
	follow->text_bytes += text_cost(params.len);
}

/* Its place, or that of the one which came least often, once it has been passed by. NULL: not yet.
 */
static struct follow_successor *successor_of(struct follow *follow, struct follow_entry *entry,
					     uint64_t hash)
{
	struct follow_successor *least = &entry->successors[0];

	for (size_t i = 0; i < FOLLOW_SUCCESSORS; i++) {
		struct follow_successor *successor = &entry->successors[i];

		if (successor->hash == hash)
			return successor;
		if (successor->count < least->count)
			least = successor;
	}
	if (least->count > 1) {
		least->count--;
		return NULL;
	}
	forget_text(follow, least);
	*least = (struct follow_successor){.hash = hash};
	return least;
}

void follow_learn(struct follow *follow, uint64_t before, uint64_t hash, uint16_t method,
		  enum encoding encoding, struct span params)
{
	struct follow_entry *entry = find(follow, before);
	struct follow_successor *successor;

	if (!entry)
		entry = claim(follow, before);
	entry->total++;
	successor = successor_of(follow, entry, hash);
	if (successor) {
		successor->method = method;
		if (++successor->count >= FOLLOW_SEEN)
			keep_params(follow, successor, encoding, params);
	}
	if (entry->total >= FOLLOW_TOTAL_MAX)
		halve(entry);
}

size_t follow_find(struct follow *follow, uint64_t hash, const struct follow_successor *out[2])
{
	const struct follow_entry *entry = find(follow, hash);
	size_t count = 0;

	for (size_t i = 0; entry && i < FOLLOW_SUCCESSORS && count < 2; i++) {
		const struct follow_successor *successor = &entry->successors[i];

		if (successor->text && successor->count >= FOLLOW_SEEN &&
		    2U * successor->count >= entry->total)
			out[count++] = successor;
	}
	return count;
}
