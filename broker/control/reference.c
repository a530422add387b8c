#include "broker/control/config.h"
#include "broker/control/options.h"

static void add_choices(const struct option *option, struct strbuf *out)
{
	for (size_t i = 0; option->choices[i]; i++)
		strbuf_printf(out, "%s`%s`", i > 0 ? ", " : "", option->choices[i]);
}

static void add_row(const struct option *option, struct strbuf *out)
{
	bool list = option->type == OPTION_LIST || option->type == OPTION_TEXTS;
	char range[OPTION_RANGE_MAX];

	strbuf_printf(out, "| `%s%s%s` | ", option_scopes[option->scope].prefix, option->path,
		      list ? "[]" : "");
	if (option->choices)
		add_choices(option, out);
	if (option->type == OPTION_SHARING)
		strbuf_text(out, " or a list of JSON pointers");
	if (!option->choices)
		strbuf_text(out, option_type_name(option->type));
	strbuf_text(out, " | ");
	if (option->fallback)
		strbuf_printf(out, "`%s`", option->fallback);
	else if (option->required)
		strbuf_text(out, "**required**");
	option_range(option, range);
	strbuf_printf(out, " | %s | %s | %s |\n", range, option->restart ? "restart" : "",
		      option->help);
}

void config_reference(struct strbuf *out)
{
	strbuf_text(
		out,
		"# Options\n\n"
		"The configuration is one YAML file. Only `pools` is required. Durations are "
		"written `250ms`, `5s`, `2m`, sizes `64KiB`, `1MiB`. `${NAME}` in a value is "
		"replaced from the environment (`$$` is a dollar sign); paths begin at the "
		"folder of the file.\n"
		"`wsbroker check-config -c FILE` tells what is wrong with a file. A running broker "
		"takes "
		"changes over with `wsbroker config reload` (or SIGHUP), but for those that need "
		"a restart. This page is printed by `wsbroker --print-options`.\n\n"
		"| Key | Type | Default | Range | Changes | Meaning |\n"
		"|---|---|---|---|---|---|\n");
	for (size_t i = 0; i < option_count; i++)
		add_row(&options[i], out);
}
