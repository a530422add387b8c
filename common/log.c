#include "common/log.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include "common/clock.h"
#include "common/escape.h"
#include "common/map.h"

#define LINE_MAX_BYTES	 4096
#define LINE_TAIL_BYTES	 48 /* kept free for suppressed=N and the closing brace */
#define VALUE_MAX_BYTES	 1024
#define NUMBER_MAX_BYTES 32
#define ELLIPSIS	 "\xe2\x80\xa6"
#define ELLIPSIS_BYTES	 3

/* One line in the making. Nothing is written past limit; a field that would be is left out. */
struct line {
	enum log_format format;
	size_t len;
	size_t limit;
	char text[LINE_MAX_BYTES];
};

void log_init(struct log *log, enum log_level level, enum log_format format,
	      void (*sink)(void *context, enum log_level level, struct span line), void *context,
	      uint64_t (*wall_us)(void))
{
	*log = (struct log){
		.level = level,
		.format = format,
		.sink = sink,
		.context = context,
		.wall_us = wall_us,
	};
}

static const char *level_text(enum log_level level)
{
	switch (level) {
	case LOG_DEBUG:
		return "debug";
	case LOG_INFO:
		return "info";
	case LOG_WARN:
		return "warn";
	case LOG_ERROR:
		return "error";
	}
	return "unknown";
}

static bool line_has_room(const struct line *line, size_t len)
{
	return len <= line->limit - line->len;
}

static void line_add(struct line *line, const char *bytes, size_t len)
{
	memcpy(line->text + line->len, bytes, len);
	line->len += len;
}

/* Writes the key and what joins it to its value; false when that and a little value do not fit. */
static bool line_add_key(struct line *line, const char *key)
{
	size_t len = strlen(key);
	bool first = line->len == 0;

	if (!line_has_room(line, len + 5 + NUMBER_MAX_BYTES))
		return false;
	if (line->format == LOG_JSON) {
		line_add(line, first ? "{\"" : ",\"", 2);
		line_add(line, key, len);
		line_add(line, "\":", 2);
	} else {
		line_add(line, " ", first ? 0 : 1);
		line_add(line, key, len);
		line_add(line, "=", 1);
	}
	return true;
}

static bool needs_quotes(struct span value)
{
	if (value.len == 0)
		return true;
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.at[i];

		if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7f || c == 0xc2)
			return true;
	}
	return false;
}

/* Escaped alike in both formats, so that no value can end its line or steer a terminal. */
static void line_add_value(struct line *line, struct span value)
{
	bool quoted = line->format == LOG_JSON || needs_quotes(value);
	size_t start = line->len;
	char unit[ESCAPE_UNIT_MAX];

	line_add(line, "\"", quoted);
	while (value.len > 0) {
		size_t len = escape_next(&value, unit);

		if (!line_has_room(line, len + ELLIPSIS_BYTES + 1) ||
		    line->len - start + len > VALUE_MAX_BYTES) {
			line_add(line, ELLIPSIS, ELLIPSIS_BYTES);
			break;
		}
		line_add(line, unit, len);
	}
	line_add(line, "\"", quoted);
}

static void line_add_number(struct line *line, const char *key, int64_t number)
{
	char text[NUMBER_MAX_BYTES];
	int len = snprintf(text, sizeof(text), "%" PRId64, number);

	if (line_add_key(line, key))
		line_add(line, text, (size_t)len);
}

static void line_add_real(struct line *line, const char *key, double real)
{
	char text[NUMBER_MAX_BYTES];
	int len = snprintf(text, sizeof(text), "%.6g", real);

	if (line->format == LOG_JSON && !isfinite(real))
		len = snprintf(text, sizeof(text), "null");
	if (line_add_key(line, key))
		line_add(line, text, (size_t)len);
}

static void line_add_text(struct line *line, const char *key, struct span text)
{
	if (line_add_key(line, key))
		line_add_value(line, text);
}

static void line_add_field(struct line *line, const struct log_field *field)
{
	switch (field->kind) {
	case LOG_FIELD_TEXT:
		line_add_text(line, field->key, field->text);
		break;
	case LOG_FIELD_NUMBER:
		line_add_number(line, field->key, field->number);
		break;
	case LOG_FIELD_REAL:
		line_add_real(line, field->key, field->real);
		break;
	}
}

/* The count that belongs to the event id; when it has none yet, the one used longest ago. */
static struct log_repeat *find_repeat(struct log *log, uint32_t hash)
{
	struct log_repeat *oldest = &log->repeats[0];

	for (size_t i = 0; i < sizeof(log->repeats) / sizeof(log->repeats[0]); i++) {
		struct log_repeat *repeat = &log->repeats[i];

		if (repeat->hash == hash)
			return repeat;
		if (repeat->second < oldest->second)
			oldest = repeat;
	}
	*oldest = (struct log_repeat){.hash = hash};
	return oldest;
}

/* Whether the line is to be printed; *suppressed is how many like it were not since the last. */
static bool pass_repeats(struct log *log, const char *event, uint64_t wall_us, uint32_t *suppressed)
{
	uint64_t second = wall_us / US_PER_S;
	struct log_repeat *repeat = find_repeat(log, (uint32_t)hash_bytes(span_text(event), 0));

	if (repeat->second != second) {
		repeat->second = second;
		repeat->printed = 0;
	}
	if (repeat->printed >= LOG_BURST) {
		repeat->suppressed++;
		return false;
	}
	repeat->printed++;
	*suppressed = repeat->suppressed;
	repeat->suppressed = 0;
	return true;
}

static void write_line(struct log *log, enum log_level level, const char *event, uint64_t wall_us,
		       uint32_t suppressed, const struct log_field *fields, size_t count)
{
	struct line line;
	char stamp[CLOCK_TEXT_MAX];

	line.format = log->format;
	line.len = 0;
	line.limit = LINE_MAX_BYTES - LINE_TAIL_BYTES;
	if (log->wall_us) {
		clock_text(wall_us, stamp);
		line_add_text(&line, "ts", span_text(stamp));
	}
	line_add_text(&line, "level", span_text(level_text(level)));
	line_add_text(&line, "event", span_text(event));
	for (size_t i = 0; i < count; i++)
		line_add_field(&line, &fields[i]);
	line.limit = LINE_MAX_BYTES - 1;
	if (suppressed > 0)
		line_add_number(&line, "suppressed", suppressed);
	line_add(&line, "}", line.format == LOG_JSON);
	log->sink(log->context, level, span_of(line.text, line.len));
}

void log_write(struct log *log, enum log_level level, const char *event,
	       const struct log_field *fields, size_t count)
{
	uint32_t suppressed = 0;
	uint64_t wall_us = 0;

	if (!log_wants(log, level) || !log->sink)
		return;
	if (log->wall_us) {
		wall_us = log->wall_us();
		if (!pass_repeats(log, event, wall_us, &suppressed))
			return;
	}
	write_line(log, level, event, wall_us, suppressed, fields, count);
}

void log_write_each(struct log *log, enum log_level level, const char *event,
		    const struct log_field *fields, size_t count)
{
	if (!log_wants(log, level) || !log->sink)
		return;
	write_line(log, level, event, log->wall_us ? log->wall_us() : 0, 0, fields, count);
}
