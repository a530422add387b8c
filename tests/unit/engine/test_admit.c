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
