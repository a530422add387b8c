/* Whatever Redis answers, on whichever connection and in whatever pieces: the bus survives it, and
 * what it hands on of the log is in order or is told to have a hole before it.
 *
 * The input is a run of records, each ended by a NUL. C, T, I and H: the rest of the record is what
 * comes on the commands, the tail, the inbox or the channel. p: an own event. t: half a second. x:
 * the connection of the next letter is lost. */
#include "broker/io/redis_reply.h"
#include "broker/journal/bus.h"
#include "tests/fuzz/fuzz.h"

struct outside {
	struct bus *bus;
	struct bus_settings settings;
	struct bus_url urls[2];
	redisReader *readers[BUS_LINKS]; /* NULL: closed */
	bool opening[BUS_LINKS];
	struct position told; /* up to where the reader knows all, or was told that it does not */
	uint64_t now_us;
};

static void on_open(void *context, enum bus_link link, const struct bus_url *url)
{
	struct outside *outside = context;

	must(!outside->readers[link] && !outside->opening[link]);
	must(url == &outside->urls[0] || url == &outside->urls[1]);
	outside->opening[link] = true;
}

static void on_close(void *context, enum bus_link link)
{
	struct outside *outside = context;

	if (outside->readers[link])
		redisReaderFree(outside->readers[link]);
	outside->readers[link] = NULL;
	outside->opening[link] = false;
}

static void on_send(void *context, enum bus_link link, const struct span *words, size_t count)
{
	must(((struct outside *)context)->readers[link]);
	must(count > 0);
	for (size_t i = 0; i < count; i++)
		must(words[i].at);
}

static void on_arrived(void *context, const struct event *event, uint64_t now_us)
{
	struct outside *outside = context;

	(void)now_us;
	must(event->position.epoch == outside->told.epoch);
	must(event->position.seq == outside->told.seq + 1);
	outside->told = event->position;
}

static bool on_past(void *context, const struct event *event)
{
	(void)context;
	return event->position.seq % 100 != 0;
}

static void on_resync(void *context, const char *why, struct position at, uint64_t now_us)
{
	(void)now_us;
	must(why[0]);
	((struct outside *)context)->told = at;
}

static void publish(struct outside *outside, const struct invalidation *what)
{
	const struct event event = {.source = span_text("/wsbroker/a/1"),
				    .id = span_text("own"),
				    .what = *what,
				    .cause = span_text("inbox")};

	if (bus_publish(outside->bus, &event))
		return;
	must(bus_queued(outside->bus) > 0);
}

static void on_asked(void *context, const struct invalidation *what, uint64_t now_us)
{
	(void)now_us;
	publish(context, what);
}

static void on_heard(void *context, const struct invalidation *what, uint64_t now_us)
{
	(void)context;
	(void)now_us;
	must(what->all || what->tag_count + what->key_count + what->method_count > 0);
}

static void on_odd(void *context, const char *where, const char *why)
{
	(void)context;
	must(where[0] && why[0]);
}

static void on_changed(void *context, const struct bus_change *change, uint64_t now_us)
{
	(void)context;
	(void)now_us;
	must(change->from < BUS_STATES && change->to < BUS_STATES && change->detail);
}

static void on_refused(void *context, enum bus_part part, const char *words, uint64_t now_us)
{
	(void)context;
	(void)now_us;
	must(part < BUS_PARTS && words);
}

static uint64_t on_wall(void *context)
{
	(void)context;
	return UINT64_C(1700000000000000);
}

static uint64_t on_clients(void *context)
{
	(void)context;
	return 1;
}

/* Whoever is being waited for opens at once. */
static void pass(struct outside *outside, uint64_t us)
{
	outside->now_us += us;
	bus_turn(outside->bus, outside->now_us);
	bus_tick(outside->bus, outside->now_us);
	for (size_t i = 0; i < BUS_LINKS; i++) {
		if (!outside->opening[i])
			continue;
		outside->opening[i] = false;
		outside->readers[i] = redis_reply_reader();
		must(outside->readers[i]);
		bus_opened(outside->bus, (enum bus_link)i, outside->now_us);
	}
}

static void feed(struct outside *outside, enum bus_link link, struct span bytes)
{
	redisReader *reader = outside->readers[link];
	void *value = NULL;

	if (!reader)
		return;
	must(redisReaderFeed(reader, bytes.at, bytes.len) == REDIS_OK);
	while (outside->readers[link] == reader) {
		if (redisReaderGetReply(reader, &value)) {
			on_close(outside, link);
			bus_lost(outside->bus, link, "protocol", "", outside->now_us);
			return;
		}
		if (!value)
			return;
		bus_replied(outside->bus, link, value, outside->now_us);
		redis_reply_free(value);
	}
}

static void lose(struct outside *outside, enum bus_link link)
{
	if (!outside->readers[link])
		return;
	on_close(outside, link);
	bus_lost(outside->bus, link, "eof", "", outside->now_us);
}

static void take(struct outside *outside, struct span record)
{
	static const char names[] = "CTIH";
	static const struct span tag = {"t", 1};
	const char *name = record.len ? memchr(names, record.at[0], 4) : NULL;

	if (name)
		feed(outside, (enum bus_link)(name - names),
		     span_of(record.at + 1, record.len - 1));
	else if (record.len && record.at[0] == 'p')
		publish(outside, &(struct invalidation){.tags = &tag, .tag_count = 1});
	else if (record.len > 1 && record.at[0] == 'x' && memchr(names, record.at[1], 4))
		lose(outside,
		     (enum bus_link)((const char *)memchr(names, record.at[1], 4) - names));
	pass(outside, record.len && record.at[0] == 't' ? 500000 : 1000);
}

/* What is shown of it at any time. */
static void check(struct outside *outside)
{
	const struct bus *bus = outside->bus;
	struct strbuf behind;

	must(bus_state(bus, outside->now_us) < BUS_STATES);
	must(bus_place(bus) && bus_user(bus) && bus_detail(bus));
	must(!position_before(bus_top(bus), bus_position(bus)));
	must(!bus_is_sending(bus) || bus_queued(bus) > 0);
	strbuf_init(&behind);
	must(bus_is_applied(outside->bus, bus_ticket(bus), &behind, outside->now_us) ==
	     (behind.len == 0));
	strbuf_fini(&behind);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outside outside = {
		.urls = {{.label = "a", .host = "a"},
			 {.label = "b", .host = "b", .password = "p", .database = 1}},
		.now_us = 1000000};
	const struct bus_ports ports = {&outside,   on_open,	on_close, on_send,   on_arrived,
					on_past,    on_resync,	on_asked, on_heard,  on_odd,
					on_changed, on_refused, on_wall,  on_clients};
	const char *at = (const char *)data;
	const char *end = at + size;

	outside.settings = (struct bus_settings){
		.urls = outside.urls, .url_count = 2, .prefix = "{t}", .log_length = 100};
	must(bus_create(&outside.bus, &outside.settings, &ports, "a", "1", "/wsbroker/a/1", 1,
			outside.now_us) == WSB_OK);
	pass(&outside, 1000);
	while (at < end) {
		const char *stop = memchr(at, 0, (size_t)(end - at));
		struct span record = span_of(at, (size_t)((stop ? stop : end) - at));

		take(&outside, record);
		check(&outside);
		at = stop ? stop + 1 : end;
	}
	bus_leave(outside.bus, outside.now_us);
	for (size_t i = 0; i < BUS_LINKS; i++)
		on_close(&outside, (enum bus_link)i);
	bus_destroy(outside.bus);
	return 0;
}
