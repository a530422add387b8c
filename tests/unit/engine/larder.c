#include "tests/unit/engine/larder.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "broker/engine/invalidate.h"

void larder_init(struct larder *larder)
{
	*larder = (struct larder){.client = NULL};
	stage_init(&larder->stage);
	larder->rule = &larder->stage.any->cache;
	*larder->rule = (struct cache_rule){
		.enabled = true,
		.scope = {.kind = CACHE_SCOPE_SHARED},
		.ttl_us = 60 * STAGE_S,
		.weight = 2,
	};
}

void larder_begin(struct larder *larder)
{
	stage_begin_ready(&larder->stage);
	stage_pass(&larder->stage, 100 * STAGE_MS);
	stage_open_dials(&larder->stage);
	larder->client = stage_client(&larder->stage);
	larder->upstream = stage_upstream(&larder->stage, 0);
	larder->stats = &larder->stage.outside.engine->cached.stats;
	cache_set_jitter(larder->stage.outside.engine->cached.cache, 0);
	/* The pings go first. */
	for (size_t i = 0; stage_upstream(&larder->stage, i); i++)
		expect_silence(stage_upstream(&larder->stage, i));
}

void larder_open(struct larder *larder)
{
	larder_init(larder);
	larder_begin(larder);
}

void larder_end(struct larder *larder)
{
	stage_end(&larder->stage);
}

void brings(struct larder *larder, const char *value)
{
	char member[256];

	snprintf(member, sizeof(member), "\"result\":%s", value);
	answers(larder->upstream, hears_request(larder->upstream), member);
}

void fills(struct larder *larder, const char *value)
{
	char text[256];

	says(larder->client, ASK(0));
	brings(larder, value);
	snprintf(text, sizeof(text), GOT(0, "%s"), value);
	expect_hears(larder->client, text);
}

size_t invalidates(struct larder *larder, enum invalidation_mode mode, const char *tag)
{
	struct span span = tag ? span_text(tag) : span_of(NULL, 0);
	struct invalidation what = {
		.mode = mode,
		.all = !tag,
		.tags = &span,
		.tag_count = tag != NULL,
	};

	return invalidate(larder->stage.outside.engine, &what, CAUSE_ADMIN,
			  larder->stage.outside.now_us);
}

void expect_part(struct peer *peer, const char *part)
{
	const char *text = hears(peer);

	cr_assert_not_null(text, "nothing is heard, instead of %s", part);
	cr_assert_not_null(strstr(text, part), "%s is not in %s", part, text);
}

void expect_told(struct peer *peer, const char *cache, const char *reason)
{
	char word[64], why[96];
	const char *text = hears(peer);

	snprintf(word, sizeof(word), "\"cache\":\"%s\"", cache);
	snprintf(why, sizeof(why), "\"reason\":\"%s\"", reason);
	cr_assert_not_null(text, "nothing is heard, instead of %s, %s", cache, reason);
	cr_assert(strstr(text, word) && strstr(text, why), "not %s and %s: %s", cache, reason,
		  text);
}
