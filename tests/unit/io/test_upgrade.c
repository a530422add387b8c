#include <criterion/criterion.h>
#include <stdio.h>
#include "broker/io/upgrade.h"

#define LINE "\r\n"
/* The example of RFC 6455, section 1.3. */
#define ACCEPT "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" LINE
#define STATUS "HTTP/1.1 101 Switching Protocols" LINE
#define GOOD   STATUS "Upgrade: websocket" LINE "Connection: Upgrade" LINE ACCEPT

static struct upgrade upgrade;
static struct upgrade_refusal refusal;

static void begin(const char *subprotocol)
{
	struct upgrade_request request = {
		.host = "example.com:81", .path = "/a?b", .subprotocol = subprotocol};

	memcpy(request.nonce, "the sample nonce", sizeof(request.nonce));
	request.headers = span_text("X-One: 1\r\n");
	upgrade_init(&upgrade);
	cr_assert_eq(upgrade_begin(&upgrade, &request), WSB_OK);
}

static enum upgrade_verdict take(const char *answer, size_t step, size_t *used)
{
	enum upgrade_verdict verdict = UPGRADE_MORE;
	size_t len = strlen(answer);

	*used = 0;
	for (size_t at = 0; at < len && verdict == UPGRADE_MORE; at += step) {
		size_t now;

		verdict = upgrade_take(&upgrade,
				       span_of(answer + at, step < len - at ? step : len - at),
				       &now, &refusal);
		*used += now;
	}
	return verdict;
}

static void expect_accepted(const char *subprotocol, const char *answer)
{
	size_t head = (size_t)(strstr(answer, "\r\n\r\n") - answer) + 4;

	for (size_t step = 1; step <= strlen(answer); step++) {
		size_t used;

		begin(subprotocol);
		cr_assert_eq(take(answer, step, &used), UPGRADE_ACCEPTED, "%s", refusal.why);
		cr_assert_eq(used, head, "what follows belongs to the frames");
		upgrade_end(&upgrade);
	}
}

static void expect_refused(const char *subprotocol, const char *answer, unsigned int status,
			   const char *why)
{
	size_t used;

	begin(subprotocol);
	cr_assert_eq(take(answer, 7, &used), UPGRADE_REFUSED);
	cr_assert_eq(refusal.status, status);
	if (why)
		cr_assert(refusal.why && strstr(refusal.why, why), "%s", refusal.why);
	else
		cr_assert_null(refusal.why);
	upgrade_end(&upgrade);
}

Test(upgrade, the_request)
{
	begin("jsonrpc.2.json");
	cr_assert_str_eq(upgrade.request.text, "GET /a?b HTTP/1.1\r\n"
					       "Host: example.com:81\r\n"
					       "Upgrade: websocket\r\n"
					       "Connection: Upgrade\r\n"
					       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
					       "Sec-WebSocket-Version: 13\r\n"
					       "Sec-WebSocket-Protocol: jsonrpc.2.json\r\n"
					       "X-One: 1\r\n\r\n");
	upgrade_end(&upgrade);
	begin(NULL);
	cr_assert_null(strstr(upgrade.request.text, "Protocol"));
	upgrade_end(&upgrade);
	upgrade_end(&upgrade);
}

Test(upgrade, accepted_in_any_slicing)
{
	expect_accepted(NULL, GOOD LINE);
	expect_accepted(NULL, GOOD LINE "\x81\x02ok");
	expect_accepted(NULL,
			STATUS "uPGRADE:WebSocket" LINE "connection: keep-alive ,\tUPGRADE" LINE
			       "sec-websocket-accept:\t s3pPLMBiTxaQ9kYGzzhZRbK+xOo= " LINE
			       "X: : y" LINE "Y:" LINE LINE);
	expect_accepted(NULL, "HTTP/1.1 101" LINE "Upgrade: h2c, websocket" LINE
			      "Connection: Upgrade" LINE ACCEPT LINE);
}

Test(upgrade, the_subprotocol)
{
	expect_accepted("a", GOOD "Sec-WebSocket-Protocol: a" LINE LINE);
	expect_accepted("a", GOOD LINE);
	expect_refused("a", GOOD "Sec-WebSocket-Protocol: b" LINE LINE, 101, "subprotocol");
	expect_refused("a", GOOD "Sec-WebSocket-Protocol: A" LINE LINE, 101, "subprotocol");
	expect_refused(NULL, GOOD "Sec-WebSocket-Protocol: a" LINE LINE, 101, "subprotocol");
	expect_refused("a",
		       GOOD "Sec-WebSocket-Protocol: a" LINE "Sec-WebSocket-Protocol: a" LINE LINE,
		       101, "subprotocol");
}

Test(upgrade, refused_with_a_status)
{
	expect_refused(NULL, "HTTP/1.1 403 Forbidden" LINE "Content-Length: 0" LINE LINE, 403,
		       NULL);
	expect_refused(NULL, "HTTP/1.0 200 OK" LINE LINE, 200, NULL);
	expect_refused(NULL, "HTTP/1.1 302 Found" LINE "Location: /" LINE LINE, 302, NULL);
}

Test(upgrade, not_http)
{
	static const char *const answers[] = {
		"\r\n\r\n",
		"HTTP/2 101" LINE LINE,
		"HTTP/1.1 1O1 x" LINE LINE,
		"HTTP/1.1 1011" LINE LINE,
		"SSH-2.0-x" LINE LINE,
		"HTTP/1.1" LINE LINE,
		"HTTP/1.1_101 x" LINE LINE,
	};

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		expect_refused(NULL, answers[i], 0, "not HTTP");
}

Test(upgrade, an_answer_with_something_wrong)
{
	expect_refused(NULL, STATUS "Connection: Upgrade" LINE ACCEPT LINE, 101, "no upgrade");
	expect_refused(NULL, STATUS "Upgrade: websocket" LINE ACCEPT LINE, 101, "no upgrade");
	expect_refused(NULL,
		       STATUS "Upgrade: websockets" LINE "Connection: Upgrade" LINE ACCEPT LINE,
		       101, "no upgrade");
	expect_refused(NULL, STATUS "Upgrade: websocket" LINE "Connection: Upgrade" LINE LINE, 101,
		       "missing");
	expect_refused(NULL, STATUS "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOO=" LINE LINE,
		       101, "does not fit");
	expect_refused(NULL, GOOD ACCEPT LINE, 101, "does not fit");
	expect_refused(NULL, GOOD "Sec-WebSocket-Extensions: permessage-deflate" LINE LINE, 101,
		       "extension");
	expect_refused(NULL, GOOD "no colon" LINE LINE, 101, "cannot be read");
	expect_refused(NULL, GOOD " folded: line" LINE LINE, 101, "cannot be read");
	expect_refused(NULL, GOOD ": nameless" LINE LINE, 101, "cannot be read");
}

Test(upgrade, a_head_without_end)
{
	static char answer[UPGRADE_HEAD_MAX + 100];
	size_t head = strlen(GOOD);

	memset(answer, 'x', sizeof(answer) - 1);
	memcpy(answer, GOOD, head);
	expect_refused(NULL, answer, 0, "too long");
	/* The longest that is taken. */
	answer[head + 1] = ':';
	memcpy(answer + UPGRADE_HEAD_MAX - 4, "\r\n\r\n", 5);
	expect_accepted(NULL, answer);
}
