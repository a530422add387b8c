#include "broker/worker.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "broker/admin/admin.h"
#include "broker/control/note.h"
#include "broker/control/setting.h"
#include "broker/control/state_file.h"
#include "broker/engine/apply.h"
#include "broker/engine/engine.h"
#include "broker/engine/reconfigure.h"
#include "broker/io/entropy.h"
#include "broker/io/io.h"
#include "broker/io/loop.h"
#include "broker/io/saver.h"
#include "broker/io/tls.h"
#include "broker/worker/service.h"
#include "common/clock.h"
#include "common/strbuf.h"

/* A disk that was full may have room again. */
#define STATE_RETRY_US UINT64_C(5000000)

struct worker {
	struct configuration *configuration;
	struct log *log;
	struct loop loop;
	struct service service;
	struct io *io;
	struct saver *saver;	/* of the state file; NULL: there is none */
	uint64_t save_again_us; /* it could not be written; 0: it could */
	struct engine *engine;
	struct admin_backend admin;
	struct config_stats config_stats;
	bool draining;
	bool signalled;
	bool cut_short;
};

static void on_turn(void *context)
{
	struct worker *worker = context;

	if (worker->io)
		io_turn(worker->io);
}

static enum wsb_err missed(void *instance, struct strbuf *out)
{
	struct worker *worker = instance;

	return engine_missed(worker->engine, out);
}

static enum wsb_err take_snapshot(void *instance, enum snapshot_extent extent, struct snapshot *out)
{
	struct worker *worker = instance;
	enum wsb_err err = engine_snapshot(worker->engine, extent, clock_monotonic_us(), out);

	if (err)
		return err;
	out->config = worker->config_stats;
	out->config.generation = worker->configuration->generation;
	out->config.restart_needed = config_diff_restarts(&worker->configuration->pending);
	return WSB_OK;
}

static void close_listeners_in_time(struct worker *worker, uint64_t now_us)
{
	if (engine_listeners_closed(worker->engine, now_us))
		io_close_listeners(worker->io);
}

/* The engine drains. Who waits at a socket that was handed over is for the next broker to serve, so
 * the doors close at once where drain.delay does not keep them open. */
static void follow_drain(struct worker *worker)
{
	uint64_t now_us = clock_monotonic_us();

	worker->draining = true;
	close_listeners_in_time(worker, now_us);
	service_stopping(&worker->service, &worker->configuration->running->drain, now_us);
}

static void on_state_written(void *context, enum wsb_err err, const char *why)
{
	struct worker *worker = context;
	struct config_stats *stats = &worker->config_stats;
	const char *error = !err ? "" : why[0] ? why : wsb_err_text(err);
	bool was_well = !stats->state_error[0];

	if (err)
		stats->state_failed++;
	else
		stats->state_written++;
	worker->save_again_us = err ? clock_monotonic_us() + STATE_RETRY_US : 0;
	if (strncmp(stats->state_error, error, sizeof(stats->state_error) - 1) == 0)
		return;
	snprintf(stats->state_error, sizeof(stats->state_error), "%s", error);
	log_event(worker->log, err ? LOG_ERROR : LOG_INFO,
		  err ? "config.state_not_written" : "config.state_written",
		  log_text("file", worker->configuration->running->state),
		  log_text("error", stats->state_error));
	if (!err || was_well)
		engine_record(worker->engine,
			      &(struct history_event){.type = err ? "config.state_not_written"
								  : "config.state_written",
						      .object = "broker",
						      .reason = err ? "error" : "again",
						      .detail = stats->state_error});
}

static const struct saver_hooks state_hooks = {
	.write = state_file_write,
	.written = on_state_written,
};

static void save_state(struct worker *worker)
{
	char *text;

	worker->save_again_us = 0;
	if (!worker->saver)
		return;
	text = configuration_state(worker->configuration);
	if (text)
		saver_put(worker->saver, text);
	else
		on_state_written(worker, WSB_ENOMEM, "");
}

static void on_tick(void *context, uint64_t now_us, uint64_t lag_us)
{
	struct worker *worker = context;

	engine_note_lag(worker->engine, lag_us);
	engine_tick(worker->engine, now_us);
	io_tick(worker->io, now_us);
	service_tick(&worker->service, now_us, lag_us);
	if (worker->save_again_us > 0 && now_us >= worker->save_again_us)
		save_state(worker);
	if (!worker->draining)
		return;
	close_listeners_in_time(worker, now_us);
	if (engine_is_drained(worker->engine, now_us))
		loop_stop(&worker->loop);
}

static void on_stop_asked(void *context)
{
	struct worker *worker = context;

	if (worker->signalled) {
		worker->cut_short = true;
		loop_stop(&worker->loop);
		return;
	}
	worker->signalled = true;
	engine_drain(worker->engine, clock_monotonic_us());
	follow_drain(worker);
}

/* What is wrong with the file, line by line. */
static void log_rejection(struct worker *worker, const char *actor, const struct strbuf *errors)
{
	struct span rest = strbuf_span(errors);
	const char *end;
	char first[256] = "";

	snprintf(first, sizeof(first), "%.*s", (int)strcspn(rest.at, "\n"), rest.at);
	engine_record(worker->engine, &(struct history_event){.type = "config.rejected",
							      .object = "broker",
							      .reason = "invalid",
							      .detail = first,
							      .actor = actor});
	while (rest.len > 0) {
		end = memchr(rest.at, '\n', rest.len);
		struct span line = span_of(rest.at, end ? (size_t)(end - rest.at) : rest.len);

		log_event(worker->log, LOG_ERROR, "config.rejected", log_span("error", line));
		rest = span_of(line.at + line.len, rest.len - line.len);
		if (rest.len > 0)
			rest = span_of(rest.at + 1, rest.len - 1);
	}
}

/* On whose word, and in whose words why. */
struct order {
	const char *actor;
	const char *reason; /* NULL or "": none were given */
	bool is_set;	    /* one value, not the file */
};

static const char *words_of(const struct order *order)
{
	return order->reason && order->reason[0] ? order->reason : "asked";
}

static void log_changes(struct worker *worker, const struct order *order)
{
	const struct config_diff *applied = &worker->configuration->applied;

	for (size_t i = 0; i < applied->count; i++) {
		const struct config_change *change = &applied->changes[i];

		log_event(worker->log, LOG_INFO, "config.changed", log_text("key", change->key),
			  log_text("from", change->before ? change->before : ""),
			  log_text("to", change->after ? change->after : ""));
		if (order->is_set)
			engine_record(worker->engine,
				      &(struct history_event){.type = "config.changed",
							      .object = change->key,
							      .before = change->before,
							      .after = change->after,
							      .reason = words_of(order),
							      .actor = order->actor});
	}
}

static void log_reload(struct worker *worker, const struct order *order)
{
	const struct configuration *configuration = worker->configuration;
	size_t restarts = config_diff_restarts(&configuration->pending);
	char generation[24], detail[96];

	for (size_t i = 0; i < configuration->pending.count; i++)
		if (configuration->pending.changes[i].restart)
			log_event(worker->log, LOG_WARN, "config.restart_needed",
				  log_text("key", configuration->pending.changes[i].key));
	snprintf(generation, sizeof(generation), "%llu",
		 (unsigned long long)configuration->generation);
	snprintf(detail, sizeof(detail), "%zu changes, %zu need a restart",
		 configuration->applied.count, restarts);
	log_event(worker->log, LOG_INFO, "config.reloaded",
		  log_number("generation", configuration->generation),
		  log_number("changes", configuration->applied.count),
		  log_number("need_restart", restarts));
	engine_record(worker->engine, &(struct history_event){.type = "config.reloaded",
							      .object = "broker",
							      .after = generation,
							      .reason = words_of(order),
							      .detail = detail,
							      .actor = order->actor});
}

/* Everything that can fail comes first: certificates, addresses, memory. */
static enum wsb_err take_step(struct worker *worker, struct config_step *step,
			      const struct order *order, struct strbuf *errors)
{
	const struct config *next = step->running;
	struct io_change change;
	enum wsb_err err = tls_prepare(next, errors);

	if (!err)
		err = io_prepare(worker->io, next, &change, errors);
	if (err)
		return err;
	err = engine_reconfigure(worker->engine, next, order->actor, clock_monotonic_us());
	if (err) {
		io_forget(&change);
		return err;
	}
	io_take(worker->io, next, &change);
	worker->log->level = next->log.level;
	worker->log->format = next->log.format;
	worker->admin.settings = &next->admin;
	configuration_take(worker->configuration, step);
	log_changes(worker, order);
	if (!order->is_set)
		log_reload(worker, order);
	save_state(worker);
	return WSB_OK;
}

static enum wsb_err finish_step(struct worker *worker, struct config_step *step, enum wsb_err err,
				const struct order *order, struct strbuf *errors)
{
	if (!err) {
		err = take_step(worker, step, order, errors);
		if (err)
			config_step_drop(step);
	}
	if (err && errors->len == 0)
		strbuf_printf(errors, "%s\n", wsb_err_text(err));
	if (err && !order->is_set)
		log_rejection(worker, order->actor, errors);
	return err;
}

/* Whether anything may be changed now. */
static enum wsb_err check_time(const struct worker *worker, struct strbuf *errors)
{
	if (!worker->draining)
		return WSB_OK;
	strbuf_text(errors, "the broker drains: nothing is changed any more\n");
	return WSB_EUNAVAIL;
}

static enum wsb_err reload(void *instance, const char *actor, const char *reason,
			   struct strbuf *errors)
{
	struct worker *worker = instance;
	struct config_step step;
	enum wsb_err err = check_time(worker, errors);

	if (err) {
		log_rejection(worker, actor, errors);
		return err;
	}
	service_reloading(&worker->service, clock_monotonic_us());
	err = finish_step(worker, &step, configuration_reread(worker->configuration, &step, errors),
			  &(struct order){.actor = actor, .reason = reason}, errors);
	service_reloaded(&worker->service);
	worker->config_stats.successful = err == WSB_OK;
	if (err) {
		worker->config_stats.rejected++;
		return err;
	}
	worker->config_stats.reloads++;
	worker->config_stats.reloaded_wall_us = clock_wall_us();
	return WSB_OK;
}

static enum wsb_err set_value(void *instance, const struct override *change, struct strbuf *errors)
{
	struct worker *worker = instance;
	struct config_step step;
	enum wsb_err err = check_time(worker, errors);

	if (err)
		return err;
	return finish_step(
		worker, &step, configuration_set(worker->configuration, change, &step, errors),
		&(struct order){.actor = change->actor, .reason = change->reason, .is_set = true},
		errors);
}

static void on_reload_asked(void *context)
{
	struct strbuf errors;
	enum wsb_err err;

	strbuf_init(&errors);
	err = reload(context, "signal", NULL, &errors);
	(void)err; /* it has been logged */
	strbuf_fini(&errors);
}

static const struct loop_hooks hooks = {
	.turn = on_turn,
	.tick = on_tick,
	.stop_asked = on_stop_asked,
	.reload_asked = on_reload_asked,
};

static enum wsb_err take_cache_page(void *instance, const struct cache_query *query,
				    struct cache_page *out)
{
	struct worker *worker = instance;

	return engine_cache_page(worker->engine, query, clock_monotonic_us(), out);
}

/* What was set by a command outlives a reload, and a restart where there is a state file. */
static void note_command(struct worker *worker, const struct command *command)
{
	const char *added = command->add.name;
	bool noted;

	/* The name that the engine gave it, when nobody gave it one: that of the newest. */
	if (command->kind == COMMAND_ENDPOINT_ADD && !added)
		added = engine_newest_endpoint(worker->engine, command->pool);
	if (configuration_note_command(worker->configuration, command, added, clock_wall_us(),
				       &noted))
		log_event(worker->log, LOG_ERROR, "config.not_noted",
			  log_text("command", command_name(command->kind)));
	if (noted)
		save_state(worker);
}

/* An operator may ask for the drain too. A signal after that only says the same. */
static void apply(void *instance, const struct command *command, struct outcome *outcome)
{
	struct worker *worker = instance;

	engine_apply(worker->engine, command, outcome, clock_monotonic_us());
	if (outcome->kind <= OUTCOME_ACCEPTED && !command->rehearsal)
		note_command(worker, command);
	if (command->kind == COMMAND_DRAIN && !worker->draining)
		follow_drain(worker);
}

static void print_pools(const struct config *config, FILE *out)
{
	for (size_t i = 0; i < config->pool_count; i++) {
		const struct pool_settings *pool = &config->pools[i];

		fprintf(out, "pool      %s: %u connection%s to", pool->name, pool->size,
			pool->size == 1 ? "" : "s");
		for (size_t j = 0; j < pool->endpoint_count; j++)
			fprintf(out, "%s %s", j > 0 ? "," : "", pool->endpoints[j].name);
		fprintf(out, "\n");
	}
}

/* Of a socket that was handed over the configuration knows no more than the name. */
static void print_place(const struct address *address, const char *bound, const char *scheme,
			const char *path, FILE *out)
{
	bool is_unix = strncmp(bound, "unix:", strlen("unix:")) == 0;

	fprintf(out, "%s%s%s%s", is_unix ? "" : scheme, bound, is_unix && path[0] ? " " : "", path);
	if (address->kind == ADDRESS_FD)
		fprintf(out, " (%s)", address->text);
	fprintf(out, "\n");
}

static void print_bus(const struct bus_settings *bus, FILE *out)
{
	fprintf(out, "bus       %s", bus->url_count == 0 ? "embedded" : "");
	for (size_t i = 0; i < bus->url_count; i++)
		fprintf(out, "%s%s%s", i > 0 ? ", " : "", bus->urls[i].host ? "redis://" : "",
			bus->urls[i].label);
	fprintf(out, "\n");
}

/* What is served, in the words of the configuration; never a URL of an endpoint, which may hold a
 * secret. */
static void print_banner(const struct config *config, const struct io *io, FILE *out)
{
	fprintf(out, "wsbroker  %s on %s\n", WSBROKER_VERSION, config->node);
	for (size_t i = 0; i < config->listener_count; i++) {
		const struct listener_settings *listener = &config->listeners[i];

		fprintf(out, "data      ");
		print_place(&listener->address, io_data_address(io, i),
			    listener->tls.certificate ? "wss://" : "ws://", listener->path, out);
	}
	fprintf(out, "admin     ");
	print_place(&config->admin.address, io_admin_address(io), "http://", "", out);
	print_pools(config, out);
	print_bus(&config->bus, out);
	fprintf(out, "envelope  %s\n", config->envelope_is_jsonrpc ? "jsonrpc" : "configured");
	fflush(out);
}

static enum wsb_err start(struct worker *worker, struct strbuf *errors)
{
	const char *state = worker->configuration->running->state;
	enum wsb_err err = WSB_OK;
	uint64_t seed;

	if (state)
		err = saver_create(&worker->saver, &worker->loop.uv, state, &state_hooks, worker);
	if (!err)
		err = io_create(&worker->io, worker->configuration->running, worker->log,
				&worker->loop, errors);
	if (err)
		return err;
	entropy_fill(&seed, sizeof(seed));
	err = engine_create(&worker->engine, worker->configuration->running, io_ports(worker->io),
			    worker->log, seed, clock_monotonic_us());
	if (err)
		return err;
	worker->admin = (struct admin_backend){.instance = worker,
					       .settings = &worker->configuration->running->admin,
					       .snapshot = take_snapshot,
					       .cache_page = take_cache_page,
					       .history = engine_history(worker->engine),
					       .journal = engine_journal(worker->engine),
					       .missed = missed,
					       .configuration = worker->configuration,
					       .reload = reload,
					       .set = set_value,
					       .apply = apply};
	return io_start(worker->io, worker->engine, &worker->admin);
}

/* A look-up that hangs in the system's resolver cannot be called off, nor can a disk that hangs:
 * then what is left is left to the end of the process. */
static void stop(struct worker *worker)
{
	if (worker->save_again_us > 0)
		save_state(worker);
	if (!saver_finish(worker->saver) || (worker->io && !io_end(worker->io)))
		return;
	saver_destroy(worker->saver);
	engine_destroy(worker->engine);
	io_destroy(worker->io);
	loop_fini(&worker->loop);
}

int worker_run(struct configuration *configuration, struct log *log, FILE *out)
{
	struct worker *worker = calloc(1, sizeof(*worker));
	struct strbuf errors;
	enum wsb_err err;
	int code = 1;

	if (!worker || loop_init(&worker->loop, &hooks, worker)) {
		fprintf(stderr, "wsbroker: the event loop could not be started\n");
		free(worker);
		return 1;
	}
	worker->configuration = configuration;
	worker->config_stats =
		(struct config_stats){.reloaded_wall_us = clock_wall_us(), .successful = true};
	worker->log = log;
	service_init(&worker->service, log);
	strbuf_init(&errors);
	err = start(worker, &errors);
	if (err) {
		fprintf(stderr, "%s", errors.len > 0 ? errors.text : wsb_err_text(err));
	} else {
		print_banner(configuration->running, worker->io, out);
		log_event(log, LOG_INFO, "broker.started", log_text("version", WSBROKER_VERSION));
		service_started(&worker->service, &worker->admin, worker->engine, worker->io);
		loop_run(&worker->loop);
		log_event(log, LOG_INFO, "broker.stopped",
			  log_text("how", worker->cut_short ? "at once" : "drained"));
		code = worker->cut_short ? 1 : 0;
	}
	strbuf_fini(&errors);
	stop(worker);
	service_fini(&worker->service);
	free(worker);
	return code;
}
