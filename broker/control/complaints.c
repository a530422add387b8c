#include "broker/control/complaints.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "common/escape.h"

#define COMPLAINT_BYTES 512
#define QUOTE_BYTES	40

void complaints_init(struct complaints *complaints, struct arena *arena)
{
	complaints->arena = arena;
	complaints->count = 0;
}

void complain(struct complaints *complaints, struct place place, const char *format, ...)
{
	size_t order = complaints->count++;
	char text[COMPLAINT_BYTES];
	va_list args;

	if (order >= COMPLAINTS_MAX)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	for (char *c = text; *c; c++) {
		if ((unsigned char)*c < ' ')
			*c = ' '; /* one complaint is one line, whatever it quotes */
	}
	complaints->list[order] = (struct complaint){
		.place = place,
		.order = order,
		.text = arena_text(complaints->arena, span_text(text)),
	};
}

static int compare_places(struct place a, struct place b)
{
	if (a.line != b.line)
		return a.line < b.line ? -1 : 1;
	if (a.column != b.column)
		return a.column < b.column ? -1 : 1;
	return 0;
}

static int compare_complaints(const void *left, const void *right)
{
	const struct complaint *a = left;
	const struct complaint *b = right;
	int order = compare_places(a->place, b->place);

	return order != 0 ? order : a->order < b->order ? -1 : 1;
}

bool complaints_within(const struct complaints *complaints, struct place from, struct place to)
{
	for (size_t i = 0; i < complaints->count && i < COMPLAINTS_MAX; i++) {
		struct place place = complaints->list[i].place;

		if (compare_places(place, from) >= 0 && compare_places(place, to) < 0)
			return true;
	}
	return false;
}

void complaints_write(struct complaints *complaints, const char *file, struct strbuf *out)
{
	size_t kept = complaints->count < COMPLAINTS_MAX ? complaints->count : COMPLAINTS_MAX;

	qsort(complaints->list, kept, sizeof(complaints->list[0]), compare_complaints);
	for (size_t i = 0; i < kept; i++) {
		const struct complaint *complaint = &complaints->list[i];

		if (complaint->place.line > 0)
			strbuf_printf(out, "%s:%zu:%zu: ", file, complaint->place.line,
				      complaint->place.column);
		strbuf_printf(out, "%s\n", complaint->text ? complaint->text : "out of memory");
	}
	if (complaints->count > kept)
		strbuf_printf(out, "%s: %zu more errors\n", file ? file : "wsbroker",
			      complaints->count - kept);
}

void complaints_quote(struct strbuf *out, struct span text)
{
	char unit[ESCAPE_UNIT_MAX];
	size_t begin = out->len;

	strbuf_text(out, "\"");
	while (text.len > 0 && out->len - begin < QUOTE_BYTES && !out->failed)
		strbuf_add(out, span_of(unit, escape_next(&text, unit)));
	strbuf_text(out, text.len > 0 ? "…\"" : "\"");
}
