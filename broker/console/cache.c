#include "broker/console/cache.h"

#include "broker/console/ask.h"
#include "broker/console/cells.h"
#include "broker/console/console.h"
#include "broker/console/show.h"
#include "proto/admin_api.h"

static json_int_t number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static void add_bytes(const json_t *cache, struct strbuf *out)
{
	char used[HUMAN_TEXT_MAX], limit[HUMAN_TEXT_MAX];
	char kept[HUMAN_TEXT_MAX], plain[HUMAN_TEXT_MAX];

	human_bytes((double)number(cache, "bytes"), used);
	human_bytes((double)number(cache, "bytes_limit"), limit);
	human_bytes((double)number(cache, "payload_bytes"), kept);
	human_bytes((double)number(cache, "payload_plain_bytes"), plain);
	strbuf_printf(out, "memory        %s of at most %s\n", used, limit);
	strbuf_printf(out, "payload       %s, served as %s\n", kept, plain);
}

/* "error 3, tag_missing 1": what has not happened left out. */
static void add_not_stored(const json_t *cache, struct strbuf *out)
{
	const char *separator = "";
	const char *reason;
	json_t *count;

	strbuf_text(out, "not stored    ");
	json_object_foreach(json_object_get(cache, "not_stored"), reason, count)
	{
		if (json_integer_value(count) == 0)
			continue;
		strbuf_text(out, separator);
		strbuf_plain(out, span_text(reason));
		strbuf_printf(out, " %" JSON_INTEGER_FORMAT, json_integer_value(count));
		separator = ", ";
	}
	strbuf_text(out, separator[0] ? "\n" : "-\n");
}

static void add_share(const json_t *cache, const char *name, struct strbuf *out)
{
	const json_t *ratio = json_object_get(cache, name);

	if (json_is_number(ratio))
		strbuf_printf(out, "%.1f %%\n", 100 * json_number_value(ratio));
	else
		strbuf_text(out, "-\n");
}

static void page_stats(const json_t *cache, struct strbuf *out)
{
	strbuf_printf(out, "entries       %" JSON_INTEGER_FORMAT ", ", number(cache, "entries"));
	strbuf_plain(out, span_text(cells_text_of(cache, "policy")));
	strbuf_text(out, "\n");
	add_bytes(cache, out);
	strbuf_text(out, "hit ratio     ");
	add_share(cache, "hit_ratio", out);
	strbuf_printf(out, "upstream      %" JSON_INTEGER_FORMAT " requests saved, ",
		      number(cache, "upstream_saved"));
	add_share(cache, "upstream_saved_ratio", out);
	strbuf_printf(out,
		      "look-ups      hit %" JSON_INTEGER_FORMAT ", stale %" JSON_INTEGER_FORMAT
		      ", stale after an error %" JSON_INTEGER_FORMAT ", miss %" JSON_INTEGER_FORMAT
		      " (coalesced %" JSON_INTEGER_FORMAT ")\n",
		      number(cache, "hits"), number(cache, "stale"), number(cache, "stale_error"),
		      number(cache, "misses"), number(cache, "coalesced"));
	strbuf_printf(out,
		      "refreshed     stale %" JSON_INTEGER_FORMAT ", ahead %" JSON_INTEGER_FORMAT
		      ", prefetched %" JSON_INTEGER_FORMAT " (used %" JSON_INTEGER_FORMAT
		      ", wasted %" JSON_INTEGER_FORMAT ")\n",
		      number(cache, "refreshed_stale"), number(cache, "refreshed_ahead"),
		      number(cache, "prefetched"), number(cache, "prefetched_used"),
		      number(cache, "prefetched_wasted"));
	strbuf_printf(out, "stored        %" JSON_INTEGER_FORMAT "\n", number(cache, "stored"));
	add_not_stored(cache, out);
	strbuf_printf(out,
		      "gone          evicted %" JSON_INTEGER_FORMAT
		      ", expired %" JSON_INTEGER_FORMAT ", invalidated %" JSON_INTEGER_FORMAT "\n",
		      number(cache, "evictions"), number(cache, "expirations"),
		      number(cache, "invalidated"));
}

int cache_stats(const struct invocation *invocation)
{
	return show(invocation, ADMIN_CACHE, JSON_OBJECT, page_stats);
}

/* "property:42 +3": the first tag, and how many more there are. */
static void cell_tags(struct table *table, const json_t *entry)
{
	const json_t *tags = json_object_get(entry, "tags");
	const char *first = json_string_value(json_array_get(tags, 0));
	size_t count = json_array_size(tags);

	if (count > 1)
		table_printf(table, "%s +%zu", first ? first : "-", count - 1);
	else
		table_cell(table, first ? first : "-");
}

static void page_entries(const json_t *entries, struct strbuf *out)
{
	static const struct table_column columns[] = {
		{"KEY", false}, {"METHOD", false}, {"STATE", false}, {"AGE", true},
		{"TTL", true},	{"HITS", true},	   {"BYTES", true},  {"TAGS", false},
	};
	struct table table;

	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	table.widest = 0; /* what may be copied is whole */
	for (size_t i = 0; i < json_array_size(entries); i++) {
		const json_t *entry = json_array_get(entries, i);

		cell_text(&table, entry, "key");
		cell_text(&table, entry, "method");
		cell_text(&table, entry, "state");
		cell_duration(&table, entry, "age_seconds");
		cell_duration(&table, entry, "ttl_seconds");
		cell_number(&table, entry, "hits");
		cell_bytes(&table, entry, "bytes");
		cell_tags(&table, entry);
	}
	table_write(&table, out);
	table_fini(&table);
}

/* Whether there is such an entry; else it is said. */
static int look_for(const struct invocation *invocation, const char *path)
{
	struct answer answer;
	int code;

	answer_init(&answer);
	code = ask_get(invocation->client, path, JSON_ARRAY, &answer);
	if (code == EXIT_DONE && json_array_size(answer.value) == 0)
		code = ask_complain(EXIT_FAILED, "no entry is called", invocation->operands[0]);
	answer_fini(&answer);
	return code;
}

int cache_get(const struct invocation *invocation)
{
	struct strbuf path;
	int code = EXIT_DONE;

	strbuf_init(&path);
	strbuf_text(&path, ADMIN_CACHE_ENTRIES "?key=");
	ask_escape(&path, invocation->operands[0]);
	strbuf_text(&path, "&limit=1");
	if (path.failed)
		code = ask_complain(EXIT_FAILED, "out of memory", "");
	if (code == EXIT_DONE)
		code = look_for(invocation, strbuf_span(&path).at);
	if (code == EXIT_DONE)
		code = show(invocation, strbuf_span(&path).at, JSON_ARRAY, page_entries);
	strbuf_fini(&path);
	return code;
}
