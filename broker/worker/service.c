#include "broker/worker/service.h"

#include "broker/admin/status_line.h"
#include "common/clock.h"
#include "common/strbuf.h"

/* How often a status is told at most. */
#define STATUS_EVERY_US US_PER_S

/* Beyond the drain's own times: good-byes that are under way, and the end of the process. */
#define END_TAKES_US (10 * US_PER_S)

void service_init(struct service *service, struct log *log)
{
	*service = (struct service){0};
	notify_init(&service->notify, log);
	service->vitals.patience_us = service->notify.watchdog_us;
}

void service_fini(struct service *service)
{
	notify_fini(&service->notify);
}

void service_started(struct service *service, const struct admin_backend *backend,
		     struct engine *engine, const struct io *io)
{
	service->backend = backend;
	service->engine = engine;
	service->io = io;
	notify_ready(&service->notify);
}

void service_reloading(struct service *service, uint64_t now_us)
{
	notify_reloading(&service->notify, now_us);
}

void service_reloaded(struct service *service)
{
	notify_ready(&service->notify);
}

static void tell_status(struct service *service, uint64_t now_us)
{
	const struct admin_backend *backend = service->backend;
	struct snapshot snapshot;
	struct strbuf line;

	service->status_at_us = now_us + STATUS_EVERY_US;
	if (backend->snapshot(backend->instance, SNAPSHOT_POOLS, &snapshot))
		return;
	strbuf_init(&line);
	status_line(&snapshot, &line);
	if (!line.failed)
		notify_status(&service->notify, strbuf_span(&line));
	strbuf_fini(&line);
	snapshot_fini(&snapshot);
}

void service_stopping(struct service *service, const struct drain_settings *drain, uint64_t now_us)
{
	service->stopping = true;
	if (!notify_is_heard(&service->notify))
		return;
	notify_stopping(&service->notify, drain->delay_us + drain->timeout_us + END_TAKES_US);
	tell_status(service, now_us);
}

static void record_beat(struct service *service, const char *complaint)
{
	engine_record(service->engine,
		      &(struct history_event){.type = complaint ? "watchdog.withheld"
								: "watchdog.resumed",
					      .object = "broker",
					      .reason = complaint ? "ill" : "well",
					      .detail = complaint});
}

/* A broker that stops has closed its doors on purpose. */
void service_tick(struct service *service, uint64_t now_us, uint64_t lag_us)
{
	struct notify *notify = &service->notify;
	const char *complaint;

	if (!notify_is_heard(notify))
		return;
	vitals_note_tick(&service->vitals, lag_us);
	notify_tick(notify);
	if (now_us >= service->status_at_us)
		tell_status(service, now_us);
	if (!notify_beat_is_due(notify, now_us))
		return;
	complaint = vitals_judge(&service->vitals, service->stopping || io_listens(service->io));
	if (notify_beat(notify, complaint, now_us))
		record_beat(service, complaint);
}
