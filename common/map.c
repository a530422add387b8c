#include "common/map.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

#define MAP_FIRST_SLOTS 16

struct slot {
	uint64_t hash;
	char *key;
	size_t key_len;
	void *value; /* NULL: the slot is free */
};

struct map {
	struct slot *slots;
	size_t slot_count; /* a power of two */
	size_t count;
	uint64_t seed;
};

uint64_t hash_bytes(struct span bytes, uint64_t seed)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ seed;

	for (size_t i = 0; i < bytes.len; i++) {
		hash ^= (unsigned char)bytes.at[i];
		hash *= UINT64_C(0x100000001b3);
	}
	hash = (hash ^ hash >> 33) * UINT64_C(0xff51afd7ed558ccd);
	hash = (hash ^ hash >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
	return hash ^ hash >> 33;
}

enum wsb_err map_create(struct map **out, uint64_t seed)
{
	struct map *map = calloc(1, sizeof(*map));

	*out = NULL;
	if (!map)
		return WSB_ENOMEM;
	map->slots = calloc(MAP_FIRST_SLOTS, sizeof(*map->slots));
	if (!map->slots) {
		free(map);
		return WSB_ENOMEM;
	}
	map->slot_count = MAP_FIRST_SLOTS;
	map->seed = seed;
	*out = map;
	return WSB_OK;
}

void map_destroy(struct map *map)
{
	if (!map)
		return;
	for (size_t i = 0; i < map->slot_count; i++)
		free(map->slots[i].key);
	free(map->slots);
	free(map);
}

static bool slot_holds(const struct slot *slot, uint64_t hash, struct span key)
{
	return slot->hash == hash && span_equal(span_of(slot->key, slot->key_len), key);
}

/* The slot that holds the key, else the free one where it would go. There always is a free one. */
static size_t find(const struct map *map, uint64_t hash, struct span key)
{
	size_t i = hash & (map->slot_count - 1);

	while (map->slots[i].value && !slot_holds(&map->slots[i], hash, key))
		i = (i + 1) & (map->slot_count - 1);
	return i;
}

static enum wsb_err grow(struct map *map)
{
	struct map larger = *map;

	larger.slot_count = map->slot_count * 2;
	larger.slots = calloc(larger.slot_count, sizeof(*larger.slots));
	if (!larger.slots)
		return WSB_ENOMEM;
	for (size_t i = 0; i < map->slot_count; i++) {
		const struct slot *slot = &map->slots[i];

		if (slot->value)
			larger.slots[find(&larger, slot->hash, span_of(slot->key, slot->key_len))] =
				*slot;
	}
	free(map->slots);
	*map = larger;
	return WSB_OK;
}

enum wsb_err map_put(struct map *map, struct span key, void *value)
{
	uint64_t hash = hash_bytes(key, map->seed);
	char *copy;

	assert(value);
	if (map->slots[find(map, hash, key)].value)
		return WSB_EEXIST;
	if (map->count >= map->slot_count / 4 * 3) {
		enum wsb_err err = grow(map);

		if (err)
			return err;
	}
	copy = malloc(key.len > 0 ? key.len : 1);
	if (!copy)
		return WSB_ENOMEM;
	if (key.len > 0)
		memcpy(copy, key.at, key.len);
	map->slots[find(map, hash, key)] =
		(struct slot){.hash = hash, .key = copy, .key_len = key.len, .value = value};
	map->count++;
	return WSB_OK;
}

void *map_get(const struct map *map, struct span key)
{
	return map->slots[find(map, hash_bytes(key, map->seed), key)].value;
}

/* Knuth's algorithm R (volume 3, section 6.4): what follows the hole moves up unless it already
 * stands at or after its own place, so that no tombstones are needed. */
static void close_hole(struct map *map, size_t hole)
{
	size_t mask = map->slot_count - 1;

	for (size_t i = (hole + 1) & mask; map->slots[i].value; i = (i + 1) & mask) {
		size_t home = map->slots[i].hash & mask;

		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		map->slots[hole] = map->slots[i];
		hole = i;
	}
	map->slots[hole] = (struct slot){0};
}

void *map_remove(struct map *map, struct span key)
{
	size_t i = find(map, hash_bytes(key, map->seed), key);
	void *value = map->slots[i].value;

	if (!value)
		return NULL;
	free(map->slots[i].key);
	close_hole(map, i);
	map->count--;
	return value;
}

size_t map_count(const struct map *map)
{
	return map->count;
}
