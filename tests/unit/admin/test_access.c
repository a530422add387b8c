/* Who is let in, and as what. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "broker/admin/access.h"

static struct token tokens[] = {
	{.name = "app", .role = ROLE_CLIENT, .secret = "c"},
	{.name = "grafana", .role = ROLE_VIEWER, .secret = "view"},
	{.name = "deploy", .role = ROLE_PUBLISHER, .sha256 = {1, 2, 3}},
	{.name = "anna", .role = ROLE_OPERATOR, .secret = "0p"},
};

static const char *hosts[] = {"broker.example.com"};
static struct admin_settings settings;
static struct credentials asks;
static struct identity identity;
static char why[ACCESS_WHY_MAX];

/* "deploy" is the text with the hash above. */
static void sha256(struct span secret, uint8_t digest[32])
{
	memset(digest, 0, 32);
	if (span_is(secret, "deploy"))
		memcpy(digest, "\1\2\3", 3);
}

static void set_up(void)
{
	settings = (struct admin_settings){.hosts = hosts, .host_count = 1};
	asks = (struct credentials){.host = span_text("127.0.0.1:7081"), .sha256 = sha256};
}

TestSuite(access, .init = set_up);

static void with_tokens(void)
{
	settings.tokens =
		(struct token_set){.tokens = tokens, .count = sizeof(tokens) / sizeof(tokens[0])};
}

static void over_unix(uint32_t uid)
{
	asks.peer = (struct admin_peer){.local = true, .uid = uid, .broker_uid = 990};
	asks.host = span_text("localhost");
}

static void expect_in(enum token_role role, const char *actor)
{
	cr_assert_eq(access_identify(&settings, &asks, &identity, why), 0, "%s", why);
	cr_expect_eq(identity.role, role);
	cr_expect_str_eq(identity.actor, actor);
}

static void expect_out(int status, const char *says)
{
	cr_expect_eq(access_identify(&settings, &asks, &identity, why), status);
	cr_expect_not_null(strstr(why, says), "%s", why);
}

Test(access, loopback_without_tokens_may_do_all)
{
	expect_in(ROLE_OPERATOR, "loopback");
	asks.authorization = span_text("Bearer of another broker's token");
	expect_in(ROLE_OPERATOR, "loopback");
}

Test(access, a_token_says_who_it_is)
{
	with_tokens();
	asks.authorization = span_text("Bearer c");
	expect_in(ROLE_CLIENT, "app");
	asks.authorization = span_text("bearer view");
	expect_in(ROLE_VIEWER, "grafana");
	asks.authorization = span_text("Bearer deploy");
	expect_in(ROLE_PUBLISHER, "deploy");
	asks.authorization = span_text("Bearer 0p");
	expect_in(ROLE_OPERATOR, "anna");
	asks.host = span_text("anything.example.org");
	expect_in(ROLE_OPERATOR, "anna");
}

Test(access, without_a_good_token_nobody_comes_in)
{
	static const char *const headers[] = {
		NULL,	   "",		 "Bearer",	 "Basic dmlldw==", "view",
		"Bearer ", "Bearer vie", "Bearer view2", "Bearer VIEW"};

	with_tokens();
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		asks.authorization = span_text(headers[i]);
		expect_out(401, "token");
	}
	asks.sha256 = NULL;
	asks.authorization = span_text("Bearer deploy");
	expect_out(401, "not known");
}

Test(access, the_brokers_own_user_and_root_over_a_unix_socket)
{
	over_unix(0);
	expect_in(ROLE_OPERATOR, "uid 0");
	over_unix(990);
	expect_in(ROLE_OPERATOR, "uid 990");
	with_tokens();
	expect_in(ROLE_OPERATOR, "uid 990");
}

Test(access, other_users_need_a_token)
{
	over_unix(1000);
	expect_out(403, "uid 990");
	over_unix(UINT32_MAX);
	expect_out(403, "admin.tokens");
	with_tokens();
	expect_out(401, "token is needed");
	asks.authorization = span_text("Bearer view");
	expect_in(ROLE_VIEWER, "grafana");
}

Test(access, a_token_counts_before_the_user)
{
	over_unix(0);
	with_tokens();
	asks.authorization = span_text("Bearer view");
	expect_in(ROLE_VIEWER, "grafana");
	asks.authorization = span_text("Bearer stale");
	expect_out(401, "not known");
}

Test(access, a_name_that_was_bent_to_loopback_is_refused)
{
	static const char *const good[] = {
		"localhost", "LocalHost:7081", "127.0.0.1", "127.0.0.1:7081",	   "[::1]:7081",
		"[::1]",     "10.0.0.1:80",    NULL,	    "Broker.example.com:8"};
	static const char *const bad[] = {
		"evil.example.com",
		"evil.example.com:7081",
		"localhost.evil.com",
		"127.0.0.1.evil.com:80",
		"",
		"xbroker.example.com",
		"[::1",
		"1.2.3",
		"localhost.",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		asks.host = span_text(good[i]);
		expect_in(ROLE_OPERATOR, "loopback");
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		asks.host = span_text(bad[i]);
		expect_out(403, "admin.hosts");
	}
}
