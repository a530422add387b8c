/* Who is let in, and with which status the others are sent away. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/engine/stage.h"

static const struct admission usual = {
	.upgrade = true,
	.method = {"GET", 3},
	.path = {"/", 1},
	.version = {"13", 2},
	.key = {"dGhlIHNhbXBsZSBub25jZQ==", 24},
};

static struct admittance verdict(struct stage *stage, const struct admission *admission)
{
	struct admittance out;

	engine_admit(stage->outside.engine, admission, &out);
	if (out.status != 101 && out.status != 200) {
		cr_assert_not_null(out.title);
		cr_assert_gt(strlen(out.detail), 0);
	}
	return out;
}

static int status(struct stage *stage, const struct admission *admission)
{
	return verdict(stage, admission).status;
}

/* A fake digest: the secret itself, cut or filled to 32 bytes. */
static void fake_sha256(struct span secret, uint8_t digest[32])
{
	memset(digest, 0, 32);
	memcpy(digest, secret.at, secret.len < 32 ? secret.len : 32);
}

Test(admit, a_proper_upgrade)
{
	struct stage stage;

	stage_init(&stage);
	stage_begin(&stage);
	cr_assert_eq(status(&stage, &usual), 101);
	stage_end(&stage);
}

Test(admit, bad_upgrades)
{
	struct stage stage;
	struct admission bad;

	stage_init(&stage);
	stage_begin(&stage);
	bad = usual;
	bad.method = span_text("PUT");
	cr_assert_eq(status(&stage, &bad), 400);
	bad = usual;
	bad.version = span_text("8");
	cr_assert_eq(status(&stage, &bad), 400);
	bad.version = span_of(NULL, 0);
	cr_assert_eq(status(&stage, &bad), 400);
	bad = usual;
	bad.key = span_text("short");
	cr_assert_eq(status(&stage, &bad), 400);
	bad.key = span_of(NULL, 0);
	cr_assert_eq(status(&stage, &bad), 400);
	stage_end(&stage);
}

Test(admit, subprotocols)
{
	struct stage stage;
	struct admission asks = usual;
	struct admittance out;

	stage_init(&stage);
	stage_begin(&stage);
	asks.protocols = span_text("soap, jsonrpc.2.msgpack ,jsonrpc.2.json");
	out = verdict(&stage, &asks);
	cr_assert_eq(out.status, 101);
	cr_assert_str_eq(out.subprotocol, "jsonrpc.2.msgpack");
	asks.protocols = span_text("soap");
	cr_assert_eq(status(&stage, &asks), 400);
	cr_assert_null(verdict(&stage, &usual).subprotocol);
	stage_end(&stage);
}

Test(admit, the_path_is_compared)
{
	struct stage stage;
	struct admission asks = usual;

	stage_init(&stage);
	stage.setup.listeners[0].path = "/rpc";
	stage_begin(&stage);
	cr_assert_eq(status(&stage, &asks), 404);
	asks.path = span_text("/rpc");
	asks.query = span_text("a=b");
	cr_assert_eq(status(&stage, &asks), 101);
	stage_end(&stage);
}

Test(admit, origins)
{
	struct stage stage;
	struct admission asks = usual;

	stage_init(&stage);
	stage.setup.origins[0] = "https://app.example.com";
	stage.setup.listeners[0].origins = stage.setup.origins;
	stage.setup.listeners[0].origin_count = 1;
	stage_begin(&stage);
	cr_assert_eq(status(&stage, &asks), 101, "no browser, no origin");
	asks.origin = span_text("https://app.example.com");
	cr_assert_eq(status(&stage, &asks), 101);
	asks.origin = span_text("https://evil.example.com");
	cr_assert_eq(status(&stage, &asks), 403);
	stage_end(&stage);
}

static void set_tokens(struct stage *stage)
{
	stage->setup.tokens[0] =
		(struct token){.name = "alice", .role = ROLE_CLIENT, .secret = "s3cret"};
	stage->setup.tokens[1] = (struct token){.name = "bob", .role = ROLE_PUBLISHER};
	fake_sha256(span_text("hashed"), stage->setup.tokens[1].sha256);
	stage->setup.listeners[0].auth = true;
	stage->setup.listeners[0].tokens =
		(struct token_set){.tokens = stage->setup.tokens, .count = 2};
	stage->setup.listeners[0].auth_query = "token";
}

Test(admit, tokens_in_the_header)
{
	struct stage stage;
	struct admission asks = usual;
	struct admittance out;

	stage_init(&stage);
	set_tokens(&stage);
	stage_begin(&stage);
	asks.sha256 = fake_sha256;
	cr_assert_eq(status(&stage, &asks), 401);
	asks.authorization = span_text("Bearer wrong");
	cr_assert_eq(status(&stage, &asks), 401);
	asks.authorization = span_text("Basic s3cret");
	cr_assert_eq(status(&stage, &asks), 401);
	asks.authorization = span_text("Bearer s3cret");
	out = verdict(&stage, &asks);
	cr_assert_eq(out.status, 101);
	cr_assert_str_eq(out.identity, "alice");
	cr_assert_eq(out.role, ROLE_CLIENT);
	asks.authorization = span_text("bearer hashed");
	out = verdict(&stage, &asks);
	cr_assert_eq(out.status, 101);
	cr_assert_str_eq(out.identity, "bob");
	cr_assert_eq(out.role, ROLE_PUBLISHER);
	stage_end(&stage);
}

Test(admit, tokens_in_the_query)
{
	struct stage stage;
	struct admission asks = usual;

	stage_init(&stage);
	set_tokens(&stage);
	stage_begin(&stage);
	asks.query = span_text("tokens=s3cret&x=token=s3cret");
	cr_assert_eq(status(&stage, &asks), 401);
	asks.query = span_text("a=1&token=s3%63ret&b=2");
	cr_assert_eq(status(&stage, &asks), 101);
	asks.query = span_text("token=s3cret%");
	cr_assert_eq(status(&stage, &asks), 401);
	stage_end(&stage);
}

#define NOW_S UINT64_C(1800000000)

/* {"alg":"HS256"} . {"aud":"wsbroker","exp":1800000010,"sub":"carol","role":"viewer"} . right */
#define SIGNED                                                                                     \
	"eyJhbGciOiJIUzI1NiJ9."                                                                    \
	"eyJhdWQiOiJ3c2Jyb2tlciIsImV4cCI6MTgwMDAwMDAxMCwic3ViIjoiY2Fyb2wiLCJyb2xlIjoidmlld2VyIn0." \
	"cmlnaHQ"
/* The same as "role":"god", and without sub. */
#define ODD_ROLE                                                                                   \
	"eyJhbGciOiJIUzI1NiJ9."                                                                    \
	"eyJhdWQiOiJ3c2Jyb2tlciIsImV4cCI6MTgwMDAwMDAxMCwicm9sZSI6ImdvZCJ9."                        \
	"cmlnaHQ"

static bool fake_verify(const struct jwk *key, enum jwt_algorithm algorithm,
			struct span signed_text, struct span signature)
{
	(void)algorithm;
	(void)signed_text;
	return key->kind == JWK_OCT && span_is(signature, "right");
}

static struct jwk secret = {.kind = JWK_OCT, .first = {"0123456789abcdef0123456789abcdef", 32}};

static struct admission set_keys(struct stage *stage)
{
	struct admission asks = usual;

	stage->setup.listeners[0].auth = true;
	stage->setup.listeners[0].jwt =
		(struct jwt_rules){.keys = {.keys = &secret, .count = 1}, .audience = "wsbroker"};
	asks.sha256 = fake_sha256;
	asks.verify = fake_verify;
	asks.wall_us = NOW_S * STAGE_S;
	asks.authorization = span_text("Bearer " SIGNED);
	return asks;
}

Test(admit, signed_tokens)
{
	struct stage stage;
	struct admission asks;
	struct admittance out;

	stage_init(&stage);
	set_tokens(&stage);
	asks = set_keys(&stage);
	stage_begin(&stage);
	out = verdict(&stage, &asks);
	cr_assert_eq(out.status, 101);
	cr_expect_str_eq(out.identity, "carol");
	cr_expect_eq(out.role, ROLE_VIEWER);
	cr_expect_eq(out.holds_us, 10 * STAGE_S);
	asks.authorization = span_text("Bearer " ODD_ROLE);
	out = verdict(&stage, &asks);
	cr_assert_eq(out.status, 101);
	cr_expect_null(out.identity, "nobody in particular");
	cr_expect_eq(out.role, ROLE_CLIENT);
	asks.authorization = span_text("Bearer " SIGNED "x");
	out = verdict(&stage, &asks);
	cr_assert_eq(out.status, 401);
	asks.authorization = span_text("Bearer s3cret");
	out = verdict(&stage, &asks);
	cr_assert_eq(out.status, 101, "the token file is asked first");
	cr_expect_str_eq(out.identity, "alice");
	cr_expect_eq(out.holds_us, 0);
	asks.authorization = span_of(NULL, 0);
	asks.query = span_text("token=" SIGNED);
	cr_expect_eq(status(&stage, &asks), 101, "in the query as well");
	asks.wall_us = (NOW_S + 70) * STAGE_S;
	out = verdict(&stage, &asks);
	cr_expect_eq(out.status, 401);
	cr_expect_str_eq(out.detail, "the token has expired");
	stage_end(&stage);
}

Test(admit, a_client_is_told_when_its_token_expires)
{
	struct stage stage;
	struct admission asks;
	struct admittance out;
	struct peer *client;
	struct peer *other;

	stage_init(&stage);
	asks = set_keys(&stage);
	stage_begin(&stage);
	out = verdict(&stage, &asks);
	client = outside_client(&stage.outside, 0, &out);
	out = verdict(&stage, &asks);
	out.holds_us = 0;
	other = outside_client(&stage.outside, 0, &out);
	cr_assert_str_eq(client->session->identity, "carol");
	cr_assert_neq((const char *)client->session->identity, out.identity, "a copy");
	stage_pass(&stage, 9990 * STAGE_MS);
	cr_assert_eq(client->state, PEER_OPEN);
	stage_pass(&stage, 20 * STAGE_MS);
	cr_assert_eq(client->state, PEER_CLOSING);
	cr_expect_eq(client->close_code, 1008);
	cr_expect_str_eq(client->close_reason, "credentials expired");
	cr_expect_eq(other->state, PEER_OPEN);
	stage_end(&stage);
	cr_expect_eq(stage.outside.breach, NULL);
}

Test(admit, a_client_may_leave_before_its_token_expires)
{
	struct stage stage;
	struct admission asks;
	struct admittance out;

	stage_init(&stage);
	asks = set_keys(&stage);
	stage_begin(&stage);
	out = verdict(&stage, &asks);
	stage_kill(outside_client(&stage.outside, 0, &out));
	cr_assert_eq(stage.outside.engine->expiries.armed, 0);
	stage_pass(&stage, 11 * STAGE_S);
	stage_end(&stage);
}

Test(admit, no_more_clients_than_allowed)
{
	struct stage stage;
	struct admittance out;
	struct peer *client;

	stage_init(&stage);
	stage.setup.config.limits.clients = 1;
	stage_begin(&stage);
	client = stage_client(&stage);
	out = verdict(&stage, &usual);
	cr_assert_eq(out.status, 503);
	cr_assert_gt(out.retry_after_s, 0);
	stage_kill(client);
	cr_assert_eq(status(&stage, &usual), 101);
	stage_end(&stage);
}

Test(admit, those_who_are_let_in_and_not_opened_yet_count)
{
	struct admission late = usual;
	struct stage stage;

	stage_init(&stage);
	stage.setup.config.limits.clients = 3;
	stage_begin(&stage);
	stage_client(&stage);
	late.opening = 1;
	cr_assert_eq(status(&stage, &late), 101);
	late.opening = 2;
	cr_assert_eq(status(&stage, &late), 503);
	stage_end(&stage);
}

Test(admit, who_is_refused_again_and_again_is_told_now_and_then)
{
	static const struct {
		uint64_t wall_s;
		uint64_t tell;
	} cases[] = {{1000, 1}, {1001, 0}, {1009, 0}, {1010, 3}, {1011, 0}, {1030, 2}, {20, 1}};
	struct admission lost = usual;
	struct stage stage;

	stage_init(&stage);
	stage_begin(&stage);
	lost.path = span_text("/elsewhere");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		lost.wall_us = cases[i].wall_s * US_PER_S;
		cr_expect_eq(verdict(&stage, &lost).tell, cases[i].tell, "at %zu", i);
	}
	lost.path = usual.path;
	lost.method = span_text("PUT");
	cr_expect_eq(verdict(&stage, &lost).tell, 1, "another reason");
	stage_end(&stage);
}

Test(admit, nobody_while_draining)
{
	struct stage stage;
	struct admittance out;

	stage_init(&stage);
	stage_begin(&stage);
	engine_drain(stage.outside.engine, stage.outside.now_us);
	out = verdict(&stage, &usual);
	cr_assert_eq(out.status, 503);
	cr_assert_gt(out.retry_after_s, 0);
	stage_end(&stage);
}

Test(admit, posts)
{
	struct stage stage;
	struct admission post = {.method = span_text("POST"), .path = span_text("/")};

	stage_init(&stage);
	stage_begin(&stage);
	post.content_length = stage.setup.config.limits.message_bytes;
	cr_assert_eq(status(&stage, &post), 200);
	post.content_length++;
	cr_assert_eq(status(&stage, &post), 413);
	post.path = span_text("/elsewhere");
	cr_assert_eq(status(&stage, &post), 404);
	stage_end(&stage);
}

Test(admit, other_methods_are_refused)
{
	struct stage stage;
	struct admission get = {.method = span_text("GET"), .path = span_text("/")};
	int got;

	stage_init(&stage);
	stage_begin(&stage);
	got = status(&stage, &get);
	cr_assert(got == 400 || got == 426, "%d", got);
	get.method = span_text("DELETE");
	got = status(&stage, &get);
	cr_assert(got == 400 || got == 405, "%d", got);
	stage_end(&stage);
}
