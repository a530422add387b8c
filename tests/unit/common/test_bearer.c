#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "common/bearer.h"

/* What a file of this text gives; NULL: it is refused, and why says why. */
static const char *found(const char *text, const char **why)
{
	static char room[BEARER_MAX];
	char path[] = "/tmp/test-bearer-XXXXXX";
	int fd = mkstemp(path);
	const char *token = NULL;
	FILE *file = fdopen(fd, "w");

	cr_assert_not_null(file);
	fputs(text, file);
	fclose(file);
	if (bearer_find(path, room, &token, why) != WSB_OK)
		cr_expect_null(token);
	unlink(path);
	return token;
}

Test(bearer, the_first_line_of_a_file_is_a_token)
{
	const char *why;

	cr_expect_str_eq(found("s3cret\n", &why), "s3cret");
	cr_expect_str_eq(found("s3cret \t\r\nof nobody\n", &why), "s3cret");
	cr_expect_str_eq(found("s3cret", &why), "s3cret");
	cr_expect_null(found("", &why));
	cr_expect_str_eq(why, "holds no token in its first line");
	cr_expect_null(found("\ns3cret\n", &why));
	cr_expect_null(found("anna operator s3cret\n", &why));
	cr_expect_str_eq(why, "its first line is no token: it holds a space or a character beyond "
			      "ASCII");
}

Test(bearer, a_file_goes_before_the_environment)
{
	char room[BEARER_MAX];
	const char *token = "";
	const char *why = "";

	unsetenv("WSBROKER_TOKEN");
	cr_expect_eq(bearer_find(NULL, room, &token, &why), WSB_OK);
	cr_expect_null(token);
	setenv("WSBROKER_TOKEN", "", 1);
	cr_expect_eq(bearer_find(NULL, room, &token, &why), WSB_OK);
	cr_expect_null(token);
	setenv("WSBROKER_TOKEN", "from-outside", 1);
	cr_expect_eq(bearer_find(NULL, room, &token, &why), WSB_OK);
	cr_expect_str_eq(token, "from-outside");
	cr_expect_str_eq(found("from-a-file\n", &why), "from-a-file");
	cr_expect_eq(bearer_find("/nowhere/at/all", room, &token, &why), WSB_EINVAL);
	cr_expect_str_eq(why, "cannot be read");
	cr_expect_null(token);
	setenv("WSBROKER_TOKEN", "a\nb", 1);
	cr_expect_eq(bearer_find(NULL, room, &token, &why), WSB_EINVAL);
	cr_expect_str_eq(why, "the token holds a space or a character beyond ASCII");
}
