#include "broker/console/screen.h"

void screen_init(struct screen *screen)
{
	screen->rows = screen->columns = screen->used = 0;
	screen->colourless = false;
	for (size_t i = 0; i < SCREEN_ROWS_MAX; i++)
		strbuf_init(&screen->lines[i].text);
}

void screen_fini(struct screen *screen)
{
	for (size_t i = 0; i < SCREEN_ROWS_MAX; i++)
		strbuf_fini(&screen->lines[i].text);
}

void screen_begin(struct screen *screen, size_t rows, size_t columns)
{
	screen->rows = rows < SCREEN_ROWS_MAX ? rows : SCREEN_ROWS_MAX;
	screen->columns = columns;
	screen->used = 0;
}

size_t screen_left(const struct screen *screen)
{
	return screen->rows - screen->used;
}

/* As many bytes as show this many characters. */
static size_t cut(struct span text, size_t columns)
{
	size_t len = 0;

	while (len < text.len) {
		if (((unsigned char)text.at[len] & 0xc0) != 0x80 && columns-- == 0)
			return len;
		len++;
	}
	return len;
}

void screen_add(struct screen *screen, enum screen_style style, const char *text)
{
	struct screen_line *line;

	if (screen->used == screen->rows)
		return;
	line = &screen->lines[screen->used++];
	line->style = style;
	strbuf_clear(&line->text);
	strbuf_plain(&line->text, span_text(text));
	line->text.len = cut(strbuf_span(&line->text), screen->columns);
	if (line->text.text)
		line->text.text[line->text.len] = '\0';
}

/* What the row shows; an empty line below the last one. */
static struct span text_at(const struct screen *screen, size_t row)
{
	return row < screen->used ? strbuf_span(&screen->lines[row].text) : span_of("", 0);
}

static enum screen_style style_at(const struct screen *screen, size_t row)
{
	return row < screen->used ? screen->lines[row].style : SCREEN_PLAIN;
}

static const char *sequence_of(const struct screen *screen, enum screen_style style)
{
	static const char *const sequences[SCREEN_STYLES] = {
		[SCREEN_PLAIN] = "\033[0m",	 [SCREEN_TITLE] = "\033[0;7m",
		[SCREEN_HEAD] = "\033[0;1m",	 [SCREEN_GOOD] = "\033[0;32m",
		[SCREEN_WARNING] = "\033[0;33m", [SCREEN_BAD] = "\033[0;31m",
		[SCREEN_DIM] = "\033[0;2m",
	};

	if (screen->colourless && style == SCREEN_GOOD)
		style = SCREEN_PLAIN;
	if (screen->colourless && (style == SCREEN_WARNING || style == SCREEN_BAD))
		style = SCREEN_HEAD;
	return sequences[style];
}

void screen_paint(const struct screen *screen, const struct screen *shown, struct strbuf *out)
{
	for (size_t row = 0; row < screen->rows; row++) {
		if (shown && style_at(shown, row) == style_at(screen, row) &&
		    span_equal(text_at(shown, row), text_at(screen, row)))
			continue;
		strbuf_printf(out, "\033[%zu;1H", row + 1);
		/* Emptied first: behind a full line the erasing would take its last character. */
		strbuf_text(out, sequence_of(screen, style_at(screen, row)));
		strbuf_text(out, "\033[K");
		strbuf_add(out, text_at(screen, row));
		strbuf_text(out, "\033[0m");
	}
}
