#include "broker/tool/answer.h"

#include <stdlib.h>
#include "broker/tool/pretty.h"
#include "broker/tool/tree.h"

void answer_result(const struct message *message, struct strbuf *out)
{
	pretty_json(message->result, out);
	strbuf_text(out, "\n");
	if (!message->options.at)
		return;
	strbuf_text(out, "wsbroker ");
	pretty_json(message->options, out);
	strbuf_text(out, "\n");
}

/* What a server writes goes to a terminal: characters that steer it are shown escaped. */
static void add_harmless(struct strbuf *out, const json_t *text)
{
	struct strbuf quoted;

	strbuf_init(&quoted);
	strbuf_json(&quoted, span_of(json_string_value(text), json_string_length(text)));
	if (!quoted.failed)
		strbuf_add(out, span_of(quoted.text + 1, quoted.len - 2));
	strbuf_fini(&quoted);
}

static void add_data(struct strbuf *out, const json_t *data)
{
	char *text = json_dumps(data, JSON_ENCODE_ANY);

	if (text) {
		pretty_json(span_text(text), out);
		strbuf_text(out, "\n");
	}
	free(text);
}

void answer_error(struct span error, struct strbuf *out)
{
	json_t *tree = tree_of(error);
	const json_t *code = json_object_get(tree, "code");
	const json_t *message = json_object_get(tree, "message");
	const json_t *data = json_object_get(tree, "data");
	const json_t *reason = json_object_get(data, "reason");

	if (!json_is_number(code) || !json_is_string(message)) {
		strbuf_text(out, "error ");
		pretty_json(error, out);
		strbuf_text(out, "\n");
		json_decref(tree);
		return;
	}
	strbuf_printf(out, "error %.17g", json_number_value(code));
	if (json_is_string(reason)) {
		strbuf_text(out, " ");
		add_harmless(out, reason);
	}
	strbuf_text(out, ": ");
	add_harmless(out, message);
	strbuf_text(out, "\n");
	if (data)
		add_data(out, data);
	json_decref(tree);
}
