#include <criterion/criterion.h>
#include <string.h>
#include "broker/io/tunnel_head.h"

#define UPGRADE "Connection: Upgrade\r\nUpgrade: websocket\r\n"

static struct header_setting headers[] = {{"X-Pool", "main"}, {"Origin", "https://pool.test"}};
static const struct pool_settings plain = {.name = "main"};
static const struct pool_settings with_headers = {
	.name = "main", .headers = headers, .header_count = 2};

static const struct {
	const char *request;
	struct tunnel_origin origin;
	const struct pool_settings *pool;
	const char *expected;
} heads[] = {
	/* The target as it came; hop-by-hop headers stay behind, all others go on in their order.
	 */
	{"GET /a%20b?x=1&y HTTP/1.1\r\nHost: front.test\r\n" UPGRADE
	 "Sec-WebSocket-Key: k\r\nCookie: c=1\r\nkeep-alive: 5\r\nTE: x\r\n"
	 "Sec-WebSocket-Protocol: a, b\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
	 {.peer = "192.0.2.1"},
	 &plain,
	 "GET /a%20b?x=1&y HTTP/1.1\r\n" UPGRADE "Sec-WebSocket-Key: k\r\nCookie: c=1\r\n"
	 "Sec-WebSocket-Protocol: a, b\r\nSec-WebSocket-Extensions: permessage-deflate\r\n"
	 "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: http\r\n"
	 "X-Forwarded-Host: front.test\r\nHost: up.test:9000\r\n\r\n"},
	/* What Connection names, what the client claims of itself, over a Unix socket and TLS. */
	{"GET / HTTP/1.1\r\nHost: f\r\nConnection: upgrade, X-Mine\r\nUpgrade: websocket\r\n"
	 "X-Mine: 1\r\nX-Forwarded-For: 198.51.100.9\r\nX-Forwarded-Proto: gopher\r\n\r\n",
	 {.peer = "", .tls = true},
	 &plain,
	 "GET / HTTP/1.1\r\n" UPGRADE
	 "X-Forwarded-For: 198.51.100.9\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: f\r\n"
	 "Host: up.test:9000\r\n\r\n"},
	/* The pool's headers replace the client's. */
	{"GET / HTTP/1.1\r\nHost: f\r\nx-pool: mine\r\nORIGIN: https://a.test\r\n\r\n",
	 {.peer = "::1"},
	 &with_headers,
	 "GET / HTTP/1.1\r\n" UPGRADE
	 "X-Forwarded-For: ::1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: f\r\n"
	 "Host: up.test:9000\r\nX-Pool: main\r\nOrigin: https://pool.test\r\n\r\n"},
	/* A credential of ours goes no further, wherever it stood. */
	{"GET /p?token=s&a=1&token=s&tokens=2 HTTP/1.1\r\nHost: f\r\nAuthorization: Bearer "
	 "s\r\n\r\n",
	 {.peer = "", .authenticated = true, .auth_query = "token"},
	 &plain,
	 "GET /p?a=1&tokens=2 HTTP/1.1\r\n" UPGRADE
	 "X-Forwarded-Proto: http\r\nX-Forwarded-Host: f\r\nHost: up.test:9000\r\n\r\n"},
	/* An absolute target without a path. */
	{"GET http://front.test?x=1 HTTP/1.1\r\nHost: f\r\n\r\n",
	 {.peer = ""},
	 &plain,
	 "GET /?x=1 HTTP/1.1\r\n" UPGRADE
	 "X-Forwarded-Proto: http\r\nX-Forwarded-Host: front.test\r\nHost: up.test:9000\r\n\r\n"},
	/* One that nobody asked for is the upstream's. */
	{"GET /p?token=s HTTP/1.1\r\nHost: f\r\nAuthorization: Bearer s\r\n\r\n",
	 {.peer = ""},
	 &plain,
	 "GET /p?token=s HTTP/1.1\r\n" UPGRADE
	 "Authorization: Bearer s\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: f\r\n"
	 "Host: up.test:9000\r\n\r\n"},
};

Test(tunnel_head, what_is_put_to_the_upstream)
{
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		struct strbuf begun, whole;
		struct http_head head;
		struct http_fault fault;

		strbuf_init(&begun);
		strbuf_init(&whole);
		cr_assert_eq(http_head_read(&head, span_text(heads[i].request), &fault), WSB_OK,
			     "row %zu: %s", i, fault.why);
		tunnel_head_begin(&begun, &head, &heads[i].origin, heads[i].pool);
		cr_assert_eq(tunnel_head_finish(&whole, strbuf_span(&begun), "up.test:9000",
						heads[i].pool),
			     WSB_OK);
		cr_assert(span_is(strbuf_span(&whole), heads[i].expected), "row %zu:\n%s", i,
			  whole.text);
		strbuf_fini(&begun);
		strbuf_fini(&whole);
	}
}

static const struct {
	const char *head;
	unsigned int status;
	bool websocket, has_length;
	uint64_t length;
} answers[] = {
	{"HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\n\r\n", 101, true, false, 0},
	{"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n", 101, false, false, 0},
	{"HTTP/1.1 101\r\n\r\n", 101, false, false, 0},
	{"HTTP/1.0 401 No\r\ncontent-length: 12\r\nUpgrade: websocket\r\n\r\n", 401, false, true,
	 12},
	{"HTTP/1.1 500 \r\nContent-Length: 1x\r\n\r\n", 500, false, false, 1},
	{"HTTP/1.1 500 \r\nContent-Length: 99999999999999999999\r\n\r\n", 500, false, false, 0},
	{"HTTP/1.1 200 OK\r\nno header\r\n\r\n", 0, false, false, 0},
	{"ICY 200 OK\r\n\r\n", 0, false, false, 0},
	{"HTTP/1.1 99 x\r\n\r\n", 0, false, false, 0},
};

Test(tunnel_head, what_the_upstream_answers)
{
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct tunnel_answer answer;

		tunnel_head_read(&answer, span_text(answers[i].head));
		cr_assert_eq(answer.status, answers[i].status, "row %zu: %u", i, answer.status);
		cr_assert_eq(answer.websocket, answers[i].websocket, "row %zu", i);
		cr_assert_eq(answer.has_length, answers[i].has_length, "row %zu", i);
		if (answer.has_length)
			cr_assert_eq(answer.content_length, answers[i].length);
	}
}

Test(tunnel_head, a_refusal_ends_the_connection)
{
	static const char head[] = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n"
				   "Connection: keep-alive\r\nKeep-Alive: timeout=5\r\n"
				   "WWW-Authenticate: Basic\r\n\r\n";
	struct strbuf out;

	strbuf_init(&out);
	tunnel_head_decline(&out, span_text(head));
	cr_assert_str_eq(out.text, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n"
				   "WWW-Authenticate: Basic\r\nConnection: close\r\n\r\n");
	strbuf_fini(&out);
}
