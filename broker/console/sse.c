#include "broker/console/sse.h"

#include <stdio.h>

void sse_init(struct sse *sse, bool (*event)(void *context, struct span data), void *context)
{
	*sse = (struct sse){.event = event, .context = context};
	strbuf_init(&sse->line);
	strbuf_init(&sse->data);
}

void sse_fini(struct sse *sse)
{
	strbuf_fini(&sse->line);
	strbuf_fini(&sse->data);
}

void sse_restart(struct sse *sse)
{
	strbuf_clear(&sse->line);
	strbuf_clear(&sse->data);
	snprintf(sse->next_id, sizeof(sse->next_id), "%s", sse->id);
}

/* A blank line ends an event; one without data is none. */
static bool end_event(struct sse *sse)
{
	struct span data = strbuf_span(&sse->data);
	bool goes_on = true;

	snprintf(sse->id, sizeof(sse->id), "%s", sse->next_id);
	if (data.len > 0)
		goes_on = sse->event(sse->context, span_of(data.at, data.len - 1));
	strbuf_clear(&sse->data);
	return goes_on;
}

/* What follows "NAME:", without the one space that may stand there; absent: another field. */
static struct span value_of(struct span line, const char *name)
{
	size_t len = strlen(name);

	if (!span_begins(line, name) || line.len <= len || line.at[len] != ':')
		return span_of(NULL, 0);
	len += line.len > len + 1 && line.at[len + 1] == ' ' ? 2 : 1;
	return span_of(line.at + len, line.len - len);
}

static bool take_line(struct sse *sse, struct span line)
{
	struct span value;

	if (line.len > 0 && line.at[line.len - 1] == '\r')
		line.len--;
	if (line.len == 0)
		return end_event(sse);
	value = value_of(line, "id");
	if (value.at && value.len < sizeof(sse->next_id)) {
		memcpy(sse->next_id, value.at, value.len);
		sse->next_id[value.len] = '\0';
	}
	value = value_of(line, "data");
	if (value.at) {
		strbuf_add(&sse->data, value);
		strbuf_text(&sse->data, "\n");
	}
	return !sse->data.failed;
}

bool sse_take(struct sse *sse, struct span piece)
{
	while (piece.len > 0) {
		const char *end = memchr(piece.at, '\n', piece.len);
		size_t len = end ? (size_t)(end - piece.at) : piece.len;
		bool goes_on;

		strbuf_add(&sse->line, span_of(piece.at, len));
		if (!end)
			break;
		goes_on = take_line(sse, strbuf_span(&sse->line));
		strbuf_clear(&sse->line);
		if (!goes_on)
			return false;
		piece = span_of(end + 1, piece.len - len - 1);
	}
	return !sse->line.failed;
}
