/* The configuration read again, or changed key by key. */
#include <stdlib.h>
#include "broker/admin/actions.h"
#include "broker/admin/answer.h"
#include "broker/admin/body.h"
#include "broker/admin/views_config.h"

#define COUNT(members) (sizeof(members) / sizeof((members)[0]))

/* A file that is wrong is 422; what was asked for wrongly, as everywhere, 400 or 404. */
enum asked { ASKED_FOR_FILE, ASKED_FOR_VALUE };

static int refused_status(enum wsb_err err, enum asked asked)
{
	switch (err) {
	case WSB_ENOENT:
		return asked == ASKED_FOR_VALUE ? 404 : 409;
	case WSB_EDENIED:
	case WSB_EUNAVAIL:
	case WSB_EEXIST:
		return 409;
	case WSB_EINVAL:
		return asked == ASKED_FOR_VALUE ? 400 : 422;
	case WSB_ENOMEM:
		return 500;
	default:
		return 422;
	}
}

void action_reload(struct admin_exchange *exchange)
{
	static const struct body_member members[] = {{"reason", BODY_TEXT}};
	const struct admin_backend *backend = exchange->backend;
	struct strbuf errors;
	enum wsb_err err;

	if (!body_check(exchange->body, members, COUNT(members), exchange->response))
		return;
	strbuf_init(&errors);
	err = backend->reload(backend->instance, exchange->call->identity.actor,
			      body_text(exchange->body, "reason", NULL), &errors);
	if (err)
		answer_problems(exchange->response, refused_status(err, ASKED_FOR_FILE),
				strbuf_span(&errors));
	else
		answer_json(exchange->response, 200, view_step(backend->configuration));
	strbuf_fini(&errors);
}

static void set(struct admin_exchange *exchange, const char *key, const char *value)
{
	const struct admin_backend *backend = exchange->backend;
	const struct override change = {.kind = OVERRIDE_VALUE,
					.key = key,
					.value = value,
					.actor = exchange->call->identity.actor,
					.reason = body_text(exchange->body, "reason", ""),
					.wall_us = exchange->call->wall_us};
	struct strbuf errors;
	enum wsb_err err;

	strbuf_init(&errors);
	err = backend->set(backend->instance, &change, &errors);
	if (err)
		answer_problems(exchange->response, refused_status(err, ASKED_FOR_VALUE),
				strbuf_span(&errors));
	else
		answer_json(exchange->response, 200, view_step(backend->configuration));
	strbuf_fini(&errors);
}

void action_set(struct admin_exchange *exchange)
{
	static const struct body_member members[] = {
		{"key", BODY_TEXT}, {"value", BODY_SCALAR}, {"reason", BODY_TEXT}};
	const char *key = body_text(exchange->body, "key", NULL);
	const json_t *value = json_object_get(exchange->body, "value");
	char *text;

	if (!body_check(exchange->body, members, COUNT(members), exchange->response))
		return;
	if (!key || !value || json_is_null(value)) {
		answer_problem(exchange->response, 400, "key and value are needed.");
		return;
	}
	if (json_is_string(value)) {
		set(exchange, key, json_string_value(value));
		return;
	}
	text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
	if (text)
		set(exchange, key, text);
	else
		answer_no_memory(exchange->response);
	free(text);
}
