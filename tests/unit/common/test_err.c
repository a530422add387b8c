#include <criterion/criterion.h>
#include <string.h>
#include "common/err.h"

Test(err, every_code_has_words_of_its_own)
{
	for (int a = WSB_OK; a <= WSB_ETIMEOUT; a++) {
		const char *text = wsb_err_text((enum wsb_err)a);

		cr_assert_not_null(text);
		cr_assert_str_neq(text, wsb_err_text((enum wsb_err)9999), "code %d", a);
		for (int b = WSB_OK; b < a; b++)
			cr_assert_str_neq(text, wsb_err_text((enum wsb_err)b));
	}
}

Test(err, an_unknown_code_is_not_null)
{
	cr_assert_str_eq(wsb_err_text((enum wsb_err)9999), "unknown error");
	cr_assert_not_null(wsb_err_text((enum wsb_err) - 1));
}
