#include "broker/admin/answer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "common/clock.h"
#include "common/escape.h"
#include "common/http_status.h"

#define DETAIL_MAX 512

/* 15 digits print each number of microseconds as it was. */
#define DUMP_FLAGS (JSON_INDENT(2) | JSON_REAL_PRECISION(15))

static int add_dumped(const char *bytes, size_t size, void *context)
{
	strbuf_add(context, span_of(bytes, size));
	return 0;
}

/* Takes the reference. False: memory ran out. */
static bool dump(struct admin_response *response, json_t *value)
{
	int dumped =
		value ? json_dump_callback(value, add_dumped, &response->body, DUMP_FLAGS) : -1;

	json_decref(value);
	strbuf_text(&response->body, "\n");
	return dumped == 0 && !response->body.failed;
}

void answer_json(struct admin_response *response, int status, json_t *value)
{
	response->status = status;
	response->content_type = "application/json";
	if (!dump(response, value))
		answer_no_memory(response);
}

void answer_problem(struct admin_response *response, int status, const char *detail)
{
	response->status = status;
	response->content_type = "application/problem+json";
	if (!dump(response, json_pack("{s:s, s:s, s:i, s:o}", "type", "about:blank", "title",
				      http_status_text(status), "status", status, "detail",
				      answer_text(detail))))
		answer_no_memory(response);
}

void answer_problemf(struct admin_response *response, int status, const char *format, ...)
{
	char detail[DETAIL_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(detail, sizeof(detail), format, args);
	va_end(args);
	answer_problem(response, status, detail);
}

static json_t *answer_span(struct span rest)
{
	struct strbuf clean;
	json_t *value;

	strbuf_init(&clean);
	while (rest.len > 0) {
		size_t len = utf8_sequence_len(rest);
		size_t taken = len > 0 ? len : 1;

		strbuf_add(&clean, len > 0 ? span_of(rest.at, len) : span_text("\xef\xbf\xbd"));
		rest = span_of(rest.at + taken, rest.len - taken);
	}
	value = clean.failed ? NULL : json_stringn(clean.text, clean.len);
	strbuf_fini(&clean);
	return value;
}

json_t *answer_lines(struct span text)
{
	json_t *array = json_array();

	while (text.len > 0) {
		const char *end = memchr(text.at, '\n', text.len);
		struct span line = span_of(text.at, end ? (size_t)(end - text.at) : text.len);
		size_t taken = line.len + (end ? 1 : 0);

		if (line.len > 0)
			json_array_append_new(array, answer_span(line));
		text = span_of(text.at + taken, text.len - taken);
	}
	return array;
}

void answer_problems(struct admin_response *response, int status, struct span lines)
{
	json_t *errors = answer_lines(lines);
	size_t count = json_array_size(errors);
	char sentence[64];
	const char *detail = json_string_value(json_array_get(errors, 0));

	snprintf(sentence, sizeof(sentence), "Nothing was changed: %zu errors.", count);
	response->status = status;
	response->content_type = "application/problem+json";
	if (!dump(response, json_pack("{s:s, s:s, s:i, s:s, s:o}", "type", "about:blank", "title",
				      http_status_text(status), "status", status, "detail",
				      count == 1 && detail ? detail : sentence, "errors", errors)))
		answer_no_memory(response);
}

/* This text needs no memory to speak of. */
void answer_no_memory(struct admin_response *response)
{
	strbuf_clear(&response->body);
	strbuf_text(&response->body, "{\"title\": \"Internal Server Error\", \"status\": 500}\n");
	response->status = 500;
	response->content_type = "application/problem+json";
}

json_t *answer_text(const char *text)
{
	return text && text[0] ? answer_span(span_text(text)) : json_null();
}

json_t *answer_time(uint64_t wall_us)
{
	char text[CLOCK_TEXT_MAX];

	if (wall_us == 0)
		return json_null();
	clock_text(wall_us, text);
	return json_string(text);
}
