/* broker/worker/service.h: what the manager of the service is told, and when: joins what the broker
 * knows of itself with the words of io/notify. Without a manager all of it does nothing. */
#ifndef WSB_BROKER_WORKER_SERVICE_H
#define WSB_BROKER_WORKER_SERVICE_H

#include <stdbool.h>
#include <stdint.h>
#include "broker/admin/admin.h"
#include "broker/control/vitals.h"
#include "broker/engine/engine.h"
#include "broker/io/io.h"
#include "broker/io/notify.h"
#include "common/log.h"

struct service {
	struct notify notify;
	struct vitals vitals;
	uint64_t status_at_us;
	bool stopping;
	const struct admin_backend *backend; /* whom to ask for a picture */
	struct engine *engine;
	const struct io *io;
};

/* Reads the environment. Borrows log. */
void service_init(struct service *service, struct log *log);
void service_fini(struct service *service);

/* All listeners are open. Borrows all it is given. */
void service_started(struct service *service, const struct admin_backend *backend,
		     struct engine *engine, const struct io *io);

/* Around a reload, whatever comes of it. */
void service_reloading(struct service *service, uint64_t now_us);
void service_reloaded(struct service *service);

/* The drain has begun, or somebody asks for it again. */
void service_stopping(struct service *service, const struct drain_settings *drain, uint64_t now_us);

/* With every tick: the status, and the watchdog. */
void service_tick(struct service *service, uint64_t now_us, uint64_t lag_us);

#endif
