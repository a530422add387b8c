/* broker/engine/apply_parts.h: what the files of apply share. */
#ifndef WSB_BROKER_ENGINE_APPLY_PARTS_H
#define WSB_BROKER_ENGINE_APPLY_PARTS_H

#include "broker/control/command.h"
#include "broker/engine/state.h"
#include "common/nearest.h"

/* One command on its way. */
struct application {
	struct engine *engine;
	const struct command *command;
	struct outcome *outcome;
	uint64_t now_us;
};

void apply_conclude(const struct application *application, enum outcome_kind kind,
		    const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Concludes that there is none of that name, and which one may have been meant. */
void apply_missing(const struct application *application, const struct nearest *nearest,
		   const char *format, ...) __attribute__((format(printf, 3, 4)));

void apply_to_pool(const struct application *application, struct lane *lane);
void apply_to_endpoint(const struct application *application, struct lane *lane);

#endif
