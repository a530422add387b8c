#include "broker/tool/expectation.h"

#include <string.h>
#include "broker/tool/tree.h"
#include "broker/tool/workload.h"
#include "proto/partial.h"

enum wsb_err expectation_init(struct expectation *expectation, const char *text)
{
	*expectation = (struct expectation){.text = span_text(text)};
	strbuf_init(&expectation->expanded);
	if (!text)
		return WSB_OK;
	expectation->keyed = strstr(text, TEMPLATE_KEY) != NULL;
	if (expectation->keyed)
		return WSB_OK;
	expectation->tree = tree_of(expectation->text);
	return expectation->tree ? WSB_OK : WSB_EPARSE;
}

void expectation_fini(struct expectation *expectation)
{
	json_decref(expectation->tree);
	strbuf_fini(&expectation->expanded);
}

static bool contains(const json_t *expected, struct span result)
{
	json_t *actual = tree_of(result);
	bool met = expected && actual && partial_match(expected, actual);

	json_decref(actual);
	return met;
}

bool expectation_met(struct expectation *expectation, uint64_t key, struct span result)
{
	json_t *expected;
	bool met;

	if (!expectation->text.at)
		return true;
	if (!expectation->keyed)
		return span_equal(expectation->text, result) || contains(expectation->tree, result);
	strbuf_clear(&expectation->expanded);
	template_expand(expectation->text, key, &expectation->expanded);
	if (span_equal(strbuf_span(&expectation->expanded), result))
		return true;
	expected = tree_of(strbuf_span(&expectation->expanded));
	met = contains(expected, result);
	json_decref(expected);
	return met;
}
