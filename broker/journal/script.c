#include "broker/journal/script.h"

#include <inttypes.h>
#include <stdio.h>

/* A day: for so long Redis remembers what a broker that went silent had sent last. */
#define SOURCE_SECONDS "86400"

/* What every script that logs begins with. KEYS 1 to 3 are epoch, counter and stream; ARGV 2 to 5 a
 * new epoch, the length of the stream and the channels; from 6 on five for each event: its entry of
 * the inbox, and both texts, before and behind the position. The stream is cut by the first event
 * of a script. Whom Redis lets log but not publish is heard by brokers, and by no script. Numbers
 * are written by hand, since Lua's own way turns large ones into 1e+15. */
#define LUA_LOG                                                                                    \
	"local mute = ''\n"                                                                        \
	"local function tell(channel, text)\n"                                                     \
	"  local told = redis.pcall('PUBLISH', channel, text)\n"                                   \
	"  if type(told) == 'table' then mute = told.err end\n"                                    \
	"end\n"                                                                                    \
	"local function log(position, at, is_first)\n"                                             \
	"  local json, added = ARGV[at + 1]..'\"'..position..'\"'..ARGV[at + 2]\n"                 \
	"  if is_first then\n"                                                                     \
	"    added = redis.pcall('XADD', KEYS[3], 'MAXLEN', '~', ARGV[3], position,\n"             \
	"                        'event', json)\n"                                                 \
	"  else\n"                                                                                 \
	"    added = redis.pcall('XADD', KEYS[3], position, 'event', json)\n"                      \
	"  end\n"                                                                                  \
	"  if type(added) == 'table' then return added.err end\n"                                  \
	"  tell(ARGV[4], json)\n"                                                                  \
	"  tell(ARGV[5], ARGV[at + 3]..string.char(217, #position)..position..ARGV[at + 4])\n"     \
	"end\n"

/* KEYS 4 and 5: source, inbox. ARGV 1: the number of the first event; those of the others follow.
 * Of a source the latest run of numbers without a gap is kept: what lies before it may have been
 * refused, and is rather logged twice than never. What was logged before one was refused stays so,
 * and is told. The inbox is acknowledged behind what can fail; without its group (the data was
 * lost) there is nothing to acknowledge, and the event is logged all the same. */
const char *const script_publish_text = LUA_LOG
	"local run = redis.call('GET', KEYS[4])\n"
	"local first, last, known = string.match(run or '', '^(%d+) (%d+) (.+)$')\n"
	"first, last = tonumber(first), tonumber(last)\n"
	"local number, settled, logged, added = tonumber(ARGV[1]), 0, 0, 0\n"
	"local epoch, seq, place, trouble\n"
	"local function begin()\n"
	"  epoch, seq = redis.call('GET', KEYS[1]), 0\n"
	"  if epoch then seq = (redis.call('GET', KEYS[2]) or 0) + 0\n"
	"  else\n"
	"    epoch = ARGV[2]\n"
	"    redis.call('SET', KEYS[1], epoch)\n"
	"    redis.call('DEL', KEYS[3])\n"
	"  end\n"
	"end\n"
	"local function is_owed(entry)\n"
	"  local owed = redis.pcall('XPENDING', KEYS[5], '" SCRIPT_GROUP "', entry, entry, 1)\n"
	"  return owed.err or #owed > 0\n"
	"end\n"
	"for at = 6, #ARGV, 5 do\n"
	"  local entry, early = ARGV[at], first and number < first\n"
	"  if first and not early and number <= last then\n"
	"    logged, place = logged + 1, place or known\n"
	"  elseif entry == '' or is_owed(entry) then\n"
	"    if not epoch then begin() end\n"
	"    local position = epoch..'-'..string.format('%.0f', seq + 1)\n"
	"    trouble = log(position, at, added == 0)\n"
	"    if trouble then break end\n"
	"    seq, added, logged, place = seq + 1, added + 1, logged + 1, position\n"
	"    if not early then\n"
	"      if not first or number > last + 1 then first = number end\n"
	"      last, known = number, position\n"
	"    end\n"
	"    if entry ~= '' then\n"
	"      redis.pcall('XACK', KEYS[5], '" SCRIPT_GROUP "', entry)\n"
	"      redis.pcall('XDEL', KEYS[5], entry)\n"
	"    end\n"
	"  end\n"
	"  settled, number = settled + 1, number + 1\n"
	"end\n"
	"if added > 0 then\n"
	"  redis.call('SET', KEYS[2], string.format('%.0f', seq))\n"
	"  redis.call('SET', KEYS[4], string.format('%.0f %.0f %s', first, last, known),\n"
	"             'EX', " SOURCE_SECONDS ")\n"
	"end\n"
	"return {settled, logged, place or '', trouble or '', mute}\n";

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

/* ARGV 1: the expected epoch; no event is one way to call it. The old entries go: no reader may go
 * on from one of them. */
static const char renumber_text[] =
	LUA_LOG "if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end\n"
		"redis.call('SET', KEYS[1], ARGV[2])\n"
		"redis.call('DEL', KEYS[2], KEYS[3])\n"
		"if ARGV[6] then\n"
		"  local trouble = log(ARGV[2]..'-1', 6, true)\n"
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
	strbuf_init(&script->texts);
	script_set_length(script, log_length);
	return script->epoch.failed || script->counter.failed || script->log.failed ||
			       script->source.failed || script->inbox.failed ||
			       script->json_channel.failed || script->msgpack_channel.failed ||
			       script->invalidate_channel.failed ||
			       script->brokers_channel.failed || script->talk_channel.failed
		       ? WSB_ENOMEM
		       : WSB_OK;
}

void script_set_length(struct script *script, uint32_t log_length)
{
	snprintf(script->length, sizeof(script->length), "%" PRIu32, log_length);
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
		&script->texts,
	};

	for (size_t i = 0; i < sizeof(buffers) / sizeof(buffers[0]); i++)
		strbuf_fini(buffers[i]);
}

static void add(struct script *script, struct span word)
{
	script->words[script->count++] = word;
}

static struct span number_text(char text[24], uint64_t number)
{
	return span_of(text, (size_t)snprintf(text, 24, "%" PRIu64, number));
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

/* ARGV 1 to 5 of a script that logs. */
static void add_terms(struct script *script, struct span first, uint64_t epoch)
{
	strbuf_clear(&script->texts);
	script->events = 0;
	add(script, first);
	add(script, number_text(script->epoch_text, epoch));
	add(script, span_text(script->length));
	add(script, strbuf_span(&script->json_channel));
	add(script, strbuf_span(&script->msgpack_channel));
}

/* One text in two words, whose lengths alone are known so far: the next may move it. */
static enum wsb_err add_around(struct script *script, enum encoding encoding,
			       const struct event *event)
{
	const size_t start = script->texts.len;
	size_t gap;
	enum wsb_err err = event_write_around(encoding, event, &script->texts, &gap);

	if (err)
		return err;
	add(script, span_of(NULL, gap - start));
	add(script, span_of(NULL, script->texts.len - gap));
	return WSB_OK;
}

enum wsb_err script_add(struct script *script, const struct event *event, struct span inbox_entry)
{
	const size_t count = script->count;
	const size_t len = script->texts.len;
	enum wsb_err err;

	add(script, inbox_entry.at ? inbox_entry : span_text(""));
	err = add_around(script, ENCODING_JSON, event);
	if (!err)
		err = add_around(script, ENCODING_MSGPACK, event);
	if (err) {
		script->count = count;
		script->texts.len = len;
		return err;
	}
	script->events++;
	return WSB_OK;
}

bool script_is_full(const struct script *script)
{
	return script->events == SCRIPT_EVENTS_MAX || script->texts.len >= SCRIPT_BYTES_MAX;
}

void script_end(struct script *script)
{
	const char *at = script->texts.text;

	for (size_t i = 0; i < script->count; i++) {
		struct span *word = &script->words[i];

		if (word->at)
			continue;
		word->at = at;
		at += word->len;
	}
}

void script_publish(struct script *script, struct span hash, uint64_t number, uint64_t epoch)
{
	if (hash.at)
		begin(script, "EVALSHA", hash, "5");
	else
		begin(script, "EVAL", span_text(script_publish_text), "5");
	add(script, strbuf_span(&script->source));
	add(script, strbuf_span(&script->inbox));
	add_terms(script, number_text(script->number, number), epoch);
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
	enum wsb_err err;

	begin(script, "EVAL", span_text(renumber_text), "3");
	add_terms(script, expected.at ? expected : span_text(""), epoch);
	if (!event)
		return WSB_OK;
	err = script_add(script, event, (struct span){0});
	script_end(script);
	return err;
}
