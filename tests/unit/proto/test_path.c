/* Where paths lead, in both encodings. */
#include <criterion/criterion.h>

#include "common/strbuf.h"
#include "proto/path.h"
#include "proto/transcode.h"
#include "proto/value_walk.h"

static const char sample[] =
	" {\"id\":1,\"method\":\"m\",\"params\":{\"subscription\":\"0x1\",\"list\":[{\"a\":1},{"
	"\"a\":2},"
	"{\"b\":3},7],\"empty\":{},\"t\\u0065xt\":\"esc\",\"n\":[[5,6],[]]},\"a/b\":{\"~\":true}} ";

static bool gather(void *context, struct span token)
{
	struct strbuf *out = context;

	if (out->len > 0)
		strbuf_text(out, " ");
	strbuf_add(out, token);
	return true;
}

/* What stands at the path, in JSON. */
static void expect(const char *text, const char *wanted)
{
	struct envelope *envelope;
	struct strbuf found, packed;
	struct message message;
	struct path path;
	const char *why;

	cr_assert_eq(path_compile(&path, span_text(text), &why), WSB_OK, "%s: %s", text, why);
	cr_assert_eq(envelope_create(&envelope, NULL, NULL, 0), WSB_OK);
	strbuf_init(&found);
	strbuf_init(&packed);
	cr_assert_eq(
		envelope_scan(envelope, FROM_UPSTREAM, ENCODING_JSON, span_text(sample), &message),
		WSB_OK);
	strbuf_text(&found, "");
	path_walk(&path, &message, gather, &found);
	cr_assert_str_eq(found.text, wanted, "%s", text);

	/* The same in MessagePack. */
	cr_assert_eq(transcode(ENCODING_JSON, ENCODING_MSGPACK, span_text(sample), &packed),
		     WSB_OK);
	cr_assert_eq(envelope_scan(envelope, FROM_UPSTREAM, ENCODING_MSGPACK, strbuf_span(&packed),
				   &message),
		     WSB_OK);
	strbuf_clear(&found);
	if (*wanted && !strchr(wanted, ' ')) {
		struct span first = path_first(&path, &message);

		cr_assert_not_null(first.at, "%s", text);
		cr_assert_eq(transcode(ENCODING_MSGPACK, ENCODING_JSON, first, &found), WSB_OK);
		cr_assert_str_eq(found.text, wanted, "%s", text);
	}
	strbuf_fini(&packed);
	strbuf_fini(&found);
	envelope_destroy(envelope);
}

Test(path, leads_where_it_says)
{
	static const struct {
		const char *path;
		const char *wanted;
	} table[] = {
		{"params.subscription", "\"0x1\""},
		{"params.list[0].a", "1"},
		{"params.list[1]", "{\"a\":2}"},
		{"params.list[*].a", "1 2"},
		{"params.list[9]", ""},
		{"params.text", "\"esc\""},
		{"params.n[*][*]", "5 6"},
		{"params.empty", "{}"},
		{"params.empty.x", ""},
		{"params.subscription.x", ""},
		{"params.subscription[0]", ""},
		{"result", ""},
		{"/params/subscription", "\"0x1\""},
		{"/params/list/1/a", "2"},
		{"/a~1b/~0", "true"},
		{"/id", "1"},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		expect(table[i].path, table[i].wanted);
}

Test(path, nonsense_is_refused)
{
	static const char *const table[] = {
		"",
		"id",
		"params.",
		"params..a",
		"params[",
		"params[-1]",
		"params[01]",
		"params[]",
		"params[**]",
		"params.a[1",
		"paramsx",
		"/a~2",
		"/a~",
		"params x",
		"params.a.b.c.d.e.f.g.h.i",
		"/1/2/3/4/5/6/7/8/9",
		"params.aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggggggggggh",
	};
	struct path path;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const char *why = NULL;

		cr_assert_eq(path_compile(&path, span_text(table[i]), &why), WSB_EINVAL, "%s",
			     table[i]);
		cr_assert_not_null(why);
	}
}

Test(value_walk, visits_each_member_once)
{
	static const struct {
		const char *json;
		const char *wanted;
	} table[] = {
		{"[]", ""},
		{"{}", ""},
		{" [ 1 , [2,3] , {\"a\":4} ] ", "1 [2,3] {\"a\":4}"},
		{"{ \"a\" : 1 , \"b\\\"\" : [ ] }", "\"a\" 1 \"b\\\"\" [ ]"},
		{"[\"]\",\"}\"]", "\"]\" \"}\""},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct value_walk walk;
		struct span name, value;
		struct strbuf out;

		strbuf_init(&out);
		strbuf_text(&out, "");
		cr_assert(value_walk_begin(&walk, ENCODING_JSON,
					   value_trim(ENCODING_JSON, span_text(table[i].json))));
		while (value_walk_next(&walk, &name, &value)) {
			if (walk.object)
				gather(&out, name);
			gather(&out, value);
		}
		cr_assert_str_eq(out.text, table[i].wanted);
		strbuf_fini(&out);
	}
}
