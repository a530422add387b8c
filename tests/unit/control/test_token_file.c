#include <criterion/criterion.h>
#include <string.h>
#include "rig.h"

#define HASH "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static struct rig rig;

static void set_up(void)
{
	rig_init(&rig);
}

static void tear_down(void)
{
	rig_fini(&rig);
}

TestSuite(token_file, .init = set_up, .fini = tear_down);

static const char config[] = RIG_MINIMAL "listen: [{auth: {tokens: tokens.txt}}]\n";

static const struct token_set *good(const char *text)
{
	rig_write(&rig, "tokens.txt", text);
	return &rig_good(&rig, config)->listeners[0].tokens;
}

/* error begins after the token file's name: ":2: the role must be ..." */
static void bad(const char *text, const char *error)
{
	rig_write(&rig, "tokens.txt", text);
	cr_assert_eq(rig_load(&rig, config), WSB_EINVAL, "accepted: %s", text);
	cr_expect_eq(strncmp(rig.errors.text, "5:26: ", 6), 0, "%s", rig.errors.text);
	cr_expect_not_null(strstr(rig.errors.text, error), "%s", rig.errors.text);
	cr_expect_null(strstr(rig.errors.text, "hunter2"), "%s", rig.errors.text);
}

Test(token_file, holds_names_roles_and_tokens)
{
	const struct token_set *set = good("# who may come in\n"
					   "\n"
					   "app    client    s3cret\r\n"
					   "  eye viewer\tabc  \n"
					   "pub publisher sha256:" HASH "\n"
					   "ops operator SHA256:x");

	cr_assert_eq(set->count, 4);
	cr_expect_str_eq(set->tokens[0].name, "app");
	cr_expect_eq(set->tokens[0].role, ROLE_CLIENT);
	cr_expect_str_eq(set->tokens[0].secret, "s3cret");
	cr_expect_eq(set->tokens[1].role, ROLE_VIEWER);
	cr_expect_str_eq(set->tokens[1].secret, "abc");
	cr_expect_eq(set->tokens[2].role, ROLE_PUBLISHER);
	cr_expect_null(set->tokens[2].secret);
	cr_expect_eq(set->tokens[2].sha256[0], 0xba);
	cr_expect_eq(set->tokens[2].sha256[31], 0xad);
	cr_expect_eq(set->tokens[3].role, ROLE_OPERATOR);
	cr_expect_str_eq(set->tokens[3].secret, "SHA256:x");
}

Test(token_file, mistakes_are_told_with_their_line_and_without_the_token)
{
	bad("app client\n", "tokens.txt:1: expected `name role token`");
	bad("a client ok\napp client hunter2 more\n", "tokens.txt:2: expected `name role token`");
	bad("app admin hunter2\n", "tokens.txt:1: the role must be client, viewer, publisher or");
	bad("app client sha256:hunter2\n", "tokens.txt:1: sha256: must be followed by 64");
	bad("app client sha256:" HASH "0\n", "tokens.txt:1: sha256: must be followed by 64");
	bad("", "the token file holds no token");
	bad("# nobody\n", "the token file holds no token");
}
