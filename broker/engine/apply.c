#include "broker/engine/apply.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "broker/engine/apply_parts.h"
#include "broker/engine/client.h"
#include "broker/engine/invalidate.h"
#include "broker/engine/lane.h"
#include "broker/engine/operate.h"
#include "broker/engine/record.h"
#include "broker/engine/upkeep.h"

void apply_conclude(const struct application *application, enum outcome_kind kind,
		    const char *format, ...)
{
	struct outcome *outcome = application->outcome;
	va_list args;

	outcome->kind = kind;
	va_start(args, format);
	vsnprintf(outcome->detail, sizeof(outcome->detail), format, args);
	va_end(args);
}

void apply_missing(const struct application *application, const struct nearest *nearest,
		   const char *format, ...)
{
	struct strbuf meant;
	char what[192];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	strbuf_init(&meant);
	nearest_suggest(nearest, &meant);
	apply_conclude(application, OUTCOME_NOT_FOUND, "%s%s", what, strbuf_span(&meant).at);
	strbuf_fini(&meant);
}

static struct session *client_numbered(struct engine *engine, int64_t id)
{
	list_each(&engine->sessions.states[SESSION_OPEN], node) {
		struct session *session = list_entry(node, struct session, state_link);

		if (id > 0 && session->id == (uint64_t)id && session->kind != SESSION_HTTP)
			return session;
	}
	return NULL;
}

static void apply_kick(const struct application *application)
{
	struct engine *engine = application->engine;
	int64_t id = application->command->number;
	struct session *session = client_numbered(engine, id);
	char object[48];

	if (!session) {
		apply_conclude(application, OUTCOME_NOT_FOUND, "there is no client %" PRId64, id);
		return;
	}
	snprintf(object, sizeof(object), "client %" PRIu64, session->id);
	log_event(engine->log, LOG_INFO, "client.kicked", log_number("client", session->id),
		  log_text("identity", session->identity ? session->identity : ""));
	record_event(engine, &(struct history_event){
				     .type = "client.kicked",
				     .object = object,
				     .before = "open",
				     .after = "closing",
				     .reason = "asked",
				     .detail = session->identity,
			     });
	client_close(engine, session, 1008, "kicked");
	apply_conclude(application, OUTCOME_DONE, "client %" PRId64 " is told to go", id);
}

/* "tag property:42 +3": the first name, and how many more there are. */
static void describe(const struct invalidation *what, char *out, size_t size)
{
	const size_t count = what->tag_count + what->key_count + what->method_count;
	const char *kind = what->tag_count ? "tag" : what->key_count ? "key" : "method";
	const struct span *first = what->tag_count   ? what->tags
				   : what->key_count ? what->keys
						     : what->methods;
	int len;

	if (what->all) {
		snprintf(out, size, "everything");
		return;
	}
	len = snprintf(out, size, "%s %.*s", kind, first->len < 100 ? (int)first->len : 100,
		       first->at);
	if (count > 1)
		snprintf(out + len, size - (size_t)len, " +%zu", count - 1);
}

static void apply_invalidate(const struct application *application)
{
	struct engine *engine = application->engine;
	const struct invalidation *what = application->command->what;
	size_t hits = invalidate(engine, what, CAUSE_ADMIN, application->now_us);
	char object[160];
	char after[64];

	describe(what, object, sizeof(object));
	snprintf(after, sizeof(after), "%zu entries %s", hits,
		 what->mode == INVALIDATE_SOFT ? "stale" : "gone");
	record_event(engine, &(struct history_event){
				     .type = "cache.invalidated",
				     .object = object,
				     .after = after,
				     .reason = "asked",
			     });
	application->outcome->invalidated = hits;
	application->outcome->position = engine->invalidations.latest;
	if (application->command->timeout_us > 0)
		application->outcome->operation = operate_begin_invalidation(
			engine, application->command, application->now_us);
	apply_conclude(application,
		       application->outcome->operation ? OUTCOME_ACCEPTED : OUTCOME_DONE, "%s",
		       after);
}

static void apply_drain(const struct application *application)
{
	struct engine *engine = application->engine;

	if (engine->draining) {
		apply_conclude(application, OUTCOME_DONE, "the broker drains already");
		return;
	}
	engine_drain(engine, application->now_us);
	apply_conclude(application, OUTCOME_DONE, "the broker drains");
}

static void tell_pool_missing(const struct application *application)
{
	const struct engine *engine = application->engine;
	const char *name = application->command->pool ? application->command->pool : "";
	struct nearest nearest;

	nearest_init(&nearest, span_text(name));
	for (size_t i = 0; i < engine->lane_count; i++) {
		if (!engine->lanes[i]->retiring)
			nearest_offer(&nearest, span_text(engine->lanes[i]->pool->settings->name));
	}
	apply_missing(application, &nearest, "there is no pool %s", name);
}

static void apply_in_lane(const struct application *application)
{
	const struct command *command = application->command;
	struct lane *lane = lane_named(application->engine, command->pool);

	/* What retires cannot be kept from it: a pause would keep its last requests for ever. */
	if (!lane || lane->retiring)
		tell_pool_missing(application);
	else if (command_has_endpoint(command->kind))
		apply_to_endpoint(application, lane);
	else
		apply_to_pool(application, lane);
}

void engine_apply(struct engine *engine, const struct command *command, struct outcome *outcome,
		  uint64_t now_us)
{
	const struct application application = {engine, command, outcome, now_us};

	*outcome = (struct outcome){.kind = OUTCOME_DONE};
	engine->actor = command->actor;
	engine->words = command->reason;
	switch (command->kind) {
	case COMMAND_CLIENT_KICK:
		apply_kick(&application);
		break;
	case COMMAND_INVALIDATE:
		apply_invalidate(&application);
		break;
	case COMMAND_DRAIN:
		apply_drain(&application);
		break;
	default:
		apply_in_lane(&application);
		break;
	}
	engine->actor = NULL;
	engine->words = NULL;
	engine_leave(engine, now_us);
}
