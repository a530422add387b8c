#include "broker/control/proposal.h"

#include <string.h>
#include "broker/control/entry.h"
#include "broker/control/key.h"
#include "broker/control/places.h"
#include "broker/control/value_text.h"
#include "common/clock.h"

#define INDENT 2

struct writer {
	const struct configuration *configuration;
	struct places places;
	struct strbuf *out;
};

/* One struct of the running configuration. */
struct level {
	enum option_scope scope;
	const void *base;
	const void *file;   /* the same in what the file says; NULL: it is new */
	const char *prefix; /* "pools.main." */
	int indent;
	char section[64]; /* that is open: "autoscale." */
};

static void write_level(struct writer *writer, struct level *level);

/* The running value of a key as a file would have it; false: there is none. */
static bool running_text(const struct config *running, const char *key, struct strbuf *out)
{
	struct key_target target;

	return key_find(running, span_text(key), &target) && !target.entry &&
	       value_text(running, target.option, target.base, out);
}

bool proposal_differs(const struct configuration *configuration, const struct override *change)
{
	struct strbuf text;
	bool any, same;

	if (change->kind != OVERRIDE_VALUE)
		return true;
	strbuf_init(&text);
	any = running_text(configuration->running, change->key, &text);
	same = any == (change->under != NULL) &&
	       (!any || span_is(strbuf_span(&text), change->under));
	strbuf_fini(&text);
	return !same;
}

/* Whether anything that begins so is to be written. */
static bool is_touched(const struct writer *writer, const char *prefix)
{
	const struct overrides *overrides = &writer->configuration->overrides;
	size_t len = strlen(prefix);

	list_each(&overrides->list, node) {
		const struct override *change = list_entry(node, struct override, link);
		bool below = strncmp(change->key, prefix, len) == 0;

		if (change->kind != OVERRIDE_REMOVED &&
		    (below ||
		     (change->kind == OVERRIDE_ADDED && prefix[len - 1] == '.' &&
		      strncmp(change->key, prefix, len - 1) == 0 && !change->key[len - 1])) &&
		    proposal_differs(writer->configuration, change))
			return true;
	}
	return false;
}

/* "; ann at 2026-11-22T07:12:00.000Z: two nodes carry it all" */
static void write_author(struct writer *writer, const struct override *change)
{
	char when[CLOCK_TEXT_MAX];

	clock_text(change->wall_us, when);
	strbuf_plain(writer->out, span_text(change->actor));
	strbuf_printf(writer->out, " at %s", when);
	if (change->reason[0]) {
		strbuf_text(writer->out, ": ");
		strbuf_plain(writer->out, span_text(change->reason));
	}
}

/* Where it stands in the file, and what it says there. */
static void write_comment(struct writer *writer, const struct override *change, bool secret)
{
	struct span key = span_text(change->key);
	size_t before;

	strbuf_text(writer->out, "  # ");
	before = writer->out->len;
	places_write(&writer->places, key, writer->out);
	if (writer->out->len > before)
		strbuf_text(writer->out, places_key(&writer->places, key) ? " says " : ": ");
	if (!change->under && writer->out->len == before)
		strbuf_text(writer->out, "new");
	else if (!change->under)
		strbuf_text(writer->out, "nothing");
	else if (secret)
		strbuf_text(writer->out, "another");
	else
		strbuf_plain(writer->out, span_text(change->under));
	if (change->under && !places_key(&writer->places, key))
		strbuf_text(writer->out, " by default");
	strbuf_text(writer->out, "; ");
	write_author(writer, change);
	strbuf_text(writer->out, "\n");
}

static void write_indent(struct writer *writer, const struct level *level)
{
	strbuf_printf(writer->out, "%*s", level->indent, "");
}

/* Opens the sections of an option that are not open yet. Returns its own name in them. */
static const char *open_sections(struct writer *writer, struct level *level, const char *path,
				 int *indent)
{
	const char *name = path;

	*indent = level->indent;
	for (const char *dot; (dot = strchr(name, '.')); name = dot + 1) {
		if (strncmp(level->section, path, (size_t)(dot - path) + 1) != 0)
			strbuf_printf(writer->out, "%*s%.*s:\n", *indent, "", (int)(dot - name),
				      name);
		*indent += INDENT;
	}
	snprintf(level->section, sizeof(level->section), "%.*s", (int)(name - path), path);
	return name;
}

/* Numbers and words of the table stand as they are; texts in quotes where they need them. */
static void write_value(struct writer *writer, const struct level *level,
			const struct option *option)
{
	struct strbuf text;

	strbuf_init(&text);
	value_shown(writer->configuration->running, option, level->base, &text);
	if (option->type == OPTION_FLAG || option->type == OPTION_NUMBER ||
	    option->type == OPTION_SHARE || option->type == OPTION_DURATION ||
	    option->type == OPTION_SIZE)
		strbuf_add(writer->out, strbuf_span(&text));
	else
		yaml_scalar(writer->out, strbuf_span(&text));
	strbuf_fini(&text);
}

/* A size that bounds which were changed at runtime do not allow. */
static bool is_put_right(const struct writer *writer, const struct level *level,
			 const struct option *option)
{
	const struct configuration *configuration = writer->configuration;

	return level->scope == SCOPE_POOL && level->file && !option->restart &&
	       option_is_scalar(option) &&
	       !value_same(configuration->running, level->base, configuration->file, level->file,
			   option);
}

/* A size that is pinned may lie below `autoscale.min`, but a file that says so is refused. Returns
 * the bound that goes together with it; 0: the option is no such bound, or lets the size be. */
static uint32_t bound_to_write(const struct level *level, const struct option *option)
{
	const struct pool_settings *pool = level->base;

	if (level->scope != SCOPE_POOL || strcmp(option->path, "autoscale.min") != 0 ||
	    !pool->autoscale.enabled || pool->size >= pool->autoscale.min)
		return 0;
	return pool->size;
}

static void write_option(struct writer *writer, struct level *level, const struct option *option)
{
	uint32_t bound = bound_to_write(level, option);
	const struct override *change;
	const char *name;
	struct strbuf key;
	int indent;

	strbuf_init(&key);
	strbuf_printf(&key, "%s%s", level->prefix, option->path);
	change = overrides_find(&writer->configuration->overrides, strbuf_span(&key));
	strbuf_fini(&key);
	if (bound == 0 && (change ? !proposal_differs(writer->configuration, change)
				  : !is_put_right(writer, level, option)))
		return;
	name = open_sections(writer, level, option->path, &indent);
	strbuf_printf(writer->out, "%*s%s: ", indent, "", name);
	if (bound > 0) {
		strbuf_printf(writer->out, "%u  # `size` is pinned below ", bound);
		write_value(writer, level, option);
		strbuf_text(writer->out, "\n");
		return;
	}
	write_value(writer, level, option);
	if (change)
		write_comment(writer, change, option->secret);
	else
		strbuf_text(writer->out, "  # as the rest makes it\n");
}

static const struct option *option_at(enum option_scope scope, enum option_type type)
{
	for (size_t i = 0; i < option_count; i++)
		if (options[i].scope == scope && options[i].type == type)
			return &options[i];
	return NULL;
}

/* An endpoint that the file does not have needs its address, of which the path may be a secret. */
static void write_address(struct writer *writer, const struct level *level,
			  const struct override *added)
{
	const struct endpoint_settings *endpoint = level->base;

	write_indent(writer, level);
	strbuf_text(writer->out, "url: ");
	write_value(writer, level, option_at(SCOPE_ENDPOINT, OPTION_URL));
	strbuf_printf(writer->out, "  # %snew; ",
		      strcmp(endpoint->path, "/") != 0 ? "its path is not shown: fill it in; "
						       : "");
	write_author(writer, added);
	strbuf_text(writer->out, "\n");
}

static void write_entry(struct writer *writer, const struct level *level, const struct option *list,
			size_t position)
{
	struct level inner = {.scope = list->items,
			      .base = entry_at(list, level->base, position),
			      .indent = level->indent + 2 * INDENT};
	const struct override *added;
	struct strbuf prefix;

	strbuf_init(&prefix);
	entry_key(&prefix, level->prefix, list, inner.base, position);
	added = overrides_find(&writer->configuration->overrides, strbuf_span(&prefix));
	strbuf_text(&prefix, ".");
	inner.prefix = strbuf_span(&prefix).at;
	if (level->file)
		inner.file = entry_find(list, level->file,
					span_text(entry_name(list->items, inner.base)));
	if (is_touched(writer, inner.prefix)) {
		strbuf_printf(writer->out, "%*s- %s: ", level->indent + INDENT, "",
			      list->items == SCOPE_LISTENER ? "address" : "name");
		yaml_scalar(writer->out, span_text(entry_name(list->items, inner.base)));
		strbuf_text(writer->out, "\n");
		if (added && added->kind == OVERRIDE_ADDED)
			write_address(writer, &inner, added);
		write_level(writer, &inner);
	}
	strbuf_fini(&prefix);
}

static void write_list(struct writer *writer, struct level *level, const struct option *list)
{
	struct strbuf prefix;

	strbuf_init(&prefix);
	strbuf_printf(&prefix, "%s%s.", level->prefix, list->path);
	if (is_touched(writer, strbuf_span(&prefix).at)) {
		level->section[0] = '\0';
		write_indent(writer, level);
		strbuf_printf(writer->out, "%s:\n", list->path);
		for (size_t i = 0; i < entry_count(list, level->base); i++)
			write_entry(writer, level, list, i);
	}
	strbuf_fini(&prefix);
}

static void write_level(struct writer *writer, struct level *level)
{
	for (size_t i = 0; i < option_count; i++) {
		const struct option *option = &options[i];

		if (option->scope != level->scope)
			continue;
		if (option->type != OPTION_LIST)
			write_option(writer, level, option);
		else if (entries_have_names(option->items))
			write_list(writer, level, option);
	}
}

static void write_removed(struct writer *writer)
{
	bool any = false;

	list_each(&writer->configuration->overrides.list, node) {
		const struct override *change = list_entry(node, struct override, link);

		if (change->kind != OVERRIDE_REMOVED)
			continue;
		if (!any)
			strbuf_text(writer->out, "# To be taken out of the file:\n");
		any = true;
		strbuf_printf(writer->out, "# %s: ", change->key);
		places_write(&writer->places, span_text(change->key), writer->out);
		strbuf_text(writer->out, "; ");
		write_author(writer, change);
		strbuf_text(writer->out, "\n");
	}
}

static void write_waiting(struct writer *writer)
{
	const struct config_diff *pending = &writer->configuration->pending;
	bool any = false;

	for (size_t i = 0; i < pending->count; i++) {
		const struct config_change *change = &pending->changes[i];

		if (!change->restart)
			continue;
		if (!any)
			strbuf_text(writer->out, "# In the file, and waits for a restart:\n");
		any = true;
		strbuf_printf(writer->out, "# %s: ", change->key);
		strbuf_plain(writer->out, span_text(change->after ? change->after : "nothing"));
		strbuf_text(writer->out, "; runs: ");
		strbuf_plain(writer->out, span_text(change->before ? change->before : "nothing"));
		strbuf_text(writer->out, "; ");
		places_write(&writer->places, span_text(change->key), writer->out);
		strbuf_text(writer->out, "\n");
	}
}

static void write_head(struct writer *writer)
{
	const char *file = writer->configuration->source.file;

	if (!file)
		strbuf_text(writer->out, "# Changed at runtime. There is no file that could say so "
					 "(serve URL...).\n");
	else
		strbuf_printf(writer->out,
			      "# Changed at runtime. Write it into %s, then: wsbroker config "
			      "reload\n",
			      file);
}

enum wsb_err proposal_write(const struct configuration *configuration, struct strbuf *out)
{
	struct writer writer = {.configuration = configuration, .out = out};
	struct level level = {.scope = SCOPE_CONFIG,
			      .base = configuration->running,
			      .file = configuration->file,
			      .prefix = ""};
	size_t before = out->len;
	enum wsb_err err = places_open(&writer.places, &configuration->source, configuration->file);

	if (err)
		return err;
	if (is_touched(&writer, ""))
		write_head(&writer);
	write_level(&writer, &level);
	write_removed(&writer);
	write_waiting(&writer);
	if (out->len == before)
		strbuf_text(out, "# Nothing that runs differs from the file.\n");
	places_close(&writer.places);
	return out->failed ? WSB_ENOMEM : WSB_OK;
}
