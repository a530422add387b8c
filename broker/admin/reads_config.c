#include "broker/admin/answer.h"
#include "broker/admin/filter.h"
#include "broker/admin/reads.h"
#include "broker/admin/views_config.h"
#include "broker/control/inventory.h"
#include "proto/admin_api.h"

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

/* Where the next page is (RFC 8288). */
static void link_next(struct admin_exchange *exchange, const struct config_filter *filter)
{
	struct strbuf link;

	strbuf_init(&link);
	strbuf_printf(&link, "<" ADMIN_CONFIG "?cursor=%zu&limit=%zu",
		      filter->query.from + filter->query.count, filter->query.count);
	filter_add(&link, "key", filter->query.pattern.at ? filter->key : NULL);
	filter_link_next(exchange->response, &link);
}

void read_config(struct admin_exchange *exchange)
{
	struct config_filter filter;
	json_t *array;
	size_t count;

	if (!filter_read_config(exchange, ADMIN_CONFIG_ROWS, &filter))
		return;
	array = view_config(exchange->backend->configuration, &filter.query, exchange->snapshot);
	count = json_array_size(array);
	if (array && filter.query.pattern.at && filter.query.from == 0 && count == 0) {
		json_decref(array);
		answer_unknown(exchange, filter.query.pattern);
		return;
	}
	answer_json(exchange->response, 200, array);
	if (count == filter.query.count)
		link_next(exchange, &filter);
}

void read_config_diff(struct admin_exchange *exchange)
{
	answer_json(exchange->response, 200, view_config_diff(exchange->backend->configuration));
}
