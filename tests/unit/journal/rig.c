#include "rig.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "proto/event.h"

static void append(char *to, const char *format, ...)
{
	size_t len = strlen(to);
	va_list args;

	va_start(args, format);
	vsnprintf(to + len, RIG_TEXT_MAX - len, format, args);
	va_end(args);
}

static const char *const link_names[] = {"commands", "tail", "inbox", "hearing"};

static void on_open(void *context, enum bus_link link, const struct bus_url *url)
{
	struct rig *rig = context;

	cr_assert_not(rig->open[link], "%s is open already", link_names[link]);
	rig->open[link] = true;
	rig->dialled = (size_t)(url - rig->urls);
	append(rig->told, "open %s\n", link_names[link]);
}

static void on_close(void *context, enum bus_link link)
{
	struct rig *rig = context;

	rig->open[link] = false;
}

static void on_send(void *context, enum bus_link link, const struct span *words, size_t count)
{
	struct rig *rig = context;

	for (size_t i = 0; i < count; i++)
		append(rig->said[link], "%.*s ", words[i].len > 2000 ? 8 : (int)words[i].len,
		       words[i].at);
	append(rig->said[link], "\n");
}

static void on_arrived(void *context, const struct event *event, uint64_t now_us)
{
	struct rig *rig = context;
	char at[POSITION_TEXT_MAX];

	(void)now_us;
	position_write(event->position, at);
	append(rig->told, "arrived %s type=%d id=%.*s tag=%.*s\n", at, event->type,
	       (int)event->id.len, event->id.at ? event->id.at : "",
	       event->what.tag_count ? (int)event->what.tags[0].len : 0,
	       event->what.tag_count ? event->what.tags[0].at : "");
}

static bool on_past(void *context, const struct event *event)
{
	struct rig *rig = context;
	char at[POSITION_TEXT_MAX];

	position_write(event->position, at);
	append(rig->told, "past %s type=%d id=%.*s\n", at, event->type, (int)event->id.len,
	       event->id.at ? event->id.at : "");
	return rig->past_room > 0 && --rig->past_room > 0;
}

static void on_resync(void *context, const char *why, struct position at, uint64_t now_us)
{
	struct rig *rig = context;
	char text[POSITION_TEXT_MAX];

	(void)now_us;
	position_write(at, text);
	append(rig->told, "resync %s at %s\n", why, text);
}

static void on_asked(void *context, const struct invalidation *what, uint64_t now_us)
{
	struct rig *rig = context;
	char tag[300] = "";

	(void)now_us;
	for (size_t i = 0; i < what->tag_count; i++)
		append(rig->told, "asked %.*s\n", (int)what->tags[i].len, what->tags[i].at);
	if (what->all)
		append(rig->told, "asked all\n");
	if (what->tag_count)
		snprintf(tag, sizeof(tag), "%.*s", (int)what->tags[0].len, what->tags[0].at);
	if (rig->publishes)
		rig_add(rig, tag);
}

static void on_heard(void *context, const struct invalidation *what, uint64_t now_us)
{
	struct rig *rig = context;

	(void)now_us;
	append(rig->told, "heard %.*s\n", (int)what->tags[0].len, what->tags[0].at);
}

static void on_odd(void *context, const char *where, const char *why)
{
	append(((struct rig *)context)->told, "odd %s: %s\n", where, why);
}

static void on_changed(void *context, const struct bus_change *change, uint64_t now_us)
{
	(void)now_us;
	append(((struct rig *)context)->told, "%s -> %s (%s) %s\n", bus_state_name(change->from),
	       bus_state_name(change->to), change->reason, change->detail);
}

static void on_refused(void *context, enum bus_part part, const char *words, uint64_t now_us)
{
	(void)now_us;
	append(((struct rig *)context)->told, "%s refused: %s\n", bus_part_name(part), words);
}

static uint64_t on_wall(void *context)
{
	(void)context;
	return UINT64_C(2000000000); /* epoch 2000000 */
}

static uint64_t on_clients(void *context)
{
	(void)context;
	return 7;
}

void rig_init(struct rig *rig, size_t urls)
{
	struct bus_ports ports = {rig,	      on_open,	  on_close, on_send,   on_arrived,
				  on_past,    on_resync,  on_asked, on_heard,  on_odd,
				  on_changed, on_refused, on_wall,  on_clients};

	memset(rig, 0, sizeof(*rig));
	rig->urls[0] = (struct bus_url){.label = "first", .host = "127.0.0.1", .port = 1};
	rig->urls[1] = (struct bus_url){.label = "second", .host = "127.0.0.1", .port = 2};
	rig->urls[2] = (struct bus_url){
		.label = "third", .path = "/x", .user = "u", .password = "p", .database = 3};
	rig->settings = (struct bus_settings){
		.urls = rig->urls, .url_count = urls, .prefix = "{t}", .log_length = 1000};
	rig->now_us = 1000000;
	rig->publishes = true;
	cr_assert_eq(bus_create(&rig->bus, &rig->settings, &ports, "node-a", "1.0", "/wsbroker/a/1",
				1, rig->now_us),
		     WSB_OK);
	rig_pass(rig, 10);
}

void rig_fini(struct rig *rig)
{
	bus_destroy(rig->bus);
}

void rig_pass(struct rig *rig, uint64_t ms)
{
	for (; ms >= 10; ms -= 10) {
		rig->now_us += 10000;
		bus_tick(rig->bus, rig->now_us);
	}
}

static struct redis_value *value_of(const json_t *json)
{
	struct redis_value *value = calloc(1, sizeof(*value));
	const char *key = json_object_iter_key(json_object_iter((json_t *)json));
	const json_t *text = key ? json_object_get(json, key) : json;

	if (json_is_array(json)) {
		value->kind = REDIS_ARRAY;
		value->count = json_array_size(json);
		value->items = calloc(value->count + 1, sizeof(*value->items));
		for (size_t i = 0; i < value->count; i++)
			value->items[i] = value_of(json_array_get(json, i));
	} else if (json_is_integer(json)) {
		value->kind = REDIS_INTEGER;
		value->integer = json_integer_value(json);
	} else if (json_is_null(json)) {
		value->kind = REDIS_NIL;
	} else {
		value->kind = !key		       ? REDIS_STRING
			      : strcmp(key, "ok") == 0 ? REDIS_STATUS
						       : REDIS_ERROR;
		value->text = span_of(json_string_value(text), json_string_length(text));
	}
	return value;
}

static void free_value(struct redis_value *value)
{
	for (size_t i = 0; i < value->count; i++)
		free_value(value->items[i]);
	free(value->items);
	free(value);
}

void rig_reply(struct rig *rig, enum bus_link link, const char *json)
{
	json_error_t error;
	json_t *tree = json_loads(json, JSON_DECODE_ANY, &error);
	struct redis_value *value;

	cr_assert(tree, "%s: %s", json, error.text);
	value = value_of(tree);
	bus_replied(rig->bus, link, value, rig->now_us);
	free_value(value);
	json_decref(tree);
}

void rig_meet(struct rig *rig, const char *look)
{
	cr_assert(rig->open[BUS_COMMANDS]);
	bus_opened(rig->bus, BUS_COMMANDS, rig->now_us);
	rig_reply(rig, BUS_COMMANDS, "\"# Replication\\r\\nrole:master\\r\\n\"");
	rig_reply(rig, BUS_COMMANDS, "\"hash\"");
	rig_reply(rig, BUS_COMMANDS, look);
}

void rig_read(struct rig *rig, const char *reading)
{
	rig_pass(rig, 10);
	rig_reply(rig, BUS_COMMANDS, "0"); /* the first heartbeat */
	cr_assert(rig->open[BUS_TAIL]);
	bus_opened(rig->bus, BUS_TAIL, rig->now_us);
	rig_reply(rig, BUS_TAIL, reading);
}

const char *rig_event(const char *position, const char *id, const char *tag)
{
	static char out[2][4096];
	static int which;
	struct strbuf text, quoted;
	struct span tags[] = {span_text(tag)};
	struct event event = {.type = EVENT_INVALIDATED,
			      .source = span_text("/wsbroker/b/1"),
			      .id = span_text(id),
			      .what = {.tags = tags, .tag_count = 1},
			      .cause = span_text("push")};

	cr_assert(position_read(span_text(position), &event.position));
	strbuf_init(&text);
	strbuf_init(&quoted);
	cr_assert_eq(event_write(ENCODING_JSON, &event, &text), WSB_OK);
	strbuf_json(&quoted, strbuf_span(&text));
	which = !which;
	snprintf(out[which], sizeof(out[which]), "%s", quoted.text);
	strbuf_fini(&text);
	strbuf_fini(&quoted);
	return out[which];
}

const char *rig_entry(const char *position, const char *id, const char *tag)
{
	static char out[4][4200];
	static int which;

	which = (which + 1) % 4;
	snprintf(out[which], sizeof(out[which]), "[\"%s\", [\"event\", %s]]", position,
		 rig_event(position, id, tag));
	return out[which];
}

void rig_live(struct rig *rig)
{
	char look[8192];

	snprintf(look, sizeof(look), "[\"1000\", \"5\", \"1000-5\", %s, null]",
		 rig_event("1000-5", "e5", "x"));
	rig_meet(rig, look);
	rig_read(rig, "null");
	cr_assert_eq(bus_state(rig->bus, rig->now_us), BUS_LIVE);
	rig_reply(rig, BUS_COMMANDS, "[]"); /* nothing from before */
	for (size_t i = 0; i < BUS_LINKS; i++)
		rig->said[i][0] = '\0';
	rig->told[0] = '\0';
}

void rig_add(struct rig *rig, const char *tag)
{
	struct span tags[] = {span_text(tag)};
	char id[32];
	struct event event = {.type = EVENT_INVALIDATED,
			      .source = span_text("/wsbroker/a/1"),
			      .what = {.tags = tags, .tag_count = 1},
			      .cause = span_text("admin")};

	snprintf(id, sizeof(id), "own-%llu", (unsigned long long)++rig->ids);
	event.id = span_text(id);
	cr_assert_eq(bus_publish(rig->bus, &event), WSB_OK);
}

void rig_publish(struct rig *rig, const char *tag)
{
	rig_add(rig, tag);
	bus_turn(rig->bus, rig->now_us);
}

void rig_logged(struct rig *rig, unsigned int count, const char *position)
{
	char answer[100];

	snprintf(answer, sizeof(answer), "[%u, %u, \"%s\", \"\", \"\"]", count, count, position);
	rig_reply(rig, BUS_COMMANDS, answer);
}

size_t rig_count(const struct rig *rig, enum bus_link link, const char *text)
{
	size_t count = 0;

	for (const char *at = rig->said[link]; (at = strstr(at, text)); at += strlen(text))
		count++;
	return count;
}

bool rig_said(struct rig *rig, enum bus_link link, const char *text)
{
	bool found = strstr(rig->said[link], text) != NULL;

	rig->said[link][0] = '\0';
	return found;
}

bool rig_told(struct rig *rig, const char *text)
{
	bool found = strstr(rig->told, text) != NULL;

	rig->told[0] = '\0';
	return found;
}
