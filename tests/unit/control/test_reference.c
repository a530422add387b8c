/* The pages in the tree say what the tables say. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include "broker/control/catalog.h"
#include "broker/control/config.h"

static void expect_page(const char *path, void (*print)(struct strbuf *out), const char *option)
{
	struct strbuf printed;
	struct strbuf page;
	char bytes[4096];
	FILE *file = fopen(path, "r");
	size_t len;

	cr_assert_not_null(file, "%s is not there: wsbroker %s > it", path, option);
	strbuf_init(&page);
	while ((len = fread(bytes, 1, sizeof(bytes), file)) > 0)
		strbuf_add(&page, span_of(bytes, len));
	fclose(file);
	strbuf_init(&printed);
	print(&printed);
	cr_assert_not(printed.failed);
	cr_expect(span_equal(strbuf_span(&page), strbuf_span(&printed)),
		  "%s is out of date: wsbroker %s > it", path, option);
	strbuf_fini(&page);
	strbuf_fini(&printed);
}

Test(reference, of_the_options)
{
	expect_page(REFERENCE_FOLDER "/options.md", config_reference, "--print-options");
}

Test(reference, of_the_metrics)
{
	expect_page(REFERENCE_FOLDER "/metrics.md", catalog_reference, "--print-metrics");
}
