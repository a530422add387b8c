#include "broker/admin/views_config.h"

#include <stdio.h>
#include <string.h>
#include "broker/admin/answer.h"
#include "broker/control/inventory.h"
#include "broker/control/proposal.h"
#include "broker/control/value_text.h"

#define REMOVED "(removed)"

static const char *const sources[] = {
	[SOURCE_DEFAULT] = "default",
	[SOURCE_FILE] = "file",
	[SOURCE_RUNTIME] = "runtime",
	[SOURCE_TUNER] = "tuner",
};

/* Numbers and truth as such, all else as a file would have it. */
static json_t *view_value(const struct config *config, const struct option *option,
			  const void *base)
{
	struct strbuf text;
	json_t *value = NULL;

	/* The form of a message that is a mapping has its parts in rows of their own. */
	if (option->size == 0 && option->type == OPTION_CHOICE)
		return config->envelope_is_jsonrpc ? json_string(option->choices[0]) : json_null();
	strbuf_init(&text);
	if (!value_shown(config, option, base, &text))
		value = json_null();
	else if (option->type == OPTION_NUMBER || option->type == OPTION_SHARE ||
		 option->type == OPTION_FLAG || option->type == OPTION_ACTION)
		value = json_loadb(strbuf_span(&text).at, text.len, JSON_DECODE_ANY, NULL);
	else
		value = answer_text(strbuf_span(&text).at);
	strbuf_fini(&text);
	return value;
}

/* The rest of the configuration is that of a file which says nothing. */
static json_t *view_default(const struct inventory_item *item)
{
	static const struct config nothing = {.envelope_is_jsonrpc = true};

	if (!item->option->fallback)
		return json_null();
	return view_value(&nothing, item->option, item->fallback);
}

/* "a whole number, 1 to 10000"; "debug, info, warn or error". */
static json_t *view_allowed(const struct option *option)
{
	bool is_choice = option->type == OPTION_CHOICE;
	char range[OPTION_RANGE_MAX];
	struct strbuf text;
	json_t *value;

	strbuf_init(&text);
	for (size_t i = 0; is_choice && option->choices[i]; i++)
		strbuf_printf(&text, "%s%s",
			      i == 0		       ? ""
			      : option->choices[i + 1] ? ", "
						       : " or ",
			      option->choices[i]);
	option_range(option, range);
	if (!is_choice)
		strbuf_printf(&text, "%s%s%s", option_expected(option), range[0] ? ", " : "",
			      range);
	value = answer_text(strbuf_span(&text).at);
	strbuf_fini(&text);
	return value;
}

static void add_author(json_t *row, const struct override *override)
{
	json_object_set_new(row, "who", override ? answer_text(override->actor) : json_null());
	json_object_set_new(row, "when", override ? answer_time(override->wall_us) : json_null());
	json_object_set_new(row, "why", override ? answer_text(override->reason) : json_null());
}

/* explained: also what it is for, which of all of them at once nobody reads. */
static json_t *view_item(const struct inventory_item *item, bool explained)
{
	const struct option *option = item->option;
	json_t *value = json_string(REMOVED);
	json_t *fallback = json_null();
	json_t *waiting = json_null();
	json_t *row;

	if (option) {
		json_decref(value);
		value = item->way == SETTING_DORMANT ? json_null()
						     : view_value(item->config, option, item->base);
		fallback = view_default(item);
	}
	if (item->waiting)
		waiting = view_value(item->file, option, item->waiting);
	row = json_pack("{s:o, s:o, s:o, s:o, s:s, s:b, s:b, s:o, s:o}", "key",
			answer_text(item->key), "value", value, "default", fallback, "pending",
			waiting, "source", sources[item->source], "changeable",
			item->way == SETTING_AT_ONCE, "needs_restart",
			item->way == SETTING_BY_START, "allowed",
			option && explained ? view_allowed(option) : json_null(), "description",
			answer_text(option && explained ? option->help : NULL));
	if (row)
		add_author(row, item->override);
	return row;
}

/* Where a size follows the load: what it is, and since when and why. The configuration does not
 * know: it is nobody's wish, and forgotten with the next start. */
static void tell_following(const struct pool_view *pool, json_t *row)
{
	json_int_t configured = json_integer_value(json_object_get(row, "value"));
	char why[160];

	snprintf(why, sizeof(why), "follows the load, from %u to %u", pool->size_min,
		 pool->size_max);
	json_object_set_new(row, "value", json_integer(pool->size));
	if (pool->size != configured)
		json_object_set_new(row, "source", json_string(sources[SOURCE_RUNTIME]));
	json_object_set_new(row, "who", json_string(AUTOSCALER));
	json_object_set_new(row, "when",
			    pool->scaled_why ? answer_time(pool->scaled_wall_us) : json_null());
	json_object_set_new(row, "why", answer_text(pool->scaled_why ? pool->scaled_why : why));
}

static const struct pool_view *following_pool(const struct snapshot *pools,
					      const struct inventory_item *item)
{
	const struct pool_settings *settings = item->base;

	if (!item->option || item->option->scope != SCOPE_POOL ||
	    strcmp(item->option->path, "size") != 0)
		return NULL;
	for (size_t i = 0; i < pools->pool_count; i++) {
		const struct pool_view *pool = &pools->pools[i];

		if (strcmp(pool->name, settings->name) == 0)
			return pool->autoscaled && !pool->pinned && !pool->tunnels ? pool : NULL;
	}
	return NULL;
}

struct gathering {
	json_t *array;
	const struct snapshot *pools;
	bool explained;
};

static void gather(void *context, const struct inventory_item *item)
{
	struct gathering *gathering = context;
	const struct pool_view *pool = following_pool(gathering->pools, item);
	json_t *row = view_item(item, gathering->explained);

	if (pool && row)
		tell_following(pool, row);
	json_array_append_new(gathering->array, row);
}

json_t *view_config(const struct configuration *configuration, const struct inventory_query *query,
		    const struct snapshot *pools)
{
	struct gathering gathering = {
		.array = json_array(), .pools = pools, .explained = query->pattern.at != NULL};

	if (inventory_walk(configuration, query, gather, &gathering) == WSB_OK)
		return gathering.array;
	json_decref(gathering.array);
	return NULL;
}

enum pick { PICK_ALL, PICK_RESTARTS, PICK_OTHERS };

static json_t *view_changes(const struct config_diff *diff, enum pick pick)
{
	json_t *array = json_array();

	for (size_t i = 0; i < diff->count; i++) {
		const struct config_change *change = &diff->changes[i];

		if (pick != PICK_ALL && change->restart != (pick == PICK_RESTARTS))
			continue;
		json_array_append_new(array, json_pack("{s:s, s:o, s:o}", "key", change->key,
						       "before", answer_text(change->before),
						       "after", answer_text(change->after)));
	}
	return array;
}

json_t *view_step(const struct configuration *configuration)
{
	return json_pack("{s:I, s:o, s:o, s:o, s:o}", "generation",
			 (json_int_t)configuration->generation, "changed",
			 view_changes(&configuration->applied, PICK_ALL), "restart_needed",
			 view_changes(&configuration->pending, PICK_RESTARTS), "kept",
			 view_changes(&configuration->pending, PICK_OTHERS), "state",
			 answer_text(configuration->running->state));
}

static json_t *view_difference(const struct inventory_item *item)
{
	const struct override *override = item->override;
	bool secret = item->option && item->option->secret;
	json_t *row = json_pack("{s:s, s:o, s:o}", "key", item->key, "file",
				override->under && secret ? json_string(VALUE_SECRET)
							  : answer_text(override->under),
				"running",
				item->option ? view_value(item->config, item->option, item->base)
					     : json_string(REMOVED));

	if (row)
		add_author(row, override);
	return row;
}

struct differences {
	const struct configuration *configuration;
	json_t *array;
};

static void gather_difference(void *context, const struct inventory_item *item)
{
	struct differences *differences = context;

	if (item->override && proposal_differs(differences->configuration, item->override))
		json_array_append_new(differences->array, view_difference(item));
}

json_t *view_config_diff(const struct configuration *configuration)
{
	static const struct inventory_query changed = {.changed = true};
	struct differences differences = {configuration, json_array()};
	json_t *value = NULL;
	struct strbuf text;

	strbuf_init(&text);
	if (inventory_walk(configuration, &changed, gather_difference, &differences) == WSB_OK &&
	    proposal_write(configuration, &text) == WSB_OK)
		value = json_pack("{s:o, s:O, s:o, s:o}", "file",
				  answer_text(configuration->source.file), "runtime",
				  differences.array, "restart_needed",
				  view_changes(&configuration->pending, PICK_RESTARTS), "yaml",
				  answer_text(strbuf_span(&text).at));
	json_decref(differences.array);
	strbuf_fini(&text);
	return value;
}
