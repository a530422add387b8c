#include <criterion/criterion.h>
#include <stdio.h>
#include "common/map.h"
#include "common/rng.h"

static struct map *make(uint64_t seed)
{
	struct map *map;

	cr_assert_eq(map_create(&map, seed), WSB_OK);
	return map;
}

Test(map, put_get_remove)
{
	struct map *map = make(1);
	int a, b;

	cr_assert_null(map_get(map, span_text("a")));
	cr_assert_eq(map_put(map, span_text("a"), &a), WSB_OK);
	cr_assert_eq(map_put(map, span_text("a"), &b), WSB_EEXIST);
	cr_assert_eq(map_get(map, span_text("a")), &a);
	cr_assert_eq(map_count(map), 1);
	cr_assert_eq(map_remove(map, span_text("a")), &a);
	cr_assert_null(map_remove(map, span_text("a")));
	cr_assert_eq(map_count(map), 0);
	map_destroy(map);
	map_destroy(NULL);
}

Test(map, keys_are_bytes_and_copied)
{
	char key[3] = {'a', '\0', 'b'};
	struct map *map = make(1);
	int a, empty;

	cr_assert_eq(map_put(map, span_of(key, 3), &a), WSB_OK);
	cr_assert_eq(map_put(map, span_of("", 0), &empty), WSB_OK);
	key[0] = 'z';
	cr_assert_eq(map_get(map, span_of("a\0b", 3)), &a);
	cr_assert_null(map_get(map, span_of("a\0c", 3)));
	cr_assert_null(map_get(map, span_of("a", 1)));
	cr_assert_eq(map_get(map, span_text(NULL)), &empty);
	map_destroy(map);
}

Test(map, agrees_with_an_array_through_any_history)
{
	enum { KEYS = 300 };

	for (uint64_t seed = 0; seed < 20; seed++) {
		void *model[KEYS] = {0};
		struct map *map = make(seed);
		struct rng rng;
		size_t count = 0;

		rng_init(&rng, seed);
		for (int step = 0; step < 5000; step++) {
			size_t k = rng_below(&rng, KEYS);
			char text[16];
			struct span key =
				span_of(text, (size_t)snprintf(text, sizeof(text), "%zu", k));

			if (rng_below(&rng, 2)) {
				enum wsb_err err = map_put(map, key, &model[k]);

				cr_assert_eq(err, model[k] ? WSB_EEXIST : WSB_OK);
				count += !model[k];
				model[k] = &model[k];
			} else {
				cr_assert_eq(map_remove(map, key), model[k], "seed %d", (int)seed);
				count -= model[k] != NULL;
				model[k] = NULL;
			}
			cr_assert_eq(map_get(map, key), model[k]);
			cr_assert_eq(map_count(map), count);
		}
		for (size_t k = 0; k < KEYS; k++) {
			char text[16];
			int len = snprintf(text, sizeof(text), "%zu", k);

			cr_assert_eq(map_get(map, span_of(text, (size_t)len)), model[k]);
		}
		map_destroy(map);
	}
}

Test(map, the_seed_changes_every_hash)
{
	cr_assert_neq(hash_bytes(span_text("a"), 1), hash_bytes(span_text("a"), 2));
	cr_assert_eq(hash_bytes(span_text("a"), 1), hash_bytes(span_text("a"), 1));
	cr_assert_neq(hash_bytes(span_text(""), 1), hash_bytes(span_text(""), 2));
}
