#include "broker/worker.h"

#include <stdbool.h>
#include <stdlib.h>
#include "broker/admin/admin.h"
#include "broker/engine/apply.h"
#include "broker/engine/engine.h"
#include "broker/io/entropy.h"
#include "broker/io/io.h"
#include "broker/io/loop.h"
#include "common/clock.h"
#include "common/strbuf.h"

struct worker {
	const struct config *config;
	struct log *log;
	struct loop loop;
	struct io *io;
	struct engine *engine;
	struct admin_backend admin;
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

static void on_tick(void *context, uint64_t now_us, uint64_t lag_us)
{
	struct worker *worker = context;

	engine_note_lag(worker->engine, lag_us);
	engine_tick(worker->engine, now_us);
	io_tick(worker->io, now_us);
	if (!worker->draining)
		return;
	if (engine_listeners_closed(worker->engine, now_us))
		io_close_listeners(worker->io);
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
	worker->draining = true;
	engine_drain(worker->engine, clock_monotonic_us());
}

static const struct loop_hooks hooks = {
	.turn = on_turn,
	.tick = on_tick,
	.stop_asked = on_stop_asked,
};

static enum wsb_err take_snapshot(void *instance, enum snapshot_extent extent, struct snapshot *out)
{
	struct worker *worker = instance;

	return engine_snapshot(worker->engine, extent, clock_monotonic_us(), out);
}

/* An operator may ask for the drain too. A signal after that only says the same. */
static void apply(void *instance, const struct command *command, struct outcome *outcome)
{
	struct worker *worker = instance;

	engine_apply(worker->engine, command, outcome, clock_monotonic_us());
	worker->draining = worker->draining || command->kind == COMMAND_DRAIN;
}

static void print_pools(const struct config *config, FILE *out)
{
	for (size_t i = 0; i < config->pool_count; i++) {
		const struct pool_settings *pool = &config->pools[i];

		fprintf(out, "pool      %s: %u connections to", pool->name, pool->size);
		for (size_t j = 0; j < pool->endpoint_count; j++)
			fprintf(out, "%s %s", j > 0 ? "," : "", pool->endpoints[j].name);
		fprintf(out, "\n");
	}
}

/* What is served, in the words of the configuration; never a URL of an endpoint, which may hold a
 * secret. */
static void print_banner(const struct config *config, FILE *out)
{
	fprintf(out, "wsbroker  %s on %s\n", WSBROKER_VERSION, config->node);
	for (size_t i = 0; i < config->listener_count; i++) {
		const struct listener_settings *listener = &config->listeners[i];
		const char *scheme = listener->address.kind == ADDRESS_UNIX ? ""
				     : listener->tls.certificate	    ? "wss://"
									    : "ws://";

		fprintf(out, "data      %s%s%s%s\n", scheme, listener->address.text,
			scheme[0] ? "" : " ", listener->path);
	}
	fprintf(out, "admin     %s%s\n",
		config->admin.address.kind == ADDRESS_UNIX ? "" : "http://",
		config->admin.address.text);
	print_pools(config, out);
	fprintf(out, "envelope  %s\n", config->envelope_is_jsonrpc ? "jsonrpc" : "configured");
	fflush(out);
}

static enum wsb_err start(struct worker *worker, struct strbuf *errors)
{
	enum wsb_err err;
	uint64_t seed;

	err = io_create(&worker->io, worker->config, worker->log, &worker->loop, errors);
	if (err)
		return err;
	entropy_fill(&seed, sizeof(seed));
	err = engine_create(&worker->engine, worker->config, io_ports(worker->io), worker->log,
			    seed, clock_monotonic_us());
	if (err)
		return err;
	worker->admin = (struct admin_backend){.instance = worker,
					       .settings = &worker->config->admin,
					       .snapshot = take_snapshot,
					       .history = engine_history(worker->engine),
					       .apply = apply};
	return io_start(worker->io, worker->engine, &worker->admin);
}

/* A look-up that hangs in the system's resolver cannot be called off: then what is left is left to
 * the end of the process. */
static void stop(struct worker *worker)
{
	if (worker->io && !io_end(worker->io))
		return;
	engine_destroy(worker->engine);
	io_destroy(worker->io);
	loop_fini(&worker->loop);
}

int worker_run(const struct config *config, struct log *log, FILE *out)
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
	worker->config = config;
	worker->log = log;
	strbuf_init(&errors);
	err = start(worker, &errors);
	if (err) {
		fprintf(stderr, "%s", errors.len > 0 ? errors.text : wsb_err_text(err));
	} else {
		print_banner(config, out);
		log_event(log, LOG_INFO, "broker.started", log_text("version", WSBROKER_VERSION));
		loop_run(&worker->loop);
		log_event(log, LOG_INFO, "broker.stopped",
			  log_text("how", worker->cut_short ? "at once" : "drained"));
		code = worker->cut_short ? 1 : 0;
	}
	strbuf_fini(&errors);
	stop(worker);
	free(worker);
	return code;
}
