#include <string.h>
#include "broker/admin/answer.h"
#include "broker/admin/reads.h"
#include "broker/admin/views_config.h"
#include "broker/control/inventory.h"
#include "common/query.h"

#define KEY_MAX 512

static bool only_asks_for_key(const struct admin_exchange *exchange)
{
	struct span rest = span_text(exchange->call->query);
	struct span name, value;

	while (query_next(&rest, &name, &value)) {
		if (span_is(name, "key"))
			continue;
		answer_problem(exchange->response, 400, "The only parameter there is is key.");
		return false;
	}
	return true;
}

static void answer_unknown(struct admin_exchange *exchange, struct span key)
{
	struct strbuf detail;

	strbuf_init(&detail);
	strbuf_plain(&detail, key);
	strbuf_text(&detail, ": there is no such key");
	inventory_suggest(exchange->backend->configuration, key, &detail);
	answer_problem(exchange->response, 404, strbuf_span(&detail).at);
	strbuf_fini(&detail);
}

void read_config(struct admin_exchange *exchange)
{
	char room[KEY_MAX];
	struct span key = query_value(span_text(exchange->call->query), "key", room, sizeof(room));
	json_t *array;

	if (!only_asks_for_key(exchange))
		return;
	if (key.len == 0)
		key = span_of(NULL, 0);
	array = view_config(exchange->backend->configuration, key);
	if (array && key.at && json_array_size(array) == 0) {
		json_decref(array);
		answer_unknown(exchange, key);
		return;
	}
	answer_json(exchange->response, 200, array);
}

void read_config_diff(struct admin_exchange *exchange)
{
	answer_json(exchange->response, 200, view_config_diff(exchange->backend->configuration));
}
