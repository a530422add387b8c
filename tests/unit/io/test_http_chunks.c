#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "broker/io/http_chunks.h"

#define BODY_MAX 20

struct outcome {
	enum http_chunks_verdict verdict;
	char text[40 * 1024]; /* the body, and behind it what is the next request's */
	size_t body;
	size_t len;
};

/* As many bytes at a time as step says. */
static void feed(struct outcome *out, const char *bytes, size_t len, size_t step)
{
	struct http_chunks chunks = {0};

	out->verdict = HTTP_CHUNKS_MORE;
	out->len = 0;
	for (size_t at = 0; at < len;) {
		size_t piece = len - at < step ? len - at : step;

		memcpy(out->text + out->len, bytes + at, piece);
		out->len += piece;
		at += piece;
		if (out->verdict == HTTP_CHUNKS_MORE)
			out->verdict = http_chunks_take(&chunks, out->text, &out->len, BODY_MAX);
	}
	out->body = chunks.len;
	out->text[out->len] = '\0';
}

/* Whole and in every other way. */
static void expect_outcome(const char *bytes, enum http_chunks_verdict verdict, const char *body,
			   const char *rest)
{
	static struct outcome out;
	size_t len = strlen(bytes);

	for (size_t step = 1; step <= len; step++) {
		feed(&out, bytes, len, step);
		cr_expect_eq(out.verdict, verdict, "%s: %d by %zu", bytes, (int)out.verdict, step);
		if (verdict != HTTP_CHUNKS_WHOLE)
			continue;
		cr_expect(out.body == strlen(body) && memcmp(out.text, body, out.body) == 0,
			  "%s: the body is %.*s by %zu", bytes, (int)out.body, out.text, step);
		cr_expect_str_eq(out.text + out.body, rest, "%s by %zu", bytes, step);
	}
}

Test(http_chunks, whole_bodies)
{
	static const struct {
		const char *bytes;
		const char *body;
		const char *rest;
	} cases[] = {
		{"0\r\n\r\n", "", ""},
		{"5\r\nhello\r\n0\r\n\r\n", "hello", ""},
		{"5\r\nhello\r\n0\r\n\r\nPOST / HTTP/1.1\r\n", "hello", "POST / HTTP/1.1\r\n"},
		{"1\r\na\r\n00003\r\nb\r\n\r\n00\r\n\r\n", "ab\r\n", ""},
		{"A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789", ""},
		{"2;name=\"a;b\"\r\nhi\r\n0 \t;last\r\n\r\nx", "hi", "x"},
		{"2 \r\nhi\r\n0\r\nExpires: never\r\nX-Sum:\r\n\r\nx", "hi", "x"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_outcome(cases[i].bytes, HTTP_CHUNKS_WHOLE, cases[i].body, cases[i].rest);
}

Test(http_chunks, what_is_not_whole_or_cannot_be)
{
	static const struct {
		const char *bytes;
		enum http_chunks_verdict verdict;
	} cases[] = {
		{"5", HTTP_CHUNKS_MORE},
		{"5\r\nhell", HTTP_CHUNKS_MORE},
		{"5\r\nhello\r", HTTP_CHUNKS_MORE},
		{"5\r\nhello\r\n0\r\n", HTTP_CHUNKS_MORE},
		{"5\r\nhello\r\n0\r\nX: y\r\n\r", HTTP_CHUNKS_MORE},
		{"\r\n", HTTP_CHUNKS_BROKEN},
		{"x\r\n", HTTP_CHUNKS_BROKEN},
		{"-1\r\n", HTTP_CHUNKS_BROKEN},
		{"0x5\r\n", HTTP_CHUNKS_BROKEN},
		{" 5\r\n", HTTP_CHUNKS_BROKEN},
		{"5 5\r\n", HTTP_CHUNKS_BROKEN},
		{"5\nhello\n0\n\n", HTTP_CHUNKS_BROKEN},
		{"5;\rx\r\n", HTTP_CHUNKS_BROKEN},
		{"5\r\nhello0\r\n\r\n", HTTP_CHUNKS_BROKEN},
		{"5\r\nhello\n0\r\n\r\n", HTTP_CHUNKS_BROKEN},
		{"0\r\n\n", HTTP_CHUNKS_BROKEN},
		{"0\r\nno colon\r\n", HTTP_CHUNKS_BROKEN},
		{"0\r\n folded: x\r\n", HTTP_CHUNKS_BROKEN},
		{"15\r\n", HTTP_CHUNKS_TOO_LONG},
		{"14\r\n01234567890123456789\r\n1\r\n", HTTP_CHUNKS_TOO_LONG},
		{"10000000000000000\r\n", HTTP_CHUNKS_TOO_LONG},
		{"fffffffffffffffffffff\r\n", HTTP_CHUNKS_TOO_LONG},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_outcome(cases[i].bytes, cases[i].verdict, "", "");
}

/* A text of so many bytes in front, then end. */
static size_t long_text(char *text, const char *begin, size_t bytes, const char *end)
{
	size_t len = strlen(begin);

	memcpy(text, begin, len);
	memset(text + len, 'x', bytes - len);
	memcpy(text + bytes, end, strlen(end));
	return bytes + strlen(end);
}

Test(http_chunks, lines_have_an_end)
{
	static struct outcome out;
	static char text[2 * HTTP_CHUNK_LINE_MAX];
	size_t steps[] = {1, 7, sizeof(text)};

	for (size_t i = 0; i < 3; i++) {
		size_t len = long_text(text, "0;", HTTP_CHUNK_LINE_MAX - 2, "\r\n\r\n");

		feed(&out, text, len, steps[i]);
		cr_expect_eq(out.verdict, HTTP_CHUNKS_WHOLE, "by %zu", steps[i]);
		len = long_text(text, "0;", HTTP_CHUNK_LINE_MAX - 1, "\r\n\r\n");
		feed(&out, text, len, steps[i]);
		cr_expect_eq(out.verdict, HTTP_CHUNKS_BROKEN, "by %zu", steps[i]);
	}
}

Test(http_chunks, trailers_have_an_end)
{
	static struct outcome out;
	static char text[HTTP_TRAILERS_MAX + 64] = "0\r\n";
	size_t len = 3;

	while (len < HTTP_TRAILERS_MAX + 32) {
		memcpy(text + len, "a: b\r\n", 6);
		len += 6;
	}
	feed(&out, text, len, 100);
	cr_expect_eq(out.verdict, HTTP_CHUNKS_BROKEN);
}
