/* States, members and feeds. */
#include <criterion/criterion.h>

#include "broker/subscription/feed.h"

struct scene {
	struct subscriptions all;
	struct subscription *one;
	struct list client;
	struct list connection;
	int who; /* something to point at */
};

static int holds;

static struct plan *hold(struct plan *plan)
{
	holds++;
	return plan;
}

static void release(struct plan *plan)
{
	(void)plan;
	holds--;
}

static struct subscription *make(struct scene *scene, const char *key)
{
	static const struct span names[] = {{"a", 1}, {"bc", 2}};
	struct subscription_origin origin = {
		.key = span_text(key),
		.request = span_text("{\"id\":1}"),
		.id_at = 6,
		.id_len = 1,
		.names = names,
		.name_count = 2,
	};
	struct subscription *made;

	cr_assert_eq(subscription_create(&made, &scene->all, &origin), WSB_OK);
	return made;
}

static void begin(struct scene *scene)
{
	struct rng rng;

	rng_init(&rng, 3);
	cr_assert_eq(subscriptions_init(&scene->all, NULL, hold, release, &rng), WSB_OK);
	list_init(&scene->client);
	list_init(&scene->connection);
	scene->one = make(scene, "key");
}

static struct member *join(struct scene *scene)
{
	struct member *member;

	cr_assert_eq(member_create(&member, &scene->all, scene->one, scene, &scene->client),
		     WSB_OK);
	return member;
}

static struct feed *feed(struct scene *scene)
{
	struct feed *feed;

	cr_assert_eq(feed_create(&feed, &scene->all, scene->one), WSB_OK);
	scene->one->feed = feed;
	feed_place(feed, &scene->who, &scene->connection);
	return feed;
}

static void go_live(struct scene *scene)
{
	struct feed *live = feed(scene);

	live->state = FEED_LIVE;
	cr_assert_eq(feed_name(&scene->all, live, span_text("id")), WSB_OK);
	subscription_enter(&scene->all, scene->one, SUBSCRIPTION_LIVE, "test");
}

static void end(struct scene *scene)
{
	struct list_node *node;

	while ((node = list_first(&scene->client)))
		member_destroy(&scene->all, list_entry(node, struct member, client_link), 0);
	if (scene->one->state != SUBSCRIPTION_ENDED)
		subscription_enter(&scene->all, scene->one, SUBSCRIPTION_ENDED, "test");
	while ((node = list_first(&scene->all.leaving)))
		feed_end(&scene->all, list_entry(node, struct feed, state_link));
	subscriptions_reap(&scene->all);
	cr_assert_eq(scene->all.bytes, 0, "%zu bytes are left", scene->all.bytes);
	cr_assert_eq(scene->all.members, 0);
	cr_assert_eq(holds, 0);
	cr_assert(list_is_empty(&scene->connection));
	subscriptions_fini(&scene->all);
}

Test(subscription, is_found_by_its_key_until_it_ends)
{
	struct scene scene;

	begin(&scene);
	cr_assert_eq(subscription_find(&scene.all, span_text("key")), scene.one);
	cr_assert_null(subscription_find(&scene.all, span_text("other")));
	cr_assert(span_is(scene.one->request, "{\"id\":1}"));
	cr_assert(span_is(scene.one->names[1], "bc"));
	subscription_enter(&scene.all, scene.one, SUBSCRIPTION_ENDED, "test");
	cr_assert_null(subscription_find(&scene.all, span_text("key")));
	end(&scene);
}

Test(subscription, lingers_when_the_last_member_leaves)
{
	struct scene scene;
	struct member *first, *second;

	begin(&scene);
	first = join(&scene);
	second = join(&scene);
	go_live(&scene);
	member_destroy(&scene.all, first, 50);
	cr_assert_eq(scene.one->state, SUBSCRIPTION_LIVE);
	member_destroy(&scene.all, second, 50);
	cr_assert_eq(scene.one->state, SUBSCRIPTION_LINGERING);
	cr_assert_eq(scene.one->linger_until_us, 50);
	join(&scene);
	cr_assert_eq(scene.one->state, SUBSCRIPTION_LIVE);
	end(&scene);
}

Test(subscription, that_is_lost_ends_with_its_last_member)
{
	struct scene scene;
	struct member *member;

	begin(&scene);
	member = join(&scene);
	go_live(&scene);
	feed_end(&scene.all, scene.one->feed);
	subscription_enter(&scene.all, scene.one, SUBSCRIPTION_LOST, "eof");
	member_destroy(&scene.all, member, 50);
	cr_assert_eq(scene.one->state, SUBSCRIPTION_ENDED);
	end(&scene);
}

Test(subscription, that_is_asked_for_waits_for_its_answer)
{
	struct scene scene;
	struct feed *asked;

	begin(&scene);
	asked = feed(&scene);
	member_destroy(&scene.all, join(&scene), 50);
	cr_assert_eq(scene.one->state, SUBSCRIPTION_ASKING);
	/* Given up meanwhile, the feed belongs to nobody, and is unsubscribed once it is known. */
	subscription_enter(&scene.all, scene.one, SUBSCRIPTION_ENDED, "test");
	cr_assert_eq(asked->state, FEED_ASKING);
	cr_assert_null(asked->subscription);
	asked->state = FEED_LIVE;
	feed_leave(&scene.all, asked);
	cr_assert_eq(scene.all.leaving.count, 1);
	end(&scene);
}

Test(feed, is_found_by_its_key_until_it_leaves)
{
	struct scene scene;
	struct feed *live, *twin;

	begin(&scene);
	go_live(&scene);
	live = scene.one->feed;
	cr_assert_eq(feed_find(&scene.all, span_text("id")), live);
	cr_assert_eq(feed_create(&twin, &scene.all, scene.one), WSB_OK);
	scene.one->next = twin;
	cr_assert_eq(feed_name(&scene.all, twin, span_text("id")), WSB_EEXIST);
	feed_end(&scene.all, twin);
	cr_assert_null(scene.one->next);
	feed_leave(&scene.all, live);
	cr_assert_null(feed_find(&scene.all, span_text("id")));
	cr_assert_null(scene.one->feed);
	/* The id may be given again at once. */
	feed(&scene);
	cr_assert_eq(feed_name(&scene.all, scene.one->feed, span_text("id")), WSB_OK);
	feed_end(&scene.all, live);
	cr_assert_eq(feed_find(&scene.all, span_text("id")), scene.one->feed);
	scene.one->feed->state = FEED_LIVE;
	end(&scene);
}

Test(subscription, keeps_its_answer_and_its_look)
{
	static const char answer[] = "{\"id\":1,\"result\":\"0x12\"}";
	struct scene scene;

	begin(&scene);
	cr_assert_eq(subscription_keep_answer(&scene.all, scene.one, ENCODING_JSON,
					      span_text(answer), span_of(answer + 17, 6)),
		     WSB_OK);
	cr_assert_eq(scene.one->own_at, 17);
	cr_assert_eq(scene.one->look.kind, LOOK_HEX);
	cr_assert_eq(subscription_keep_answer(&scene.all, scene.one, ENCODING_JSON, span_text("{}"),
					      span_of(NULL, 0)),
		     WSB_OK);
	cr_assert_eq(scene.one->own_len, 0);
	end(&scene);
}

Test(subscription, tries_ever_more_rarely)
{
	struct rng rng;

	rng_init(&rng, 5);
	for (uint32_t i = 0; i < 100; i++) {
		cr_assert_leq(subscription_retry_us(0, &rng), 100000);
		cr_assert_leq(subscription_retry_us(3, &rng), 800000);
		cr_assert_leq(subscription_retry_us(1000, &rng), 30000000);
		cr_assert_gt(subscription_retry_us(i, &rng), 0);
	}
}
