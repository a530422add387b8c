#include <stdio.h>

#include "broker/tool/commands.h"
#include "broker/tool/load.h"
#include "broker/tool/report.h"

static int print(const struct report *report, bool json)
{
	struct strbuf text;
	bool printed;

	strbuf_init(&text);
	if (json)
		report_json(report, &text);
	else
		report_text(report, &text);
	printed = !text.failed && fputs(text.text, stdout) >= 0 && fflush(stdout) == 0;
	strbuf_fini(&text);
	return printed ? TOOL_DONE : TOOL_FAILED;
}

/* Runs the load and prints what came of it. */
static int run(const char *command, const struct load_settings *settings,
	       struct load_result *result)
{
	const struct tool_arguments *arguments = settings->arguments;
	enum wsb_err err = load_run(settings, result);
	const struct report report = {
		.tally = &result->tally,
		.method = settings->method,
		.connections = settings->connections,
		.depth = settings->depth,
		.rate = settings->rate,
		.measured_us = result->measured_us,
	};

	if (err) {
		fprintf(stderr, "wsbroker %s: %s\n", command, result->why);
		return err == WSB_EINVAL ? TOOL_USAGE : TOOL_FAILED;
	}
	if (result->connected == 0)
		return tool_not_connected(command, arguments->url, result->status, result->why);
	if (result->why[0])
		tool_complain(command, arguments->url, result->why);
	if (print(&report, arguments->json) != TOOL_DONE)
		return TOOL_FAILED;
	return tally_is_clean(&result->tally) ? TOOL_DONE : TOOL_FAILED;
}

int bench_run(const struct tool_arguments *arguments)
{
	const struct bench_arguments *bench = &arguments->bench;
	const struct load_settings settings = {
		.arguments = arguments,
		.method = bench->method,
		.params = bench->params,
		.expect = bench->expect,
		.connections = bench->connections,
		.depth = bench->depth,
		.rate = bench->rate,
		.keys = bench->keys,
		.zipf = bench->zipf,
		.seed = bench->seed,
		.warm_up_us = bench->warm_up_us,
		.duration_us = bench->duration_us,
		.progress = true,
	};
	struct load_result result;

	return run("bench", &settings, &result);
}

/* All go over one connection, as a client of the broker sends them; unlike the load generator,
 * whoever calls wants no error. */
int call_many_run(const struct tool_arguments *arguments)
{
	const struct call_arguments *call = &arguments->call;
	const struct load_settings settings = {
		.arguments = arguments,
		.method = call->method,
		.params = call->params,
		.explain = call->explain,
		.connections = 1,
		.depth = call->parallel,
		.count = call->count,
		.duration_us = LOAD_FOREVER_US,
	};
	struct load_result result;
	int code = run("call", &settings, &result);

	if (code == TOOL_DONE && (result.tally.errors > 0 || result.tally.answers < call->count))
		code = TOOL_FAILED;
	return code;
}
