#include "broker/journal/script.h"

#include <inttypes.h>
#include <stdio.h>

/* A day: for so long Redis remembers what a broker that went silent had sent last. */
#define SOURCE_SECONDS "86400"

/* The first 11 arguments are those of log(): KEYS 1 to 3 are epoch, counter and stream. Numbers are
 * written by hand, since Lua's own way turns large ones into 1e+15. */
#define LUA_LOG                                                                                    \
	"local function log(position, at)\n"                                                       \
	"  local json = ARGV[at]..'\"'..position..'\"'..ARGV[at + 1]\n"                            \
	"  local added = redis.pcall('XADD', KEYS[3], 'MAXLEN', '~', ARGV[at + 4], position,\n"    \
	"                            'event', json)\n"                                             \
	"  if type(added) == 'table' and added.err then return added.err end\n"                    \
	"  redis.call('PUBLISH', ARGV[at + 5], json)\n"                                            \
	"  redis.call('PUBLISH', ARGV[at + 6], ARGV[at + 2]..string.char(217, #position)..\n"      \
	"             position..ARGV[at + 3])\n"                                                   \
	"end\n"

/* KEYS: epoch, counter, stream, source, inbox. ARGV: number, entry of the inbox, new epoch, then
 * those of log(). Of a source the latest run of numbers without a gap is kept: what lies before it
 * may have been refused, and is rather logged twice than never. The inbox is acknowledged last,
 * when nothing can fail any more; without its group (the data was lost) there is nothing to
 * acknowledge, and the event is logged all the same. */
const char *const script_publish_text = LUA_LOG
	"local number, run = tonumber(ARGV[1]), redis.call('GET', KEYS[4])\n"
	"local first, last, known = string.match(run or '', '^(%d+) (%d+) (.+)$')\n"
	"local early = first and number < tonumber(first)\n"
	"if first and not early and number <= tonumber(last) then return known end\n"
	"if ARGV[2] ~= '' then\n"
	"  local owed = redis.pcall('XPENDING', KEYS[5], '" SCRIPT_GROUP "', ARGV[2], ARGV[2], 1)\n"
	"  if not owed.err and #owed == 0 then return '' end\n"
	"end\n"
	"local epoch, seq = redis.call('GET', KEYS[1]), 1\n"
	"if epoch then seq = (redis.call('GET', KEYS[2]) or 0) + 1\n"
	"else\n"
	"  epoch = ARGV[3]\n"
	"  redis.call('SET', KEYS[1], epoch)\n"
	"  redis.call('DEL', KEYS[3])\n"
	"end\n"
	"local count = string.format('%.0f', seq)\n"
	"local position = epoch..'-'..count\n"
	"local trouble = log(position, 4)\n"
	"if trouble then return redis.error_reply('AHEAD '..trouble) end\n"
	"redis.call('SET', KEYS[2], count)\n"
	"if not early then\n"
	"  if not first or number > tonumber(last) + 1 then first = ARGV[1] end\n"
	"  redis.call('SET', KEYS[4], first..' '..ARGV[1]..' '..position,\n"
	"             'EX', " SOURCE_SECONDS ")\n"
	"end\n"
	"if ARGV[2] ~= '' then\n"
	"  redis.pcall('XACK', KEYS[5], '" SCRIPT_GROUP "', ARGV[2])\n"
	"  redis.pcall('XDEL', KEYS[5], ARGV[2])\n"
	"end\n"
	"return position\n";

/* KEYS: epoch, counter, stream. ARGV: own position. */
static const char look_text[] =
	"local function event(entry)\n"
	"  for i = 1, entry and #entry[2] or 0, 2 do\n"
	"    if entry[2][i] == 'event' then return entry[2][i + 1] end\n"
	"  end\n"
	"  return false\n"
	"end\n"
	"local top = redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1)[1] or false\n"
	"local own = false\n"
	"if ARGV[1] ~= '' then\n"
	"  own = redis.call('XRANGE', KEYS[3], ARGV[1], ARGV[1])[1] or false\n"
	"end\n"
	"return {redis.call('GET', KEYS[1]), redis.call('GET', KEYS[2]), top and top[1],\n"
	"        event(top), event(own)}\n";

/* KEYS: epoch, counter, stream. ARGV: expected, new epoch, then those of log(), of which the first
 * is empty when there is no event. The old entries go: no reader may go on from one of them. */
static const char renumber_text[] =
	LUA_LOG "if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end\n"
		"redis.call('SET', KEYS[1], ARGV[2])\n"
		"redis.call('DEL', KEYS[2], KEYS[3])\n"
		"if ARGV[3] ~= '' then\n"
		"  local trouble = log(ARGV[2]..'-1', 3)\n"
		"  if trouble then return redis.error_reply(trouble) end\n"
		"  redis.call('SET', KEYS[2], '1')\n"
		"end\n"
		"return 1\n";

static void name(struct strbuf *out, const char *prefix, const char *what, const char *more)
{
	strbuf_init(out);
	strbuf_printf(out, "%s:%s%s", prefix, what, more);
}

enum wsb_err script_init(struct script *script, const char *prefix, const char *source,
			 uint32_t log_length)
{
	*script = (struct script){.count = 0};
	name(&script->epoch, prefix, "epoch", "");
	name(&script->counter, prefix, "position", "");
	name(&script->log, prefix, "invalidations:log", "");
	name(&script->source, prefix, "source:", source);
	name(&script->inbox, prefix, "inbox", "");
	name(&script->json_channel, prefix, "invalidations", "");
	name(&script->msgpack_channel, prefix, "invalidations:msgpack", "");
	name(&script->invalidate_channel, prefix, "invalidate", "");
	name(&script->brokers_channel, prefix, "brokers", "");
	name(&script->talk_channel, prefix, "brokers:talk", "");
	snprintf(script->length, sizeof(script->length), "%" PRIu32, log_length);
	return script->epoch.failed || script->counter.failed || script->log.failed ||
			       script->source.failed || script->inbox.failed ||
			       script->json_channel.failed || script->msgpack_channel.failed ||
			       script->invalidate_channel.failed ||
			       script->brokers_channel.failed || script->talk_channel.failed
		       ? WSB_ENOMEM
		       : WSB_OK;
}

void script_fini(struct script *script)
{
	struct strbuf *const buffers[] = {
		&script->epoch,
		&script->counter,
		&script->log,
		&script->source,
		&script->inbox,
		&script->json_channel,
		&script->msgpack_channel,
		&script->invalidate_channel,
		&script->brokers_channel,
		&script->talk_channel,
		&script->json_before,
		&script->json_behind,
		&script->msgpack_before,
		&script->msgpack_behind,
	};

	for (size_t i = 0; i < sizeof(buffers) / sizeof(buffers[0]); i++)
		strbuf_fini(buffers[i]);
}

static void add(struct script *script, struct span word)
{
	script->words[script->count++] = word;
}

static void add_number(struct script *script, char text[24], uint64_t number)
{
	add(script, span_of(text, (size_t)snprintf(text, 24, "%" PRIu64, number)));
}

static void begin(struct script *script, const char *command, struct span text, const char *keys)
{
	script->count = 0;
	add(script, span_text(command));
	add(script, text);
	add(script, span_text(keys));
	add(script, strbuf_span(&script->epoch));
	add(script, strbuf_span(&script->counter));
	add(script, strbuf_span(&script->log));
}

static enum wsb_err write_around(enum encoding encoding, const struct event *event,
				 struct strbuf *before, struct strbuf *behind)
{
	strbuf_clear(before);
	strbuf_clear(behind);
	return event_write_around(encoding, event, before, behind);
}

/* The arguments of log(). */
static enum wsb_err add_event(struct script *script, const struct event *event)
{
	enum wsb_err err =
		write_around(ENCODING_JSON, event, &script->json_before, &script->json_behind);

	if (!err)
		err = write_around(ENCODING_MSGPACK, event, &script->msgpack_before,
				   &script->msgpack_behind);
	add(script, strbuf_span(&script->json_before));
	add(script, strbuf_span(&script->json_behind));
	add(script, strbuf_span(&script->msgpack_before));
	add(script, strbuf_span(&script->msgpack_behind));
	add(script, span_text(script->length));
	add(script, strbuf_span(&script->json_channel));
	add(script, strbuf_span(&script->msgpack_channel));
	return err;
}

enum wsb_err script_publish(struct script *script, struct span hash, const struct event *event,
			    uint64_t number, struct span inbox_entry, uint64_t epoch)
{
	if (hash.at)
		begin(script, "EVALSHA", hash, "5");
	else
		begin(script, "EVAL", span_text(script_publish_text), "5");
	add(script, strbuf_span(&script->source));
	add(script, strbuf_span(&script->inbox));
	add_number(script, script->number, number);
	add(script, inbox_entry.at ? inbox_entry : span_text(""));
	add_number(script, script->epoch_text, epoch);
	return add_event(script, event);
}

void script_look(struct script *script, struct position own)
{
	size_t len = position_is_set(own) ? position_write(own, script->position) : 0;

	begin(script, "EVAL", span_text(look_text), "3");
	add(script, span_of(script->position, len));
}

enum wsb_err script_renumber(struct script *script, struct span expected, uint64_t epoch,
			     const struct event *event)
{
	begin(script, "EVAL", span_text(renumber_text), "3");
	add(script, expected.at ? expected : span_text(""));
	add_number(script, script->epoch_text, epoch);
	if (event)
		return add_event(script, event);
	add(script, span_text(""));
	return WSB_OK;
}
