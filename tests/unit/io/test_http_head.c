#include <criterion/criterion.h>
#include <stdio.h>
#include "broker/io/http_head.h"
#include "broker/io/http_text.h"

#define LINE "\r\n"
#define HOST "Host: a" LINE
#define END  LINE

static struct http_head head;
static struct http_fault fault;

static enum wsb_err read_text(const char *text)
{
	struct span bytes = span_text(text);
	size_t seen = 0;

	cr_assert_eq(http_head_len(bytes, &seen), bytes.len, "%s", text);
	fault = (struct http_fault){0};
	return http_head_read(&head, bytes, &fault);
}

static void expect_span(struct span got, const char *expected, const char *what)
{
	if (expected)
		cr_expect(got.at && span_is(got, expected), "%s is %.*s", what, (int)got.len,
			  got.at ? got.at : "absent");
	else
		cr_expect_null(got.at, "%s is %.*s", what, (int)got.len, got.at);
}

Test(http_head, every_part_of_an_upgrade)
{
	static const char lines[] =
		"host:  a:80 " LINE "Upgrade: WebSocket" LINE "Connection: keep-alive, Upgrade" LINE
		"Origin: https://o" LINE "Authorization: Bearer t" LINE
		"Sec-WebSocket-Version: 13" LINE "Sec-WebSocket-Key: key" LINE
		"Sec-WebSocket-Protocol: one, two" LINE "Sec-WebSocket-Extensions: x; y" LINE
		"X-Other:" LINE;
	char text[1024];
	const char *why = NULL;

	snprintf(text, sizeof(text), "GET /a/%%41?b=%%41 HTTP/1.1" LINE "%s" END, lines);
	cr_assert_eq(read_text(text), WSB_OK, "%s", fault.why);
	expect_span(head.method, "GET", "method");
	expect_span(head.target, "/a/%41?b=%41", "target");
	expect_span(head.path, "/a/A", "path");
	expect_span(head.query, "b=%41", "query");
	expect_span(head.lines, lines, "lines");
	expect_span(head.host, "a:80", "host");
	expect_span(head.origin, "https://o", "origin");
	expect_span(head.authorization, "Bearer t", "authorization");
	expect_span(head.version, "13", "version");
	expect_span(head.key, "key", "key");
	expect_span(head.protocols, "one, two", "protocols");
	expect_span(head.extensions, "x; y", "extensions");
	expect_span(head.expect, NULL, "expect");
	cr_expect(head.keeps_alive && !head.has_length);
	cr_expect(http_head_wants_websocket(&head));
	cr_expect(http_head_fits_upgrade(&head, &why), "%s", why);
}

Test(http_head, targets)
{
	static const struct {
		const char *target, *path, *query, *host;
	} cases[] = {
		{"/", "/", NULL, "a"},	       {"/?", "/", "", "a"},
		{"/a?b?c", "/a", "b?c", "a"},  {"/%2f%C3%a9", "//\xc3\xa9", NULL, "a"},
		{"/a?%zz", "/a", "%zz", "a"},  {"http://b:1/c?d", "/c", "d", "b:1"},
		{"HTTPS://b", "/", NULL, "b"}, {"ws://b?d", "/", "d", "b"},
		{"wss://b/", "/", NULL, "b"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[256];

		snprintf(text, sizeof(text), "GET %s HTTP/1.1" LINE HOST END, cases[i].target);
		cr_assert_eq(read_text(text), WSB_OK, "%s: %s", cases[i].target, fault.why);
		expect_span(head.path, cases[i].path, cases[i].target);
		expect_span(head.query, cases[i].query, cases[i].target);
		expect_span(head.host, cases[i].host, cases[i].target);
	}
}

Test(http_head, what_is_refused)
{
	static const struct {
		const char *text;
		int status;
	} cases[] = {
		{LINE END, 400},
		{"GET" LINE END, 400},
		{"GET /" LINE END, 400},
		{"GET  HTTP/1.1" LINE HOST END, 400},
		{"GET / / HTTP/1.1" LINE HOST END, 400},
		{"GET / HTTP/1.1 " LINE HOST END, 400},
		{"GET / HTTP/1.10" LINE HOST END, 400},
		{"GET / HTTP/1.x" LINE HOST END, 400},
		{"GET / http/1.1" LINE HOST END, 400},
		{"GET / HTTP/2.0" LINE HOST END, 505},
		{"GET / HTTP/0.9" LINE HOST END, 505},
		{" GET / HTTP/1.1" LINE HOST END, 400},
		{"G(T / HTTP/1.1" LINE HOST END, 400},
		{"GET a HTTP/1.1" LINE HOST END, 400},
		{"GET ?a HTTP/1.1" LINE HOST END, 400},
		{"GET * HTTP/1.1" LINE HOST END, 400},
		{"CONNECT a:80 HTTP/1.1" LINE HOST END, 400},
		{"GET ftp://a/ HTTP/1.1" LINE HOST END, 400},
		{"GET /\t HTTP/1.1" LINE HOST END, 400},
		{"GET /% HTTP/1.1" LINE HOST END, 400},
		{"GET /%4 HTTP/1.1" LINE HOST END, 400},
		{"GET /%4g HTTP/1.1" LINE HOST END, 400},
		{"GET /%0a HTTP/1.1" LINE HOST END, 400},
		{"GET /%7F HTTP/1.1" LINE HOST END, 400},
		{"GET / HTTP/1.1" LINE END, 400},
		{"GET / HTTP/1.1" LINE HOST HOST END, 400},
		{"GET / HTTP/1.1" LINE HOST "no colon" LINE END, 400},
		{"GET / HTTP/1.1" LINE HOST "A : b" LINE END, 400},
		{"GET / HTTP/1.1" LINE HOST ": b" LINE END, 400},
		{"GET / HTTP/1.1" LINE HOST " folded" LINE END, 400},
		{"GET / HTTP/1.1" LINE HOST "A: b\nC: d" LINE END, 400},
		{"GET / HTTP/1.1" LINE HOST "A: b\rC: d" LINE END, 400},
		{"GET / HTTP/1.1" LINE HOST "A: \x7f" LINE END, 400},
		{"POST / HTTP/1.1" LINE HOST "Content-Length:" LINE END, 400},
		{"POST / HTTP/1.1" LINE HOST "Content-Length: -1" LINE END, 400},
		{"POST / HTTP/1.1" LINE HOST "Content-Length: 1, 1" LINE END, 400},
		{"POST / HTTP/1.1" LINE HOST "Content-Length: 18446744073709551616" LINE END, 400},
		{"POST / HTTP/1.1" LINE HOST "Content-Length: 1" LINE "Content-Length: 1" LINE END,
		 400},
		{"POST / HTTP/1.1" LINE HOST "Content-Length: 1" LINE
		 "Transfer-Encoding: chunked" LINE END,
		 400},
		{"POST / HTTP/1.0" LINE "Transfer-Encoding: chunked" LINE END, 400},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cr_expect_eq(read_text(cases[i].text), WSB_EPARSE, "%s", cases[i].text);
		cr_expect_eq(fault.status, cases[i].status, "%s", cases[i].text);
		cr_expect_not_null(fault.why);
	}
}

Test(http_head, a_path_with_escapes_has_a_bound)
{
	char text[HTTP_PATH_MAX + 64];
	int len = snprintf(text, sizeof(text), "GET /%%41");

	memset(text + len, 'a', HTTP_PATH_MAX);
	snprintf(text + len + HTTP_PATH_MAX - 2, 32, " HTTP/1.1" LINE HOST END);
	cr_expect_eq(read_text(text), WSB_OK);
	text[len + HTTP_PATH_MAX - 2] = 'a';
	snprintf(text + len + HTTP_PATH_MAX - 1, 32, " HTTP/1.1" LINE HOST END);
	cr_expect_eq(read_text(text), WSB_EPARSE);
	cr_expect_eq(fault.status, 414);
}

Test(http_head, lists_may_come_in_parts_up_to_a_bound)
{
	char text[4096] = "GET / HTTP/1.1" LINE HOST;
	size_t len;

	cr_assert_eq(read_text("GET / HTTP/1.1" LINE HOST "Connection: a" LINE "Upgrade: h2c" LINE
			       "connection: b, upgrade" LINE "CONNECTION: c" LINE
			       "Upgrade: websocket" LINE "Sec-WebSocket-Protocol: p" LINE
			       "Sec-WebSocket-Protocol: q" LINE END),
		     WSB_OK);
	expect_span(head.connection, "a,b, upgrade,c", "connection");
	expect_span(head.protocols, "p,q", "protocols");
	cr_expect(http_head_wants_websocket(&head));
	len = strlen(text);
	for (int i = 0; i < 100; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "Connection: close" LINE);
	snprintf(text + len, sizeof(text) - len, END);
	cr_expect_eq(read_text(text), WSB_EPARSE);
	cr_expect_eq(fault.status, 431);
}

Test(http_head, an_empty_line_before_the_request_does_no_harm)
{
	cr_assert_eq(read_text(LINE "GET / HTTP/1.1" LINE HOST END), WSB_OK);
	expect_span(head.path, "/", "path");
}

Test(http_head, what_ends_the_connection)
{
	cr_assert_eq(read_text("POST / HTTP/1.1" LINE HOST "Content-Length: 007" LINE END), WSB_OK);
	cr_expect(head.keeps_alive && head.has_length);
	cr_expect_eq(head.content_length, 7);
	cr_assert_eq(read_text("POST / HTTP/1.1" LINE HOST "Connection: x, Close" LINE END),
		     WSB_OK);
	cr_expect_not(head.keeps_alive);
	cr_assert_eq(read_text("POST / HTTP/1.0" LINE END), WSB_OK);
	cr_expect_not(head.keeps_alive);
}

Test(http_head, upgrades_that_cannot_be_granted)
{
	static const char *const cases[] = {
		"GET / HTTP/1.0" LINE HOST "Upgrade: websocket" LINE "Connection: upgrade" LINE END,
		"GET / HTTP/1.1" LINE HOST "Upgrade: websocket" LINE END,
		"GET / HTTP/1.1" LINE HOST "Upgrade: websocket" LINE "Connection: upgrade" LINE
		"Content-Length: 1" LINE END,
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *why = NULL;

		cr_assert_eq(read_text(cases[i]), WSB_OK);
		cr_expect(http_head_wants_websocket(&head));
		cr_expect_not(http_head_fits_upgrade(&head, &why));
		cr_expect_not_null(why);
	}
	cr_assert_eq(read_text("GET / HTTP/1.1" LINE HOST "Upgrade: h2c" LINE END), WSB_OK);
	cr_expect_not(http_head_wants_websocket(&head));
}

Test(http_head, the_end_is_found_however_it_is_cut)
{
	static const char text[] = "GET / HTTP/1.1\r\nA: b\r\n\r\r\n\r\n\r\nmore\r\n\r\n";
	const size_t whole = (size_t)(strstr(text, "\r\n\r\n") - text) + 4;

	for (size_t step = 1; step < sizeof(text); step++) {
		size_t seen = 0;
		size_t len = 0;

		for (size_t at = step; len == 0 && at < sizeof(text); at += step)
			len = http_head_len(span_of(text, at), &seen);
		cr_expect(len == whole || (len == 0 && seen < whole), "step %zu: %zu", step, len);
	}
}

Test(http_head, what_may_begin_a_request)
{
	cr_expect(http_head_may_begin(span_text("")));
	cr_expect(http_head_may_begin(span_text("G")));
	cr_expect(http_head_may_begin(span_text("\r")));
	cr_expect_not(http_head_may_begin(span_text("\x16\x03\x01")));
	cr_expect_not(http_head_may_begin(span_of("\0", 1)));
}
